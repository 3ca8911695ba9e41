"""The page and the Markdown summary of two folders side by side, from against.json alone."""

from __future__ import annotations

import json
from typing import Any

from reports.against.sentences import NAMES, RATIO_NAMES, claims_of, place_of
from reports.charts.changes import draw_changes
from reports.charts.panels import DrawnFigure
from reports.conformance.words import SYMBOLS as VERDICT_SYMBOLS
from reports.statistics.kept_results import machine_words
from reports.statistics.metrics import METRICS
from reports.writing import wording
from reports.writing.rendering import environment, harmless_in_markdown, page_of
from sioprobe.results.across import (
    Against,
    FigureChange,
    RatioChange,
    SectionChange,
    VerdictChange,
    VersionChange,
)
from sioprobe.results.types import Arm

__all__ = ["render_page", "render_summary"]

SYMBOLS = {"better": "✓", "worse": "✗", "cannot be told apart": "≈", None: "–"}
MOST_CASES = 400


def render_page(against: Against) -> str:
    """against.html: one file that fetches nothing. Equal inputs give equal bytes."""
    data = json.dumps(against, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    figures = [figure for name in NAMES if (figure := _figure(against, name)) is not None]
    more = {"figures": figures, "data_note": ": every figure above is in it."}
    return page_of("against.html.jinja", {"against.json": data}, _context(against) | more)


def render_summary(against: Against) -> str:
    """against.md: at most 25 lines, then <details>."""
    template = environment(harmless_in_markdown).get_template("against.md.jinja")
    words = {"worse": 0, "better": 1}
    changed_first = sorted(
        against["cells"], key=lambda cell: min(words.get(one["word"] or "", 2) for one in cell["figures"])
    )
    return template.render(**_context(against), rows=changed_first).rstrip() + "\n"


def _context(against: Against) -> dict[str, Any]:
    look, symbol, word = _verdict(against)
    return {
        "against": against,
        "look": look,
        "symbol": symbol,
        "word": word,
        "symbols": SYMBOLS,
        "names": NAMES,
        "units": {name: METRICS[name].shown_unit for name in NAMES},
        "place_of": place_of,
        "wording": wording,
        "versions": [_version_words(one) for one in against["versions"]],
        "machine": machine_words(against["new"]["environment"]),
        "machine_of_old": machine_words(against["old"]["environment"]),
        "shown": _shown,
        "ratio_rows": [_ratio_row(one) for one in against["ratios"]],
        "section_rows": [_section_row(one) for one in against["sections"]],
        "case_rows": [_case_row(one) for one in against["conformance"][:MOST_CASES]],
        "most_cases": MOST_CASES,
    }


def _verdict(against: Against) -> tuple[str, str, str]:
    """The look of the card, its symbol and its word."""
    if against["meaningless"]:
        return "incomplete", "!", "Not comparable"
    ratios = [one["word"] for one in against["ratios"]]
    broken = any(case["kind"] == "broken" for case in against["conformance"])
    if broken or claims_of(against, "worse") or "worse" in ratios:
        return "failures", "✗", "Something got worse"
    if claims_of(against, "better") or "better" in ratios:
        return "complete", "✓", "Better, and nothing worse"
    if against["together"]:
        return "incomplete", "?", "Perhaps the machine"
    return "known-deviations", "≈", "No sure change"


def _version_words(change: VersionChange) -> tuple[str, str, str, str]:
    """Name, old, new, and who runs on it."""
    who = wording.listed(change["arms"]) if change["arms"] else "sioprobe itself"
    return change["name"], change["old"] or "–", change["new"] or "–", who


def _shown(figure: FigureChange) -> dict[str, str]:
    """A figure as a page says it."""
    kind = METRICS[figure["figure"]]
    old, new = (None if value is None else value * kind.scale for value in (figure["old"], figure["new"]))
    between = wording.change(figure["change"], figure["low"], figure["high"]).partition("[")
    return {
        "change": wording.signed_percent(figure["change"]),
        "interval": "".join(between[1:]),
        "old": wording.number(old),
        "new": wording.number(new),
    }


def _section_row(one: SectionChange) -> list[str]:
    return [
        one["section"],
        one["arm"],
        wording.TRANSPORTS.get(one["transport"] or "", "–"),
        ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in one["at"].items()),
        one["figure"].replace("_", " "),
        wording.number(one["old"]),
        wording.number(one["new"]),
        one["unit"],
        wording.signed_percent(one["change"]),
    ]


def _case_row(one: VerdictChange) -> list[str]:
    old, new = (
        f"{VERDICT_SYMBOLS[verdict]} {verdict}" if verdict else "not asked for"
        for verdict in (one["old"], one["new"])
    )
    transport = wording.TRANSPORTS.get(one["transport"] or "", "–")
    return [one["id"], one["arm"], one["kind"], old, new, transport, one["case"], one["requirement"]]


def _ratio_row(ratio: RatioChange) -> list[str]:
    def said(one: Any) -> str:
        return f"{wording.number(one['ratio'])} ({wording.interval(one['low'], one['high'])})"

    return [
        f"{ratio['arm']} / {ratio['over']}",
        wording.TRANSPORTS[ratio["transport"]],
        RATIO_NAMES.get(ratio["figure"], ratio["figure"]),
        said(ratio["old"]),
        said(ratio["new"]),
        wording.change(ratio["change"], ratio["low"], ratio["high"]),
        f"{SYMBOLS[ratio['word']]} {ratio['word'] or 'too few lives'}",
    ]


def _figure(against: Against, name: str) -> DrawnFigure | None:
    cells = against["cells"]
    several = len({(cell["scenario"], cell["connections"]) for cell in cells}) > 1
    rows = [
        (
            f"{cell['arm']}, {cell['scenario']} {cell['connections']}" if several else cell["arm"],
            cell,
            figure,
        )
        for cell in cells
        for figure in cell["figures"]
        if figure["figure"] == name
    ]
    kind = METRICS[name]
    table = [
        [
            place_of(cell, cells),
            _shown(figure)["old"],
            _shown(figure)["new"],
            wording.change(figure["change"], figure["low"], figure["high"]),
            f"{figure['blocks'][0]}, {figure['blocks'][1]}",
            f"{SYMBOLS[figure['word']]} {figure['word'] or 'too few blocks'}",
        ]
        for _, cell, figure in rows
    ]
    arms = [
        Arm(id=arm, title=arm, status="measured", reason=None)
        for arm in dict.fromkeys(c["arm"] for c in cells)
    ]
    return draw_changes(
        arms,
        rows,
        against["smallest"][name],
        wording.percent(against["coverage"]),
        (name.replace("_", "-"), NAMES[name]),
        _heading(against, name),
        ["Server", f"Old, {kind.shown_unit}", f"New, {kind.shown_unit}", "Change", "Blocks", "What it says"],
        table,
    )


def _heading(against: Against, name: str) -> str:
    """What the figure shows."""
    parts = []
    for word in ("worse", "better"):
        places = [
            place_of(cell, against["cells"])
            for cell, one in claims_of(against, word)
            if one["figure"] == name
        ]
        if places:
            who = wording.listed(places) if len(places) < 4 else wording.counted(len(places), "cell")
            parts.append(f"{word} for {who}")
    if name in against["together"]:
        parts = [f"{wording.signed_percent(against['together'][name], 0)} in most cells at once"]
    return f"{NAMES[name]}: {'; '.join(parts) or 'no change is sure'}"
