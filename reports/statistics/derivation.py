"""From the raw result files to `results.json`: only this module computes statistics and verdicts.

A VALID block counts. A SUSPECT one counts and is listed. An INVALID one is listed and left out.
The errors of every block count, so that an omitted block hides none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Literal

from reports.statistics.crowding import claims_nothing, helpers_of, too_few_cores
from reports.statistics.intervals import median, median_with_interval
from reports.statistics.metrics import METRICS, MetricKind
from reports.statistics.result_folder import FailedBlock, Inputs, cell_key, cell_of
from reports.statistics.sections.deriving import sections_of
from reports.statistics.sentences import sentences_about
from reports.statistics.side_by_side import Claims, side_by_side
from reports.statistics.standing import rank
from reports.writing.wording import counted, moment, percent
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import RoundsLine
from sioprobe.results.types import (
    SCHEMA_VERSION,
    Arm,
    Cell,
    CellResult,
    ConformanceSummary,
    ExcludedBlock,
    Flag,
    MergedLatency,
    Metric,
    Results,
)

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)
SAMPLES_BEYOND = 10
"""A percentile needs at least so many samples beyond it."""

BUSY = 0.9
"""A process with this share of a core is at its limit."""


def derive(inputs: Inputs) -> Results:
    """The whole of results.json."""
    arms = inputs.arms
    by_cell: defaultdict[tuple[str, str, str, int], list[RoundsLine]] = defaultdict(list)
    for block in inputs.blocks:
        by_cell[cell_key(cell_of(block))].append(block)
    cores = inputs.run["environment"].get("cores") if inputs.run else None
    of_arm = {arm["id"]: arm for arm in arms}
    cells = [
        _cell_result(cell, by_cell[cell_key(cell)], of_arm.get(cell["arm"]), cores, _failed_of(cell, inputs))
        for cell in inputs.cells
    ]
    parts = side_by_side(inputs.lives, inputs.lost)
    claiming = [cell for cell in cells if not claims_nothing(of_arm.get(cell["arm"]), cores)]
    for name in METRICS:
        rank(claiming, name, Claims(parts))
    conformance = _conformance_summaries(inputs, arms)
    run = inputs.run
    results: Results = {
        "schema": SCHEMA_VERSION,
        "kind": "results",
        "sioprobe": run["sioprobe"] if run else None,
        "command": run["command"] if run else None,
        "started_at": run["started_at"] if run else None,
        "finished_at": run["finished_at"] if run else None,
        "interrupted": run["interrupted"] if run else False,
        "verdict": "complete",
        "findings": [],
        "environment": run["environment"] if run else {},
        "profile": run.get("profile", {}) if run else {},
        "arms": arms,
        "cells": cells,
        "excluded_blocks": _flagged_blocks(inputs.blocks),
        "failed_blocks": [_failure(block, of_arm) for block in inputs.failed_blocks],
        "notes": _notes(inputs),
        "conformance": conformance,
        "sections": sections_of(run, inputs.measurements),
    }
    if parts:
        results["side_by_side"] = parts
    results["verdict"] = _verdict(results)
    results["findings"] = sentences_about(results)
    return results


def usable(blocks: list[RoundsLine]) -> list[RoundsLine]:
    """The blocks that count."""
    return [block for block in blocks if block.validity.verdict != "INVALID"]


def merged_histogram(blocks: list[RoundsLine]) -> Histogram:
    """The latencies of all `blocks` in one histogram."""
    merged = Histogram()
    for block in blocks:
        merged.merge(Histogram.from_latency(block.latency))
    return merged


def _failure(block: FailedBlock, arms: dict[str, Arm]) -> str:
    """A line about a block that gave no result."""
    if not block.arm:
        return block.reason
    title = arms[block.arm]["title"] if block.arm in arms else block.arm
    return f"round {block.round}: {title}, {block.transport}: no block: {block.reason}"


def _failed_of(cell: Cell, inputs: Inputs) -> list[str]:
    """Why blocks of `cell` gave no result."""
    place = (cell["arm"], cell["transport"])
    return [block.reason for block in inputs.failed_blocks if (block.arm, block.transport) == place]


def _cell_result(
    cell: Cell, blocks: list[RoundsLine], arm: Arm | None, cores: int | None, failed: list[str]
) -> CellResult:
    kept = usable(blocks)
    verdicts = Counter(block.validity.verdict for block in blocks)
    metrics = {name: _metric(kind, kept) for name, kind in METRICS.items()}
    latency = _merged_latency(kept)
    errors = sum(block.errors for block in blocks)
    return {
        "arm": cell["arm"],
        "transport": cell["transport"],
        "scenario": cell["scenario"],
        "connections": cell["connections"],
        "status": "measured" if kept else "not measured",
        "reason": None if kept else _why_not(blocks, arm, failed),
        "workers": arm.get("workers", 1) if arm else 1,
        "blocks": {verdict: verdicts.get(verdict, 0) for verdict in ("VALID", "SUSPECT", "INVALID")}
        | {"FAILED": len(failed)},
        "errors": errors,
        "flags": _flags(metrics, kept, arm, cores) if kept else {},
        "metrics": metrics,
        "latency": latency,
    }


def _metric(kind: MetricKind, blocks: list[RoundsLine]) -> Metric:
    values = [value for block in blocks if (value := kind.of(block)) is not None]
    interval = median_with_interval(values)
    return {
        "unit": kind.unit,
        "better": kind.better,
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "interval": interval.words,
        "coverage": interval.coverage,
        "values": values,
        "standing": None,
    }


def _merged_latency(blocks: list[RoundsLine]) -> MergedLatency:
    merged = merged_histogram(blocks)
    count = merged.count
    percentiles = {}
    for q in PERCENTILES:
        value = merged.percentile(q)
        if value is not None and count * (1 - q / 100) >= SAMPLES_BEYOND - 1e-9:
            percentiles[f"{q:g}"] = value
    return {"count": count, "percentiles": percentiles, "max": merged.max if count else None}


def _why_not(blocks: list[RoundsLine], arm: Arm | None, failed: list[str]) -> str:
    if arm is not None and arm["status"] == "not run":
        return arm["reason"] or "no reason was recorded"
    failures = "; ".join(dict.fromkeys(failed))
    if not blocks:
        return f"no block: {failures}" if failures else "no block was recorded"
    reasons = sorted({reason for block in blocks for reason in block.validity.reasons})
    every = "the only block is" if len(blocks) == 1 else f"all {len(blocks)} blocks are"
    why = f"{every} invalid: {'; '.join(reasons) or 'no reason was recorded'}"
    return f"{why}; {len(failed)} failed: {failures}" if failed else why


def _flags(
    metrics: dict[str, Metric], blocks: list[RoundsLine], arm: Arm | None, cores: int | None
) -> dict[Flag, str]:
    """What limits the figures of a cell."""
    flags: dict[Flag, str] = {}
    workers = arm.get("workers", 1) if arm else 1
    queue = arm.get("queue") if arm else None
    if too_few_cores(arm, cores):
        others = [*helpers_of(arm), "generator"]
        which = ", ".join([counted(workers, "server"), *others])
        processes = workers + len(others)
        flags["oversubscribed"] = f"{processes} processes ({which}) on {counted(cores or 0, 'core')}"
    generator, server = metrics["generator_cpu_cores"]["estimate"], metrics["server_cpu_cores"]["estimate"]
    if generator is not None and generator >= BUSY:
        flags["generator-bound"] = f"{percent(generator)} of a core"
    if server is not None and server < BUSY * workers:
        flags["server not saturated"] = f"{percent(server / workers)} of a core"
    samples = median([block.latency.count for block in blocks])
    if samples < 100 * SAMPLES_BEYOND:
        flags["few samples"] = (
            f"{samples:.0f} in the median block, fewer than {SAMPLES_BEYOND} beyond its p99"
        )
    if queue and not all("queue" in block.partners for block in blocks):
        flags["queue not counted"] = f"the {queue} process is in neither server CPU nor RSS"
    return flags


def _flagged_blocks(blocks: list[RoundsLine]) -> list[ExcludedBlock]:
    return [
        {
            "round": block.round,
            "arm": block.arm,
            "transport": block.transport,
            "scenario": block.scenario,
            "connections": block.connections,
            "verdict": block.validity.verdict,
            "reasons": block.validity.reasons,
        }
        for block in blocks
        if block.validity.verdict != "VALID"
    ]


def _conformance_summaries(inputs: Inputs, arms: list[Arm]) -> list[ConformanceSummary]:
    summaries: list[ConformanceSummary] = []
    for arm in arms:
        found = inputs.conformances.get(arm["id"])
        if found is not None:
            summaries.append(
                {
                    "arm": arm["id"],
                    "title": found["target"].get("title") or arm["title"],
                    "conformant": found["conformant"],
                    "outcome": found["outcome"],
                    # Counted again from the cases, so that the two cannot disagree on the page.
                    "counts": dict(sorted(Counter(case["verdict"] for case in found["cases"]).items())),
                }
            )
    return summaries


def _notes(inputs: Inputs) -> list[str]:
    notes = []
    if inputs.run is None:
        notes.append("the folder has no run.json, so machine, command and plan are unknown")
    elif inputs.run["interrupted"]:
        notes.append("the run was interrupted: the missing parts were not measured")
    elif inputs.run["finished_at"] is None:
        notes.append("the run has no end: it is still running, or it was killed")
    for at in inputs.run.get("continued_at", []) if inputs.run else []:
        notes.append(f"the run was stopped, and went on at {moment(at)}")
    notes += [f"{arm['id']}: {note}" for arm in inputs.arms for note in arm.get("notes", ())]
    if inputs.failed_blocks:
        failed = counted(len(inputs.failed_blocks), "block")
        notes.append(f"{failed} of the plan failed and could not be measured: see “Not run”")
    if inputs.rounds.note:
        notes.append(inputs.rounds.note)
    return notes


def _verdict(results: Results) -> Literal["complete", "failures", "incomplete", "nothing measured"]:
    parts = [*results["cells"], *results.get("sections", [])]
    measured = any(part["status"] in ("measured", "partly") for part in parts)
    if not measured and not results["conformance"] and not results.get("side_by_side"):
        return "nothing measured"
    if any(one["outcome"] in ("failures", "harness error") for one in results["conformance"]):
        return "failures"
    not_run = {arm["id"] for arm in results["arms"] if arm["status"] == "not run"}
    missing = any(
        cell["status"] == "not measured" and cell["arm"] not in not_run for cell in results["cells"]
    )
    missing = missing or bool(results["failed_blocks"])
    if results["interrupted"] or missing or (results["command"] and results["finished_at"] is None):
        return "incomplete"
    return "complete"
