"""The HTML page and the Markdown summary, from the derived results.

The page is one file that holds style, script, figures and raw data. It fetches nothing; without script only
the download buttons are missing. Equal inputs give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reports.charts.panels import arm_styles
from reports.charts.ratio_rows import draw_ratios
from reports.charts.svg import ARM_COLOURS
from reports.comparison.reservations import flags, grouped, judgements, reservations
from reports.comparison.sections import section_views
from reports.comparison.workloads import workloads
from reports.conformance import words
from reports.conformance.matrix import conformance_matrix
from reports.statistics.metrics import IN_MATRIX, METRICS
from reports.statistics.ratio_sentences import bounds
from reports.statistics.result_folder import Inputs
from reports.writing import wording
from reports.writing.quoting import Quotes
from reports.writing.rendering import environment, harmless_in_markdown, page_of
from sioprobe.results.types import Results

ENVIRONMENT = (
    "cpu_model",
    "cores",
    "governor",
    "kernel",
    "architecture",
    "memory_bytes",
    "container",
    "load_1m",
    "cpu_pressure_some_avg10",
    "python",
    "python_implementation",
    "libraries",
    "revision",
)
"""What the page says of the machine. A value that the run does not have is unknown."""

VERDICTS = {
    "complete": ("✓", "Complete", "Everything in the plan that can run here was measured."),
    "failures": (
        "✗",
        "Failures",
        "At least one server breaks the protocol in an unknown way, no longer has a listed deviation, "
        "or could not be judged.",
    ),
    "incomplete": (
        "◐",
        "Incomplete",
        "A part of the plan was not measured, or a block of it failed.",
    ),
    "nothing measured": (
        "∅",
        "Nothing measured",
        "The folder holds no usable block and no conformance result.",
    ),
}


SUMMARY_LINES = 25
FIXED_LINES = 7
"""Of the summary before its details: blank lines, the head of the table, what was left out, the command."""
FEWEST_ROWS = 3

SURENESS = {
    "sure": ("✓", "Sure", "the differences are larger than the error of the measurement."),
    "likely": ("◐", "Likely", "the intervals of the blocks do not overlap."),
    "alike": ("≈", "Alike", "what was measured does not tell the modes apart."),
    "measured once": ("◔", "Measured once", "there is no interval, so small differences say nothing."),
    "indirect": ("?", "Indirect", "another figure speaks for it."),
    "one mode": ("○", "One mode", "there is nothing to compare it with."),
    "not measured": ("∅", "Not measured", ""),
}
"""Symbol, word and meaning of how sure an answer is."""

CLAIMED = {"holds here": "✓", "does not hold here": "✗", "cannot be told here": "≈", "not measured": "∅"}


def render_page(inputs: Inputs, results: Results, raw: Mapping[str, bytes]) -> str:
    """The whole page. The download buttons give the files in `raw`, by file name."""
    return page_of("comparison.html.jinja", raw, _context(inputs, results, drawn=True))


def render_summary(inputs: Inputs, results: Results) -> str:
    """The Markdown summary: at most 25 lines, then <details>."""
    sentences = [*results["findings"], *results["notes"], *results.get("answers", [])]
    template = environment(harmless_in_markdown).get_template("comparison.md.jinja")
    rows = max(SUMMARY_LINES - FIXED_LINES - len(sentences), FEWEST_ROWS)
    return template.render(**_context(inputs, results, drawn=False), rows=rows)


def _context(inputs: Inputs, results: Results, drawn: bool) -> dict[str, Any]:
    symbol, word, meaning = VERDICTS[results["verdict"]]
    matrix = conformance_matrix(results["arms"], inputs.conformances)
    quotes = Quotes(results)
    styles = arm_styles(results["arms"])
    return {
        "results": results,
        "quotes": quotes,
        "colours": {arm: ARM_COLOURS.index(style.colour) for arm, style in styles.items()},
        "SURENESS": SURENESS,
        "CLAIMED": CLAIMED,
        "meanings": _meanings(results),
        "anchors": {row.id: row.anchor for row in matrix.rows},
        "judged_at": {one["arm"]: f"/conformance/{n}" for n, one in enumerate(results["conformance"])},
        "failures": {
            one["arm"]: f"/conformance/{n}/counts/fail" if one["counts"].get("fail") else None
            for n, one in enumerate(results["conformance"])
        },
        "sections": section_views(results, quotes, drawn),
        "reservations": reservations(results["excluded_blocks"], len(inputs.blocks)),
        "failed": grouped(results["failed_blocks"]),
        "judgements": judgements(results),
        "flags": flags(results),
        "verdict": {"symbol": symbol, "word": word, "meaning": meaning},
        "workloads": workloads(inputs, results, quotes, drawn),
        "side_by_side": draw_ratios(results.get("side_by_side", []), results["arms"]) if drawn else [],
        "bounds": bounds,
        "matrix": matrix,
        "metrics": [METRICS[name] for name in IN_MATRIX],
        "named": [
            one for one in results["arms"] if one["status"] == "measured" and one["title"] != one["id"]
        ],
        "not_run": [arm for arm in results["arms"] if arm["status"] == "not run"],
        "profile": _flat(inputs.run.get("profile", {})) if inputs.run else {},
        "versions": _versions(results),
        "env": {**dict.fromkeys(ENVIRONMENT), **results["environment"]},
        "blocks": len(inputs.blocks),
        "words": words,
        "wording": wording,
        "data_note": "; they also lie beside it, in the folder of the report. "
        "results.json holds every figure of this page.",
        "json": json.dumps,
    }


def _meanings(results: Results) -> list[dict[str, Any]]:
    """What deviations mean, with its place in results.json, and whether all judged servers share it."""
    meanings, judged = results.get("meanings", []), {one["arm"] for one in results["conformance"]}
    shared_by = judged & {choice["arm"] for choice in results.get("choices", [])}
    return [
        {
            **one,
            "place": f"/meanings/{n}/text",
            "common": len(shared_by) > 1 and shared_by <= set(one["arms"]),
        }
        for n, one in enumerate(meanings)
    ]


def _flat(profile: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The plain values of a profile and of its tables, by a readable name."""
    flat: dict[str, str] = {}
    for key, value in profile.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{name}: "))
        elif isinstance(value, bool):
            flat[name] = "yes" if value else "no"
        elif isinstance(value, (str, int, float)):
            flat[name] = str(value)
    return flat


def _versions(results: Results) -> dict[str, dict[str, list[str]]]:
    """For each library its versions, and for each version the arms that reported it."""
    versions: dict[str, dict[str, list[str]]] = {}
    for arm in results["arms"]:
        for library, version in arm.get("versions", {}).items():
            versions.setdefault(library, {}).setdefault(version, []).append(arm["id"])
    return dict(sorted(versions.items()))
