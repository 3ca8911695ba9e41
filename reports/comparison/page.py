"""The HTML page and the Markdown summary, from the derived results.

The page is one file that holds style, script, figures and raw data. It fetches nothing; without script only
the download buttons are missing. Equal inputs give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import jinja2

from reports.charts.ratio_rows import draw_ratios
from reports.comparison.workloads import workloads
from reports.conformance import words
from reports.conformance.matrix import conformance_matrix
from reports.statistics.metrics import IN_MATRIX, METRICS
from reports.statistics.ratio_sentences import bounds
from reports.statistics.result_folder import Inputs
from reports.writing import wording
from reports.writing.rendering import downloads_of, environment, harmless, harmless_in_markdown
from sioprobe.results.types import Metric, Results

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


def render_page(inputs: Inputs, results: Results, raw: Mapping[str, bytes]) -> str:
    """The whole page. The download buttons give the files in `raw`, by file name."""
    downloads, left_out = downloads_of(raw)
    return (
        _environment(harmless)
        .get_template("comparison.html.jinja")
        .render(**_context(inputs, results, drawn=True), downloads=downloads, left_out=left_out)
    )


def render_summary(inputs: Inputs, results: Results) -> str:
    """The Markdown summary: at most 25 lines, then <details>."""
    return (
        _environment(harmless_in_markdown)
        .get_template("comparison.md.jinja")
        .render(**_context(inputs, results, drawn=False))
    )


def _context(inputs: Inputs, results: Results, drawn: bool) -> dict[str, Any]:
    symbol, word, meaning = VERDICTS[results["verdict"]]
    matrix = conformance_matrix(results["arms"], inputs.conformances)
    return {
        "results": results,
        "verdict": {"symbol": symbol, "word": word, "meaning": meaning},
        "workloads": workloads(inputs, results, drawn),
        "side_by_side": draw_ratios(results.get("side_by_side", []), results["arms"]) if drawn else [],
        "bounds": bounds,
        "matrix": matrix,
        "metrics": [METRICS[name] for name in IN_MATRIX],
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


def _environment(finalize: Callable[[object], object]) -> jinja2.Environment:
    made = environment(finalize)
    made.filters.update(figure=_figure, between=_between)
    return made


def _figure(metric: Metric, scale: float) -> str:
    return wording.number(metric["estimate"] * scale if metric["estimate"] is not None else None)


def _between(metric: Metric, scale: float) -> str:
    if metric["low"] is None or metric["high"] is None:
        return ""
    return wording.interval(metric["low"] * scale, metric["high"] * scale)
