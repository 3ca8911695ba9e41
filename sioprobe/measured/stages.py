"""What each stage of a load that changes over time came to: figures of its own, and a verdict of its own.

A process keeps one `StageAccount` a stage. Those of workers travel to their master whole and replace what it
knew of that stage, so that no report counts twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sioprobe.measured.validity import judge
from sioprobe.measured.vitals import Vitals
from sioprobe.results.histogram import Histogram

__all__ = ["StageAccount", "StageAccounts", "render_stages", "stage_figures"]


@dataclass(slots=True)
class StageAccount:
    """What one process counted in one stage. Latencies, in µs, are those of the scenario's operations."""

    latency: Histogram = field(default_factory=Histogram)
    errors: int = 0
    vitals: Vitals = field(default_factory=Vitals)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers, from which `from_json` makes the same account."""
        latency = {"max": self.latency.max, "histogram": self.latency.to_pairs()}
        return {"latency": latency, "errors": self.errors, "vitals": self.vitals.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StageAccount:
        """The account that `to_json` wrote."""
        latency = Histogram.from_pairs(data["latency"]["histogram"], data["latency"]["max"])
        return cls(latency, data["errors"], Vitals.from_json(data["vitals"]))


class StageAccounts:
    """The stages of one process: `enter` each in turn, `add` what was counted, `leave` at the end."""

    def __init__(self) -> None:
        self.accounts: list[StageAccount] = []
        self.spans: list[tuple[float, float]] = []
        """Begin and end of each, monotonic; the last ends when it is left."""
        self._current: int | None = None
        self._changed: set[int] = set()

    @property
    def current(self) -> int | None:
        """The stage that is under way."""
        return self._current

    def enter(self, index: int, vitals: Vitals) -> None:
        """Begin a stage; `vitals` are of the time since the last one began."""
        self.leave(vitals)
        now = time.monotonic()
        while len(self.accounts) <= index:
            self.accounts.append(StageAccount())
            self.spans.append((now, now))
        self.spans[index] = (now, now)
        self._current = index

    def add(self, latency: Histogram, errors: int) -> None:
        """Count into the stage that is under way; between stages, nothing."""
        if self._current is not None:
            account = self.accounts[self._current]
            account.latency.merge(latency)
            account.errors += errors
            self._changed.add(self._current)

    def leave(self, vitals: Vitals) -> None:
        """End the stage that is under way."""
        if self._current is not None:
            self.accounts[self._current].vitals.merge(vitals)
            self.spans[self._current] = (self.spans[self._current][0], time.monotonic())
            self._changed.add(self._current)
        self._current = None

    def take_changed(self) -> dict[int, dict[str, Any]]:
        """What a master does not know yet, by stage."""
        changed, self._changed = self._changed, set()
        return {index: self.accounts[index].to_json() for index in sorted(changed)}


def stage_figures(
    names: Sequence[str],
    rates: Sequence[float | None],
    users: Sequence[float],
    spans: Sequence[tuple[float, float]],
    accounts: Sequence[Sequence[StageAccount]],
    server: Sequence[tuple[float, float]] = (),
) -> list[dict[str, Any]]:
    """One object a stage that was begun: rates a second, latencies in µs, shares of a core.

    `accounts` holds for each stage those of all processes; `server` are moments of the server's CPU, each a
    monotonic time and the seconds used until then.
    """
    figures = []
    for index, (begin, end) in enumerate(spans):
        if end <= begin:
            continue
        latency, errors, vitals = Histogram(), 0, []
        for account in accounts[index]:
            latency.merge(account.latency)
            errors += account.errors
            vitals.append(account.vitals)
        seconds = end - begin
        validity = judge(operations=latency.count, errors=errors, vitals=vitals, latency=latency)
        figures.append(
            {
                "name": names[index],
                "seconds": seconds,
                "users": users[index],
                "rate": rates[index],
                "operations": latency.count,
                "operations_per_second": latency.count / seconds,
                "p50_us": latency.percentile(50),
                "p99_us": latency.percentile(99),
                "errors": errors,
                "generator_cpu_share": max((each.busiest_share for each in vitals), default=0.0),
                "server_cpu_share": _share(server, begin, end),
                "validity": validity.to_json(),
            }
        )
    return figures


def _share(moments: Sequence[tuple[float, float]], begin: float, end: float) -> float | None:
    """CPU used between two times, as a share of a core, by straight lines between moments."""
    if moments:
        # The last one was taken when the load stopped, a moment before the last stage ended.
        end = min(end, moments[-1][0])
    first, last = _at(moments, begin), _at(moments, end)
    return (last - first) / (end - begin) if first is not None and last is not None and end > begin else None


def _at(moments: Iterable[tuple[float, float]], when: float) -> float | None:
    for (before, low), (after, high) in pairwise(moments):
        if before <= when <= after and after > before:
            return low + (high - low) * (when - before) / (after - before)
    return None


def render_stages(stages: Sequence[dict[str, Any]]) -> list[str]:
    """Lines for a terminal of 100 columns; none where there are no stages."""
    if not stages:
        return []
    lines = [
        f"  {'stage':<22} {'users':>6} {'asked/s':>8} {'op/s':>8} {'p50':>8} {'p99':>8} {'errors':>6}"
        f" {'server':>6} {'gen.':>5}  verdict"
    ]
    for stage in stages:
        asked = "-" if stage["rate"] is None else f"{stage['rate']:.0f}"
        lines.append(
            f"  {stage['name']:<22} {stage['users']:>6.0f} {asked:>8} {stage['operations_per_second']:>8.0f}"
            f" {_whole(stage['p50_us']):>8} {_whole(stage['p99_us']):>8} {stage['errors']:>6}"
            f" {_percent(stage['server_cpu_share']):>6} {_percent(stage['generator_cpu_share']):>5}"
            f"  {stage['validity']['verdict']}"
        )
    return lines


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
