"""The figures and the verdict of each stage, for a load that changes over time.

A process keeps one `StageAccount` per stage. A worker sends whole accounts, which replace what its master
knew of that stage. So no report counts twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sioprobe.measured.validity import judge
from sioprobe.measured.vitals import Vitals
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Neighbours, StageFigures

__all__ = ["StageAccount", "StageAccounts", "stage_figures"]


@dataclass(slots=True)
class StageAccount:
    """What one process counted in one stage. The latencies, in µs, are those of the operations."""

    latency: Histogram = field(default_factory=Histogram)
    errors: int = 0
    vitals: Vitals = field(default_factory=Vitals)


class StageAccounts:
    """The stages of one process: `enter` each in turn, `add` what was counted, `leave` at the end."""

    def __init__(self) -> None:
        self.accounts: list[StageAccount] = []
        self.spans: list[tuple[float, float]] = []
        """Begin and end of each, monotonic. The last one has no end until it is left."""
        self._current: int | None = None
        self._changed: set[int] = set()

    @property
    def current(self) -> int | None:
        """The index of the current stage."""
        return self._current

    def enter(self, index: int, vitals: Vitals) -> None:
        """Begin a stage; `vitals` cover the time since the last one began."""
        self.leave(vitals)
        now = time.monotonic()
        while len(self.accounts) <= index:
            self.accounts.append(StageAccount())
            self.spans.append((now, now))
        self.spans[index] = (now, now)
        self._current = index

    def add(self, latency: Histogram, errors: int) -> None:
        """Count into the current stage. Between two stages nothing counts."""
        if self._current is not None:
            account = self.accounts[self._current]
            account.latency.merge(latency)
            account.errors += errors
            self._changed.add(self._current)

    def leave(self, vitals: Vitals) -> None:
        """End the current stage."""
        if self._current is not None:
            self.accounts[self._current].vitals.merge(vitals)
            self.spans[self._current] = (self.spans[self._current][0], time.monotonic())
            self._changed.add(self._current)
        self._current = None

    def take_changed(self) -> dict[int, StageAccount]:
        """The accounts that a master does not know yet, by stage."""
        changed, self._changed = self._changed, set()
        return {index: self.accounts[index] for index in sorted(changed)}


def stage_figures(
    names: Sequence[str],
    rates: Sequence[float | None],
    users: Sequence[float],
    spans: Sequence[tuple[float, float]],
    accounts: Sequence[Sequence[StageAccount]],
    server: Sequence[tuple[float, float]] = (),
    neighbours: Sequence[tuple[float, float]] = (),
    *,
    beside: bool = False,
) -> list[StageFigures]:
    """The figures of each stage that began: rates per second, latencies in µs, shares of a core.

    `accounts` holds, for each stage, the accounts of all processes. `server` holds moments of the server's
    CPU: a monotonic time, and the seconds used until then. `neighbours` holds the same of its neighbours.
    `beside` is that of `judge`.
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
        taken = _share(neighbours, begin, end)
        validity = judge(
            operations=latency.count,
            errors=errors,
            vitals=vitals,
            latency=latency,
            neighbours=Neighbours(share=taken) if taken is not None else None,
            beside=beside,
        )
        figures.append(
            StageFigures(
                name=names[index],
                seconds=seconds,
                users=users[index],
                rate=rates[index],
                operations=latency.count,
                operations_per_second=latency.count / seconds,
                p50_us=latency.percentile(50),
                p99_us=latency.percentile(99),
                errors=errors,
                generator_cpu_share=max((each.busiest_share for each in vitals), default=0.0),
                server_cpu_share=_share(server, begin, end),
                validity=validity,
            )
        )
    return figures


def _share(moments: Sequence[tuple[float, float]], begin: float, end: float) -> float | None:
    """CPU used between two times, as a share of a core. Between moments it is taken as a straight line."""
    if moments:
        # The load stopped a moment before the last stage ended, and took its last sample then. A master
        # knows its workers, and so its neighbours, a moment after the first one began.
        begin, end = max(begin, moments[0][0]), min(end, moments[-1][0])
    first, last = _at(moments, begin), _at(moments, end)
    return (last - first) / (end - begin) if first is not None and last is not None and end > begin else None


def _at(moments: Iterable[tuple[float, float]], when: float) -> float | None:
    for (before, low), (after, high) in pairwise(moments):
        if before <= when <= after and after > before:
            return low + (high - low) * (when - before) / (after - before)
    return None
