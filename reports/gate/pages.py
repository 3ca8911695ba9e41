"""A gate's page, its summary in Markdown and its JUnit XML, all from gate.json alone.

The page is one file that fetches nothing. Equal inputs give equal bytes.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.gate import words
from reports.writing import wording
from reports.writing.rendering import environment, harmless_in_markdown, page_of
from sioprobe.results.gate import Cell, Change, Gate

__all__ = ["render_junit", "render_page", "render_summary"]

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 210, 24, 58, 34
"""Of the forest plot, in its own units; a row holds the change and, below, the base against itself."""
MOST_FUNCTIONS = 25
_LEAST_REACH = 0.08
_MOST_REACH = 0.6

# What XML 1.0 cannot hold, whatever the escape.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Mark:
    """An estimate with its interval, as places on the axis; cut where it leaves the plot."""

    x: float
    low: float
    high: float
    y: float
    said: str


@dataclass(frozen=True, slots=True)
class Forest:
    """The plot: the axis's ticks, the limits, and two marks a cell."""

    width: int
    height: int
    left: int
    bottom: int
    ticks: list[tuple[float, str]]
    zero: float
    tolerance: float
    rows: list[tuple[Cell, float, Mark | None, Mark | None]]
    finding: str


def _forest(gate: Gate) -> Forest:
    changes = [cell[name] for cell in gate["cells"] for name in ("cpu", "cpu_again")]
    ends = [
        abs(end)
        for change in changes
        if change
        for end in (change["low"], change["high"], change["estimate"])
        if end
    ]
    tolerance = float(gate["thresholds"]["tolerance"])
    reach = min(max([_LEAST_REACH, tolerance * 1.3, *ends]), _MOST_REACH) * 1.06
    middle, scale = (LEFT + WIDTH - RIGHT) / 2, (WIDTH - RIGHT - LEFT) / 2 / reach

    def place(value: float) -> float:
        return round(min(max(middle + value * scale, LEFT), WIDTH - RIGHT), 1)

    def mark(change: Change | None, y: float) -> Mark | None:
        if change is None:
            return None
        # Too few lives have no interval: the dot stands alone.
        low, high = (change["estimate"] if end is None else end for end in (change["low"], change["high"]))
        return Mark(place(change["estimate"]), place(low), place(high), y, words.change_words(change))

    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if reach / step <= 6)
    count = int(reach / step)
    ticks = [(place(n * step), f"{n * step * 100:+.0f} %" if n else "0") for n in range(-count, count + 1)]
    rows = []
    for number, cell in enumerate(gate["cells"]):
        y = TOP + number * ROW + 18.0
        rows.append((cell, y, mark(cell["cpu"], y), mark(cell["cpu_again"], y + 20)))
    bottom = TOP + len(gate["cells"]) * ROW + 4
    finding = "; ".join(
        f"{cell['id']}: {words.change_words(cell['cpu'])}, {cell['verdict']}" for cell in gate["cells"]
    )
    return Forest(WIDTH, bottom + 26, LEFT, bottom, ticks, place(0), place(tolerance), rows, finding)


def _differences(gate: Gate) -> list[tuple[str, str, str]]:
    """What the two sides run on where it differs: name, base, head."""
    base, head = gate["base"]["versions"], gate["head"]["versions"]
    names = [name for name in dict.fromkeys((*base, *head)) if base.get(name) != head.get(name)]
    return [(name, base.get(name, "–"), head.get(name, "–")) for name in names]


def _context(gate: Gate) -> dict[str, Any]:
    shared = {
        name: version
        for name, version in gate["head"]["versions"].items()
        if gate["base"]["versions"].get(name) == version
    }
    return {
        "gate": gate,
        "symbol": words.SYMBOLS[gate["verdict"]],
        "symbols": words.SYMBOLS,
        "headings": words.headings_of(gate),
        "rows": list(zip(gate["cells"], words.rows_of(gate), strict=True)),
        "forest": _forest(gate),
        "differences": _differences(gate),
        "shared": shared,
        "number": words.number,
        "percent": wording.signed_percent,
        "change_words": words.change_words,
        "how_measured": words.how_measured(gate),
        "most_functions": MOST_FUNCTIONS,
    }


def render_page(gate: Gate, raw: Mapping[str, bytes]) -> str:
    """gate.html; `raw` are the files that lie inside it."""
    note = ": everything above can be computed again from them."
    return page_of("gate.html.jinja", raw, {**_context(gate), "data_note": note})


def render_summary(gate: Gate) -> str:
    """summary.md: at most 25 lines, for the summary of a CI step."""
    text = environment(harmless_in_markdown).get_template("gate.md.jinja").render(**_context(gate))
    return text.rstrip() + "\n"


def render_junit(gate: Gate) -> bytes:
    """One test case a cell, a judged mode and a broken requirement."""
    suite = ElementTree.Element("testsuite", {"name": "sioprobe gate"})
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}

    def add(
        group: str, name: str, kind: str | None, message: str, text: str = "", seconds: float = 0.0
    ) -> None:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": f"gate.{group}", "name": _clean(name), "time": f"{seconds:.3f}"}
        )
        counts["tests"] += 1
        if kind is not None:
            element = ElementTree.SubElement(case, kind, {"message": _clean(message)})
            element.text = _clean(text or message)
            counts[{"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]] += 1

    inconclusive = "failure" if gate["fail_on"] == "inconclusive" else "skipped"
    kinds = {"PASS": None, "REGRESSION": "failure", "INCONCLUSIVE": inconclusive, "ERROR": "error"}
    for cell in gate["cells"]:
        seconds = (cell["seconds_a_life"] or 0.0) * cell["lives"]
        add("cpu", cell["id"], kinds[cell["verdict"]], cell["why"], cell["help"] or "", seconds)
    for entry in gate["conformance"]:
        mode = entry["mode"] or "application"
        if not entry["broken"] and not entry["problem"]:
            add("conformance", mode, None, "")
        if entry["problem"]:
            add("conformance", mode, inconclusive, entry["problem"])
        for case in entry["broken"]:
            change = f"{case['base']} -> {case['head']}: {case['actual']}"
            add(
                "conformance",
                f"{mode} {case['id']} {case['case']}",
                "failure",
                f"{case['id']}: {change}",
                change,
            )
    if gate["problem"] is not None and not counts["errors"]:
        add("gate", "gate", "error", gate["problem"])
    if gate["verdict"] == "REGRESSION" and not counts["failures"]:
        add("gate", "gate", "failure", gate["sentence"])
    numbers = {name: str(value) for name, value in counts.items()}
    suite.attrib |= {
        **numbers,
        "time": f"{gate['measured_seconds']:.3f}",
        "timestamp": gate["started_at"][:19],
    }
    root = ElementTree.Element(
        "testsuites", {"name": "sioprobe gate", **numbers, "time": suite.attrib["time"]}
    )
    root.append(suite)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return written


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("?", text)
