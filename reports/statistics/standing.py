"""The place of a cell beside the others: best, behind, or not to be told apart from the best."""

from __future__ import annotations

from collections import defaultdict

from reports.statistics.metrics import METRICS
from reports.statistics.side_by_side import Claims
from sioprobe.results.types import CellResult, Metric

__all__ = ["rank"]

FEWEST_RANKED = 3
"""A ranking needs so many blocks: two have the same order by chance too often."""

CPU_FIGURE = "cpu_us_per_message"
DECIDED_BY_CPU = (
    "messages_per_second",
    "operations_per_second",
    "server_cpu_us_per_message",
    "latency_p50_us",
)
"""Figures of a closed loop at saturation that follow from the CPU per message."""


def rank(cells: list[CellResult], name: str, claims: Claims) -> None:
    """Compare each cell with the best one of the same transport, workload and process count.

    An interval with stated coverage may be best and still overlap others. A mere range promises less: it is
    best only if each of its blocks is better than every block of the others.
    Blocks of two arms meet another machine. So where the arms were also measured side by side, one is behind
    at what CPU decides only if it costs more CPU there too, and nobody is best who does.
    """
    better = METRICS[name].better
    if better == "neither":
        return
    groups: defaultdict[tuple[str, str, int, int], list[tuple[Metric, str]]] = defaultdict(list)
    for cell in cells:
        metric = cell["metrics"][name]
        if metric["estimate"] is not None:
            key = cell["transport"], cell["scenario"], cell["connections"], cell["workers"]
            groups[key].append((metric, cell["arm"]))
    for (transport, *_), group in groups.items():
        best, best_arm = (max if better == "higher" else min)(
            group, key=lambda one: one[0]["estimate"] or 0.0
        )
        ranked = [(metric, arm) for metric, arm in group if len(metric["values"]) >= FEWEST_RANKED]
        if len(ranked) < 2 or len(best["values"]) < FEWEST_RANKED:
            continue
        cheaper = False
        for metric, arm in ranked:
            behind = not _overlap(metric, best)
            if name in DECIDED_BY_CPU and claims.known(CPU_FIGURE, transport, arm, best_arm):
                claim = claims.claim(CPU_FIGURE, transport, arm, best_arm)
                behind = behind and claim == "more"
                cheaper = cheaper or claim == "less"
            metric["standing"] = "behind" if behind else "overlaps best"
        alone = all(metric is best or metric["standing"] == "behind" for metric, _ in ranked)
        if not cheaper and (alone or all(metric["coverage"] is not None for metric, _ in ranked)):
            best["standing"] = "best"


def _overlap(one: Metric, other: Metric) -> bool:
    assert one["low"] is not None
    assert one["high"] is not None
    assert other["low"] is not None
    assert other["high"] is not None
    return one["low"] <= other["high"] and other["low"] <= one["high"]
