"""From results in the order of time to the series of each machine and load, and their steps.

Figures of two machines, or under two loads, never stand in one series. A gate gives the CPU and the p50 of
its head; where all gates compare with the same base, also head over base, which does not depend on how fast
the machine was that day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from reports.history.reading import ReadRun
from reports.history.sentences import findings_of
from reports.history.steps import COVERAGE, FEWEST, cuts_of
from reports.statistics.intervals import median
from reports.statistics.kept_results import (
    blocks_of,
    load_differences,
    load_of,
    machine_differences,
    machine_words,
)
from reports.statistics.metrics import METRICS
from reports.statistics.rank_sum import relative_change
from reports.statistics.versions import Versions, version_changes, versions_of
from sioprobe.results.across import (
    History,
    HistoryGroup,
    HistoryPoint,
    HistoryRun,
    HistorySeries,
    HistoryStep,
    VersionChange,
)
from sioprobe.results.gate import Gate
from sioprobe.results.types import Results

__all__ = ["derive_history"]

FIGURES = ("server_cpu_us_per_message", "messages_per_second", "latency_p99_us")


class _Key(NamedTuple):
    """What tells a series from the others of its group. `arm` is who runs on the versions."""

    figure: str
    arm: str
    name: str
    transport: str
    label: str
    unit: str
    better: Literal["higher", "lower"]


class _Situation(NamedTuple):
    """Where and how a run was measured."""

    of: Literal["comparison", "gate"]
    environment: dict[str, Any]
    load: dict[str, Any]

    def same_as(self, other: _Situation) -> bool:
        return (
            self.of == other.of
            and not machine_differences(self.environment, other.environment)
            and not load_differences(self.load, other.load)
        )


def derive_history(runs: Sequence[ReadRun], notes: Sequence[str]) -> History:
    """The whole of history.json. `runs` are in the order of time."""
    grouped: list[tuple[_Situation, list[ReadRun]]] = []
    for run in runs:
        situation = _situation(run)
        for known, members in grouped:
            if known.same_as(situation):
                members.append(run)
                break
        else:
            grouped.append((situation, [run]))
    grouped.sort(key=lambda group: -len(group[1]))
    groups = [_group(situation, members) for situation, members in grouped]
    return {
        "schema": 1,
        "kind": "history",
        "fewest": FEWEST,
        "findings": findings_of(groups, FEWEST),
        "notes": list(notes),
        "groups": groups,
    }


def _situation(run: ReadRun) -> _Situation:
    result = run.result
    if result["kind"] == "gate":
        return _Situation("gate", result["environment"], {"realtime": result["realtime"]})
    workloads = {f"{cell['scenario']} at {cell['connections']} connections" for cell in result["cells"]}
    load = {"workloads": sorted(workloads), **load_of(result)}
    return _Situation("comparison", result["environment"], load)


def _group(situation: _Situation, members: Sequence[ReadRun]) -> HistoryGroup:
    versions = [_versions(run.result) for run in members]
    bases = {run.result["base"]["title"] for run in members if run.result["kind"] == "gate"}
    found: dict[_Key, list[HistoryPoint]] = {}
    for place, run in enumerate(members):
        points = (
            _of_gate(run.result, len(bases) == 1)
            if run.result["kind"] == "gate"
            else _of_comparison(run.result)
        )
        for key, (value, low, high), suspect in points:
            found.setdefault(key, []).append(
                {"run": place, "value": value, "low": low, "high": high, "suspect": suspect}
            )
    order = list(dict.fromkeys(key.figure for key in found))
    changed = [version_changes(before, after) for before, after in pairwise([{}, *versions])]
    return {
        "of": situation.of,
        "machine": machine_words(situation.environment),
        "load": _load_words(situation),
        "runs": [_run(run, changes) for run, changes in zip(members, changed, strict=True)],
        "series": [
            _series(key, found[key], changed)
            for key in sorted(found, key=lambda key: order.index(key.figure))
        ],
    }


def _run(run: ReadRun, changed: list[VersionChange]) -> HistoryRun:
    return {
        "name": run.name,
        "started_at": str(run.result["started_at"]),
        "sioprobe": run.result["sioprobe"],
        "blocks": blocks_of(run.result) if run.result["kind"] == "results" else {},
        "changed": changed,
    }


def _load_words(situation: _Situation) -> str:
    load = situation.load
    if situation.of == "gate":
        return f"gates {'under' if load['realtime'] else 'without'} SCHED_RR"
    seconds = {"seconds": "blocks of {:g} s", "warmup_seconds": "{:g} s of warm-up"}
    known = [words.format(load[key]) for key, words in seconds.items() if key in load]
    rest = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in load.items()
        if value and key not in ("workloads", *seconds)
    ]
    return ", ".join([*load["workloads"], *known, *rest])


def _versions(result: Results | Gate) -> Versions:
    if result["kind"] == "gate":
        return {"head": result["head"]["versions"]}
    return versions_of(result)


_Values = tuple[float, float | None, float | None]


def _of_comparison(results: Results) -> Iterator[tuple[_Key, _Values, bool]]:
    several = len({(cell["scenario"], cell["connections"]) for cell in results["cells"]}) > 1
    for figure in FIGURES:
        kind = METRICS[figure]
        for cell in results["cells"]:
            metric = cell["metrics"][figure]
            value, low, high = (
                None if number is None else number * kind.scale
                for number in (metric["estimate"], metric["low"], metric["high"])
            )
            # A series without messages has no level.
            if not value or metric["better"] == "neither":
                continue
            workload = f" ({cell['scenario']}, {cell['connections']})" if several else ""
            key = _Key(
                figure,
                cell["arm"],
                cell["arm"] + workload,
                cell["transport"],
                kind.label,
                kind.shown_unit,
                metric["better"],
            )
            blocks = cell["blocks"]
            yield key, (value, low, high), blocks.get("SUSPECT", 0) > blocks.get("VALID", 0)


def _of_gate(gate: Gate, one_base: bool) -> Iterator[tuple[_Key, _Values, bool]]:
    for figure, label, column, unit in (
        ("head_cpu_us", "CPU of head", "head_cpu_us", "µs a message"),
        ("head_p50_us", "p50 of head", "head_p50_us", "µs"),
    ):
        for cell in gate["cells"]:
            value: float | None = cell[column]  # type: ignore[literal-required]
            if value is not None:
                yield (
                    _Key(figure, "head", cell["id"], cell["transport"], label, unit, "lower"),
                    (value, None, None),
                    False,
                )
    for cell in gate["cells"] if one_base else ():
        change = cell["cpu"]
        if change is not None:
            low, high = (None if end is None else 1 + end for end in (change["low"], change["high"]))
            key = _Key(
                "head_over_base",
                "head",
                cell["id"],
                cell["transport"],
                "CPU, head over base",
                "times",
                "lower",
            )
            yield key, (1 + change["estimate"], low, high), False


def _series(key: _Key, points: list[HistoryPoint], changed: Sequence[list[VersionChange]]) -> HistorySeries:
    values = [point["value"] for point in points]
    cuts = cuts_of(values)
    ends = [0, *cuts, len(values)]
    steps: list[HistoryStep] = []
    for start, cut, end in zip(ends, ends[1:], ends[2:], strict=False):
        step = relative_change(values[start:cut], values[cut:end], COVERAGE)
        if step is None:
            continue
        before, after = points[cut - 1]["run"], points[cut]["run"]
        steps.append(
            {
                "before": before,
                "after": after,
                "old": median(values[start:cut]),
                "new": median(values[cut:end]),
                "change": step.estimate,
                "low": step.low,
                "high": step.high,
                "word": "better" if (step.estimate > 0) == (key.better == "higher") else "worse",
                "versions": _near(key.arm, changed, before, after),
            }
        )
    return {
        "name": key.name,
        "transport": key.transport,
        "figure": key.figure,
        "label": key.label,
        "unit": key.unit,
        "better": key.better,
        "points": points,
        "steps": steps,
        "searched": len(points) >= FEWEST,
    }


def _near(arm: str, changed: Sequence[list[VersionChange]], before: int, after: int) -> list[VersionChange]:
    """What changed its version between the two runs, or one run beside: a step's place is no surer."""
    found: list[VersionChange] = []
    for run in changed[before : after + 2]:
        found += [one for one in run if one not in found and (arm in one["arms"] or not one["arms"])]
    return found
