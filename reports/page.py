"""The HTML page and the Markdown summary, from the derived results.

The page is one file: style, script, figures and raw data are inside, nothing is fetched, and without script
only the download buttons are missing. Equal inputs give equal bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from reports import conformance_words, findings, wording
from reports.conformance_view import Matrix, conformance_matrix
from reports.derive import merged_histogram, usable
from reports.figures import draw_figures
from reports.inputs import Inputs
from reports.metrics import IN_MATRIX, METRICS
from reports.panels import DrawnFigure, arm_styles
from reports.rendering import downloads_of, environment, harmless, harmless_in_markdown
from reports.svg import ARM_COLOURS
from sioprobe.results.types import Arm, CellResult, Metric, Results

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
"""What the page tells of the machine; what a run does not have is unknown."""

COMMON_FLAGS = {
    "oversubscribed": "every row is oversubscribed: more processes than cores",
    "generator-bound": "every row is generator-bound: the generator uses 90 % of a core or more",
    "server not saturated": "no server was at its maximum: each process uses less than 90 % of a core "
    "(the table under CPU has the shares)",
    "few samples": "every p99 is the median over blocks of fewer than 1000 samples, fewer than 10 beyond it",
    "queue not counted": "the queue's process is in neither server CPU nor RSS",
}
"""What is said once instead of in every row, by the kind of flag."""

VERDICTS = {
    "complete": ("✓", "Complete", "Everything that was planned and can run here was measured."),
    "failures": (
        "✗",
        "Failures",
        "At least one server breaks the protocol in a way that is not known, no longer has a listed "
        "deviation, or could not be judged.",
    ),
    "incomplete": (
        "◐",
        "Incomplete",
        "Something that was planned was not measured, or a block of it failed.",
    ),
    "nothing measured": (
        "∅",
        "Nothing measured",
        "The folder holds no usable block and no conformance result.",
    ),
}


@dataclass(frozen=True, slots=True)
class Workload:
    """One scenario at one number of connections.

    `usual_interval` is what most intervals are, in words; `common_flags` are those that every server has.
    """

    scenario: str
    connections: int
    transports: list[str]
    rows: list[WorkloadRow]
    figures: list[DrawnFigure]
    usual_interval: str
    common_flags: list[str]


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """One arm in the summary matrix; `cells` by transport, None where there is no cell."""

    arm: Arm
    colour: int
    cells: dict[str, CellResult | None]
    flags: list[str]
    reason: str | None


def render_page(inputs: Inputs, results: Results, raw: Mapping[str, bytes]) -> str:
    """The whole page; `raw` is what the download buttons give, by file name."""
    downloads, left_out = downloads_of(raw)
    return (
        _environment(harmless)
        .get_template("page.html.jinja")
        .render(**_context(inputs, results, drawn=True), downloads=downloads, left_out=left_out)
    )


def render_summary(inputs: Inputs, results: Results) -> str:
    """The Markdown summary: at most 25 lines before its <details>."""
    return (
        _environment(harmless_in_markdown)
        .get_template("summary.md.jinja")
        .render(**_context(inputs, results, drawn=False))
    )


def workloads(inputs: Inputs, results: Results, drawn: bool) -> list[Workload]:
    """Every scenario and number of connections among the cells; figures only when `drawn`."""
    keys = list(dict.fromkeys((cell["scenario"], cell["connections"]) for cell in results["cells"]))
    return [
        _workload(inputs, results, scenario, connections, f"fig{n}", drawn)
        for n, (scenario, connections) in enumerate(keys, start=1)
    ]


def _workload(
    inputs: Inputs, results: Results, scenario: str, connections: int, prefix: str, drawn: bool
) -> Workload:
    cells = [c for c in results["cells"] if (c["scenario"], c["connections"]) == (scenario, connections)]
    styles = arm_styles(results["arms"])
    transports = findings.transports_of(cells)
    common = _common_flags(cells)
    rows = []
    for arm in results["arms"]:
        own: dict[str, CellResult] = {c["transport"]: c for c in cells if c["arm"] == arm["id"]}
        reason = None
        if not own:
            reason = (
                (arm["reason"] or "no reason was recorded")
                if arm["status"] == "not run"
                else "no load was planned"
            )
        elif arm["status"] == "not run":
            reason = arm["reason"] or "no reason was recorded"
        rows.append(
            WorkloadRow(
                arm=arm,
                colour=ARM_COLOURS.index(styles[arm["id"]].colour),
                cells={transport: own.get(transport) for transport in transports},
                flags=_flags_of(own, transports, leave_out=common),
                reason=reason,
            )
        )
    words = Counter(
        cell["metrics"][name]["interval"]
        for cell in cells
        if cell["status"] == "measured"
        for name in IN_MATRIX
    )
    del words["not measured"]
    shown = [row.arm for row in rows if row.reason != "no load was planned"]
    return Workload(
        scenario=scenario,
        connections=connections,
        transports=transports,
        rows=rows,
        figures=draw_figures(shown, cells, _histograms(inputs, scenario, connections), prefix)
        if drawn
        else [],
        common_flags=[COMMON_FLAGS[kind] for kind in common],
        usual_interval=words.most_common(1)[0][0] if words else "interval",
    )


def _common_flags(cells: Sequence[CellResult]) -> list[str]:
    """The kinds of flag that all measured cells have, when there are several."""
    kinds = [{flag.partition(":")[0] for flag in c["flags"]} for c in cells if c["status"] == "measured"]
    return sorted(set.intersection(*kinds)) if len(kinds) > 1 else []


def _flags_of(
    cells: Mapping[str, CellResult], transports: Sequence[str], leave_out: Sequence[str]
) -> list[str]:
    """The flags of an arm, one of a kind: with the transports, unless all its cells say the same."""
    by_kind: dict[str, dict[str, list[str]]] = {}
    for transport in transports:
        cell = cells.get(transport)
        for flag in cell["flags"] if cell else []:
            kind, _, detail = flag.partition(": ")
            if kind in leave_out:
                continue
            by_kind.setdefault(kind, {}).setdefault(detail, []).append(wording.TRANSPORTS[transport])
    flags = []
    for kind, details in by_kind.items():
        everywhere = len(details) == 1 and sum(map(len, details.values())) == len(cells)
        said = [
            detail if everywhere else f"{wording.listed(where)} {detail}".strip()
            for detail, where in details.items()
        ]
        flags.append(": ".join(filter(None, [kind, ", ".join(said)])))
    return flags


def _histograms(inputs: Inputs, scenario: str, connections: int) -> dict[tuple[str, str], Any]:
    grouped: dict[tuple[str, str], list[Any]] = {}
    for block in usable(inputs.blocks):
        if (block["scenario"], block["connections"]) == (scenario, connections):
            grouped.setdefault((block["arm"], block["transport"]), []).append(block)
    return {key: merged_histogram(blocks) for key, blocks in grouped.items()}


def _context(inputs: Inputs, results: Results, drawn: bool) -> dict[str, Any]:
    symbol, word, meaning = VERDICTS[results["verdict"]]
    matrix: Matrix = conformance_matrix(results["arms"], inputs.conformances)
    return {
        "results": results,
        "verdict": {"symbol": symbol, "word": word, "meaning": meaning},
        "workloads": workloads(inputs, results, drawn),
        "matrix": matrix,
        "metrics": [METRICS[name] for name in IN_MATRIX],
        "not_run": [arm for arm in results["arms"] if arm["status"] == "not run"],
        "profile": _flat(inputs.run.get("profile", {})) if inputs.run else {},
        "versions": _versions(results),
        "env": {**dict.fromkeys(ENVIRONMENT), **results["environment"]},
        "blocks": len(inputs.blocks),
        "words": conformance_words,
        "wording": wording,
        "data_note": "; they also lie beside it, where it was written. "
        "results.json holds every figure of this page.",
        "json": json.dumps,
    }


def _flat(profile: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The plain values of a profile, also those of its tables, by a readable name."""
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
    """Library to version to the arms that reported it, and the machine's own under "measured with"."""
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
