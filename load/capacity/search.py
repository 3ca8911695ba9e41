"""The search for the highest rate that meets an objective: doubling, bisecting, confirming.

It knows neither servers nor clocks. The caller (`load/capacity/trials.py`) measures the probes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["LIMITS", "Capacity", "Probe", "search"]

RESOLUTION = 1.05
"""Bisecting ends when the lowest rate that failed is within 5 % of the highest that met the objective."""

CONFIRMATIONS = 3
FLOOR_RATE = 1.0
CEILING_RATE = 1e6

LIMITS = {
    "server": "beyond it the server did not meet the objective",
    "generator": "beyond it the figures are those of the generator",
    "machine": "beyond it other processes of this machine took the CPU",
    "budget": "the time was over before the search had ended",
    "ceiling": "the search tries no higher rate",
    "nothing": "no rate met the objective",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One short run at one rate. Latencies in µs; `rate` and `achieved` in operations a second.

    `met`: a valid generator met the objective. If not, `blame` names the cause: "server", "generator", or
    "machine" (its other processes took the CPU). Figures of a server that was not seen are None.
    """

    rate: float
    achieved: float
    p50_us: float | None
    p99_us: float | None
    reach: float | None
    errors: int
    messages_per_second: float
    server_cpu_share: float | None
    generator_cpu_share: float
    verdict: str
    reasons: tuple[str, ...]
    blame: str
    why: str
    phase: str = ""

    @property
    def met(self) -> bool:
        """Whether there is nobody to blame."""
        return not self.blame

    def to_json(self) -> dict[str, Any]:
        """The probe in a result."""
        return {**asdict(self), "reasons": list(self.reasons), "met": self.met}


@dataclass(frozen=True, slots=True)
class Capacity:
    """The end of a search. `knee` is the last probe of the highest rate, or None if no rate was met."""

    knee: Probe | None
    confirmed: int
    limit: str
    probes: tuple[Probe, ...]


def search(
    probe: Callable[[float, str], Probe],
    start: float,
    *,
    time_left: Callable[[], bool],
    told: Callable[[Probe], None] = lambda probe: None,
) -> Capacity:
    """Search from `start`. `probe(rate, phase)` measures; `time_left` tells if the budget allows one more.

    A rate that fails is tried a second time: on a shared machine one probe may be unlucky.
    """
    return _Search(probe, time_left, told).run(start)


class _OutOfTime(Exception):
    pass


class _Search:
    """One search: `low` has met the objective, `high` has not."""

    def __init__(
        self,
        probe: Callable[[float, str], Probe],
        time_left: Callable[[], bool],
        told: Callable[[Probe], None],
    ) -> None:
        self._probe = probe
        self._time_left = time_left
        self._told = told
        self._probes: list[Probe] = []
        self._low: Probe | None = None
        self._high: Probe | None = None

    def run(self, start: float) -> Capacity:
        confirmed = 0
        try:
            self._bracket(start)
            while self._low is not None:
                self._bisect()
                confirmed = self._confirm()
                if confirmed == CONFIRMATIONS:
                    break
                self._step_down()
        except _OutOfTime:
            return Capacity(self._low, confirmed, "budget", tuple(self._probes))
        if self._low is None:
            blame = self._high.blame if self._high is not None else ""
            limit = blame if blame in ("generator", "machine") else "nothing"
            return Capacity(None, 0, limit, tuple(self._probes))
        limit = self._high.blame if self._high is not None else "ceiling"
        return Capacity(self._low, confirmed, limit, tuple(self._probes))

    def _try(self, rate: float, phase: str, times: int = 2) -> Probe:
        """Measure, a second time if the first failed, and narrow the bracket."""
        for _ in range(times):
            if not self._time_left():
                raise _OutOfTime
            found = self._probe(rate, phase)
            self._probes.append(found)
            self._told(found)
            if found.met:
                break
        if found.met:
            self._low = found
        else:
            self._high = found
        return found

    def _bracket(self, start: float) -> None:
        """Double the rate until it fails. If the first rate fails, halve it until one meets the objective."""
        rate = start
        if self._try(rate, "doubling").met:
            while self._high is None and rate * 2 <= CEILING_RATE:
                rate *= 2
                self._try(rate, "doubling")
            return
        while self._low is None and rate / 2 >= FLOOR_RATE:
            rate /= 2
            self._try(rate, "halving")

    def _bisect(self) -> None:
        while self._low is not None and self._high is not None:
            if self._high.rate <= self._low.rate * RESOLUTION:
                return
            # The geometric mean gives the same precision at any rate.
            self._try(math.sqrt(self._low.rate * self._high.rate), "bisecting")

    def _confirm(self) -> int:
        """How many confirmations in a row met the objective. The first that fails ends them."""
        assert self._low is not None
        rate = self._low.rate
        for count in range(CONFIRMATIONS):
            if not self._try(rate, "confirming", times=1).met:
                return count
        return CONFIRMATIONS

    def _step_down(self) -> None:
        """The rate was not confirmed, and so is too high: go on from the highest lower rate that was met."""
        assert self._high is not None
        below = [found for found in self._probes if found.met and found.rate < self._high.rate]
        below = [found for found in below if not self._failed_at(found.rate)]
        if below:
            self._low = max(below, key=lambda found: found.rate)
        else:
            self._low = None
            rate = self._high.rate
            while self._low is None and rate / 2 >= FLOOR_RATE:
                rate /= 2
                self._try(rate, "halving")

    def _failed_at(self, rate: float) -> bool:
        """Whether a confirmation failed at that rate."""
        return any(
            not found.met and found.rate == rate for found in self._probes if found.phase == "confirming"
        )
