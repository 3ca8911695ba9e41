"""What a connection does after a loss of its session: it waits as the official client does, and tries again.

`Backoff` says how long it waits. A `Reconnector` keeps the state of one loss: since when, which attempt,
which namespaces. The connection itself opens the session.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

from sioprobe.engine.errors import Kind
from sioprobe.engine.hub import Engine
from sioprobe.measured.recorder import Series

__all__ = ["Backoff", "Reconnector"]

MAX_DOUBLINGS = 64
"""After so many attempts the delay does not grow any more, because the power would overflow a float."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each attempt, in seconds. The defaults are those of socket.io-client 4.

    With `attempts` None there is no last attempt. With `randomization_factor` 0 all connections wait equally
    long; with 0.5 each waits between 0.5 and 1.5 times the delay, but never longer than `delay_max`.
    Raises ValueError if a value is out of range.
    """

    delay: float = 1.0
    delay_max: float = 5.0
    factor: float = 2.0
    randomization_factor: float = 0.5
    attempts: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.randomization_factor <= 1:
            raise ValueError(f"randomization_factor must be from 0 to 1, not {self.randomization_factor}")
        for name, least in (("delay", 0), ("delay_max", 0), ("factor", 1)):
            value = getattr(self, name)
            if not least <= value < float("inf"):
                raise ValueError(f"{name} must be a finite number of {least} or more, not {value}")

    def seconds(self, attempt: int, chance: Callable[[], float] = random.random) -> float:
        """How long to wait before an attempt; attempts count from 0."""
        seconds = self.delay * self.factor ** min(attempt, MAX_DOUBLINGS)
        seconds *= 1 + self.randomization_factor * (2 * chance() - 1)
        return min(seconds, self.delay_max)


class Reconnector:
    """The losses of one connection. `lost_at` (`monotonic_ns`) is 0 while nothing is lost.

    `namespaces` are to be connected again. Outages are recorded as `SIO reconnect` under the name of the
    transport.
    """

    __slots__ = ("_engine", "_timer", "_transport", "attempt", "backoff", "lost_at", "namespaces")

    def __init__(self, engine: Engine, backoff: Backoff, transport: str) -> None:
        self._engine = engine
        self._transport = transport
        self._timer: Any = None
        self.backoff = backoff
        self.attempt = 0
        self.lost_at = 0
        self.namespaces: list[str] = []

    def lose(
        self, connected: Collection[str], connecting: Collection[str], reopen: Callable[[], None]
    ) -> bool:
        """Take note that a session with these namespaces is lost. True if another attempt follows.

        `reopen` is called when the attempt is due. A first session that fails is not a loss: a namespace must
        have been connected before.
        """
        if not self.lost_at and connected:
            self.lost_at = monotonic_ns()
            self.namespaces = [*connected, *connecting]
        if not self.namespaces:
            return False
        if self.backoff.attempts is not None and self.attempt >= self.backoff.attempts:
            self._series.error(Kind.GAVE_UP)
            return False
        self._schedule(reopen)
        return True

    def settle(
        self, namespace: str, *, wanted: bool, connected: Collection[str], connecting: Collection[str]
    ) -> int | None:
        """Take note that the server has accepted a namespace, or refused it (not `wanted`).

        If no other answer is due, the outage is over. Then this returns its length in nanoseconds, if any
        namespace is left.
        """
        if not wanted and namespace in self.namespaces:
            self.namespaces.remove(namespace)
        if connecting:
            return None
        nanoseconds = monotonic_ns() - self.lost_at
        self.forget()
        if not connected:
            self._series.error(Kind.CONNECT_REFUSED)
            return None
        self._series.record(nanoseconds / 1000)
        return nanoseconds

    @property
    def _series(self) -> Series:
        # Made only when it is needed: a run without losses has no such row.
        return self._engine.recorder.series("SIO reconnect", self._transport)

    def _schedule(self, reopen: Callable[[], None]) -> None:
        self._cancel()
        seconds = self.backoff.seconds(self.attempt)
        self.attempt += 1
        self._timer = self._engine.loop.timer(seconds)
        # The hub's own clock stands still while it works: without `update` the wait would begin in the past.
        self._timer.start(self._try_again, reopen, update=True)

    def _try_again(self, reopen: Callable[[], None]) -> None:
        self._cancel()
        reopen()

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def forget(self) -> None:
        """Nothing is lost any more, or nobody wants it back."""
        self._cancel()
        self.attempt = 0
        self.lost_at = 0
        self.namespaces = []
