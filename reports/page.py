"""The HTML page, the Markdown summary and the CSV, from the derived results.

The page is one file: style, script, figures and raw data are inside, nothing is fetched, and without script
only the download buttons are missing. Equal inputs give equal bytes.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports import conformance_view, findings, wording
from reports.conformance_view import Matrix, conformance_matrix
from reports.derive import merged_histogram, usable
from reports.figures import DrawnFigure, arm_styles, draw_figures
from reports.inputs import Inputs
from reports.metrics import IN_MATRIX, METRICS
from reports.svg import ARM_COLOURS
from sioprobe.results.types import Arm, CellResult, Metric, Results

HERE = Path(__file__).resolve().parent
LARGEST_EMBEDDED = 1_500_000
"""Bytes of base64 that the page carries at most, so that it stays below 3 MB."""

TRANSCRIPT_LINES = 60
"""Lines of one transcript on the page; the raw data has all."""

VERDICTS = {
    "complete": ("✓", "Complete", "Everything that was planned and can run here was measured."),
    "failures": (
        "✗",
        "Failures",
        "At least one server breaks the protocol in a way that is not known, or could not be judged.",
    ),
    "incomplete": ("◐", "Incomplete", "Something that was planned was not measured."),
    "nothing measured": (
        "∅",
        "Nothing measured",
        "The folder holds no usable block and no conformance result.",
    ),
}


@dataclass(frozen=True, slots=True)
class Workload:
    """One scenario at one number of connections: a matrix and its figures."""

    scenario: str
    connections: int
    transports: list[str]
    rows: list[WorkloadRow]
    figures: list[DrawnFigure]
    interval_words: str
    uniform: bool


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """One arm in the summary matrix; `cells` by transport, None where there is no cell."""

    arm: Arm
    colour: int
    cells: dict[str, CellResult | None]
    flags: list[str]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Download:
    """A raw file inside the page: gzip, then base64."""

    name: str
    bytes: int
    data: str


def render_page(inputs: Inputs, results: Results, raw: Mapping[str, bytes]) -> str:
    """The whole page; `raw` is what the download buttons give, by file name."""
    downloads, left_out = _downloads(raw)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(**_context(inputs, results, drawn=True), downloads=downloads, left_out=left_out)
    )


def render_summary(inputs: Inputs, results: Results) -> str:
    """The Markdown summary: at most 25 lines before its <details>."""
    return _environment().get_template("summary.md.jinja").render(**_context(inputs, results, drawn=False))


def render_csv(results: Results) -> str:
    """One line a cell; figures in the units of results.json."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f"{name}{suffix}" for name in METRICS for suffix in ("", "_low", "_high")]
    writer.writerow(
        [
            "arm",
            "transport",
            "scenario",
            "connections",
            "status",
            "valid",
            "suspect",
            "invalid",
            "errors",
            *names,
            "flags",
        ]
    )
    for cell in results["cells"]:
        figures: list[object] = []
        for name in METRICS:
            metric = cell["metrics"][name]
            figures += [_plain(metric["estimate"]), _plain(metric["low"]), _plain(metric["high"])]
        blocks = cell["blocks"]
        writer.writerow(
            [
                cell["arm"],
                cell["transport"],
                cell["scenario"],
                cell["connections"],
                cell["status"],
                blocks["VALID"],
                blocks["SUSPECT"],
                blocks["INVALID"],
                cell["errors"],
                *figures,
                "; ".join(cell["flags"] if cell["reason"] is None else [cell["reason"]]),
            ]
        )
    return out.getvalue()


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
                flags=_flags_of(own, transports),
                reason=reason,
            )
        )
    words = {
        cell["metrics"][name]["interval"]
        for cell in cells
        if cell["status"] == "measured"
        for name in IN_MATRIX
    } - {"not measured"}
    shown = [row.arm for row in rows if row.reason != "no load was planned"]
    return Workload(
        scenario=scenario,
        connections=connections,
        transports=transports,
        rows=rows,
        figures=draw_figures(shown, cells, _histograms(inputs, scenario, connections), prefix)
        if drawn
        else [],
        interval_words=next(iter(words)) if len(words) == 1 else "interval",
        uniform=len(words) == 1,
    )


def _flags_of(cells: Mapping[str, CellResult], transports: Sequence[str]) -> list[str]:
    """The flags of an arm: without a transport when all its cells have them, else with it."""
    flags: list[str] = []
    by_flag: dict[str, list[str]] = {}
    for transport in transports:
        cell = cells.get(transport)
        for flag in cell["flags"] if cell else []:
            by_flag.setdefault(flag, []).append(transport)
    for flag, where in by_flag.items():
        everywhere = len(where) == len(cells)
        flags.append(flag if everywhere else f"{wording.TRANSPORTS[where[0]]}: {flag}")
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
        "profile": inputs.run.get("profile", {}) if inputs.run else {},
        "versions": _versions(results),
        "blocks": len(inputs.blocks),
        "conformance_view": conformance_view,
        "wording": wording,
        "transcript_lines": TRANSCRIPT_LINES,
        "json": json.dumps,
    }


def _versions(results: Results) -> dict[str, dict[str, list[str]]]:
    """Library to version to the arms that reported it, and the machine's own under "measured with"."""
    versions: dict[str, dict[str, list[str]]] = {}
    for arm in results["arms"]:
        for library, version in arm.get("versions", {}).items():
            versions.setdefault(library, {}).setdefault(version, []).append(arm["id"])
    return dict(sorted(versions.items()))


def _downloads(raw: Mapping[str, bytes]) -> tuple[list[Download], list[str]]:
    downloads, left_out, total = [], [], 0
    for name, content in raw.items():
        # mtime=0, or the page would differ each second.
        data = base64.b64encode(gzip.compress(content, mtime=0)).decode()
        if total + len(data) > LARGEST_EMBEDDED:
            left_out.append(name)
            continue
        total += len(data)
        downloads.append(Download(name, len(content), data))
    return downloads, left_out


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=jinja2.select_autoescape(["html.jinja", "html"]),
        undefined=jinja2.StrictUndefined,
        # A control or direction character anywhere in a result must not reach the page as itself.
        finalize=lambda value: wording.printable(value, keep="\n") if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=wording.number,
        printable=wording.printable,
        figure=_figure,
        between=_between,
        counted=wording.counted,
        cell_text=_markdown_cell,
    )
    environment.globals["static"] = lambda name: Markup((HERE / "static" / name).read_text("utf-8"))
    environment.globals["svg"] = Markup
    return environment


def _figure(metric: Metric, scale: float) -> str:
    return wording.number(metric["estimate"] * scale if metric["estimate"] is not None else None)


def _between(metric: Metric, scale: float) -> str:
    if metric["low"] is None or metric["high"] is None:
        return ""
    return wording.interval(metric["low"] * scale, metric["high"] * scale)


def _markdown_cell(text: str) -> str:
    """`text` for one cell of a Markdown table."""
    return wording.printable(text).replace("|", "\\|").replace("<", "&lt;")


def _plain(value: float | None) -> object:
    return "" if value is None else round(value, 6)
