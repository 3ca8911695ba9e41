"""A gate's answer in words: lines for a console, and the pieces that its pages share."""

from __future__ import annotations

from reports.writing import wording
from sioprobe.results.gate import Cell, Change, Conformance, Counted, Gate

__all__ = ["change_words", "lines_of", "rows_of"]

SYMBOLS = {"PASS": "✓", "REGRESSION": "✗", "INCONCLUSIVE": "?", "ERROR": "!"}


def change_words(change: Change | None) -> str:
    """`+4.6 % [+3.1, +6.1]`."""
    return "–" if change is None else wording.change(change["estimate"], change["low"], change["high"])


def verdict_words(cell: Cell) -> str:
    """`PASS, improved`."""
    return f"{cell['verdict']}, improved" if cell["improved"] else cell["verdict"]


def headings_of(gate: Gate) -> tuple[str, ...]:
    """Those of the table of cells; `unit` is what the gate measures by, a message or a task."""
    cpu = f"CPU per {gate['unit']}"
    return ("cell", "verdict", cpu, "base against itself", "p50", "smallest visible", "lives")


def rows_of(gate: Gate) -> list[tuple[str, ...]]:
    """One row a cell, under `headings_of`."""
    return [
        (
            cell["id"],
            verdict_words(cell),
            change_words(cell["cpu"]),
            change_words(cell["cpu_again"]),
            change_words(cell["p50"]),
            wording.signed_percent(cell["cpu"]["smallest_visible"] if cell["cpu"] else None),
            str(cell["lives"]),
        )
        for cell in gate["cells"]
    ]


def how_measured(gate: Gate) -> str:
    """One line on what the figures stand on."""
    if not any(cell["lives"] for cell in gate["cells"]):
        return "no life was measured"
    policy = "under SCHED_RR" if gate["realtime"] else "without SCHED_RR"
    sure = f"intervals hold at {gate['thresholds']['alpha'] * 100:g} % on each side at each look"
    return f"{gate['measured_seconds']:.0f} s measured {policy}; {sure}"


def lines_of(gate: Gate) -> list[str]:
    """The answer for a console."""
    lines = [f"{SYMBOLS[gate['verdict']]} {gate['verdict']}: {gate['sentence']}"]
    rows = [headings_of(gate), *rows_of(gate)]
    if len(rows) > 1:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines.append("")
        lines += [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines.append("")
    lines += [
        f"{cell['id']}: {cell['why']}. What would help: {cell['help']}"
        for cell in gate["cells"]
        if cell["help"]
    ]
    for entry in gate["conformance"]:
        lines += conformance_lines(entry)
    for counted in gate["counters"]:
        lines += counted_lines(counted, gate["unit"])
    lines.append(how_measured(gate))
    return lines


def conformance_lines(entry: Conformance) -> list[str]:
    """What changed in the requirements of one mode."""
    name = f"conformance{' of ' + entry['mode'] if entry['mode'] else ''}"
    if entry["problem"]:
        return [f"{name}: {entry['problem']}"]
    changed = f"{len(entry['broken'])} broken by head, {len(entry['mended'])} mended"
    lines = [f"{name}: {entry['judged']} cases, {changed}"]
    lines += [
        f"  {case['id']} ({case['case']}): {case['base']} -> {case['head']}: {case['actual']}"
        for case in entry["broken"]
    ]
    return lines


def number(value: float | None) -> str:
    """A count."""
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def counted_lines(counted: Counted, unit: str, most: int = 8) -> list[str]:
    """What one cell counts differently."""
    metrics = [metric for metric in counted["metrics"] if metric["equal"] is False]
    name = f"counts of {counted['cell']}"
    if not counted["metrics"]:
        return [f"{name}: {'; '.join(counted['notes'])}"]
    if not metrics and not counted["functions"]:
        return [f"{name}: equal ({', '.join(metric['name'] for metric in counted['metrics'])})"]
    changes = [f"{one['name']} {number(one['base'])} -> {number(one['head'])}" for one in metrics]
    lines = [f"{name}: {', '.join(changes) or 'equal sums, but other functions'}"]
    lines += [
        f"  {function['name']} ({function['place']}):"
        f" {number(function['base'])} -> {number(function['head'])} calls a {unit}"
        for function in counted["functions"][:most]
    ]
    if len(counted["functions"]) > most:
        lines.append(f"  and {len(counted['functions']) - most} more functions in gate.json")
    return lines
