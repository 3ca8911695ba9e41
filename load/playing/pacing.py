"""When the operations of an open loop are due: a constant schedule, or Poisson arrivals.

The schedule waits for nothing: a late turn is taken late, and no turn is left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from load.playing.parameters import Parameter
from sioprobe.engine import Engine
from sioprobe.engine.hub import SECOND

__all__ = ["SCHEDULE", "Pacer"]

TICK = SECOND // 1000
"""The loop of the hub waits in whole milliseconds: no turn can be taken in between, unless something else
wakes it."""

SCHEDULE = Parameter(
    "schedule",
    "constant",
    "with a rate: equal gaps, or gaps at random (Poisson arrivals)",
    choices=("constant", "poisson"),
)


class Pacer:
    """Calls `turn(intended)` on the hub for each intended time, in `monotonic_ns`."""

    __slots__ = ("_engine", "_interval", "_next", "_poisson", "_running", "_ticks", "_timer", "_turn")

    def __init__(self, engine: Engine, rate: float, kind: str, turn: Callable[[int], None]) -> None:
        self._engine = engine
        self._interval = SECOND / rate
        self._poisson = kind == "poisson"
        self._turn = turn
        self._next = 0.0
        self._running = False
        self._ticks = False
        """Whether the timer goes on by itself. A new one for each turn costs more."""
        self._timer: Any = None

    def start(self, offset: int = 0) -> None:
        """Begin. The first turn of a constant schedule comes after `offset` nanoseconds."""
        self._running = True
        self._next = monotonic_ns() + (self._gap() if self._poisson else offset)
        self._wait()

    @property
    def interval(self) -> int:
        """The mean gap in nanoseconds."""
        return int(self._interval)

    def set_rate(self, rate: float) -> None:
        """From the next turn on, take `rate` turns a second."""
        self._interval = SECOND / rate

    def stop(self) -> None:
        """Take no more turns."""
        self._running = False
        if self._timer is not None:
            self._timer.stop()

    def _gap(self) -> float:
        return random.expovariate(1.0) * self._interval if self._poisson else self._interval

    def _wait(self) -> None:
        wait = max(0.0, self._next - monotonic_ns()) / SECOND
        self._ticks = self._interval <= TICK
        if self._timer is not None:
            self._timer.stop()
        # A new timer, because a timer cannot get another time.
        self._timer = self._engine.loop.timer(wait, TICK / SECOND if self._ticks else 0.0)
        self._timer.start(self._due, update=True)

    def _due(self) -> None:
        now = monotonic_ns()
        while self._running and self._next <= now:
            intended = int(self._next)
            self._next += self._gap() if self._poisson else self._interval
            try:
                self._turn(intended)
            except Exception as error:
                self._engine.count_internal(error)
        if self._running and not (self._ticks and self._interval <= TICK):
            self._wait()
