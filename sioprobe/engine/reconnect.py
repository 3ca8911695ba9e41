"""What a connection does when its session is lost: wait, with the official client's back-off, and try again.

`Backoff` says how long; a `Reconnector` is one connection's account of a loss: since when, which attempt,
which namespaces. Left out: opening the session, which is the connection's (`sioprobe.engine.connection`).
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
"""Beyond that many attempts the delay grows no more; a power of them would be no float."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each attempt; seconds. The defaults are those of socket.io-client 4.

    `attempts` None is without end. With `randomization_factor` 0 all connections wait alike, as a storm
    wants it; 0.5 lets each wait between half and one and a half times as long, `delay_max` at most.
    Raises ValueError for what is no back-off.
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
        """How long to wait before the attempt of that number, which counts from 0."""
        seconds = self.delay * self.factor ** min(attempt, MAX_DOUBLINGS)
        seconds *= 1 + self.randomization_factor * (2 * chance() - 1)
        return min(seconds, self.delay_max)


class Reconnector:
    """One connection's losses. `lost_at` (`monotonic_ns`) is 0 while nothing is lost.

    `namespaces` are those to connect again. What comes of it is recorded as `SIO reconnect` under the name of
    the transport.
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
        """A session with these namespaces is lost; whether another attempt follows: then `reopen` is called.

        Only a session in which a namespace was connected begins a loss: a first session that fails is none.
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
        """The server has accepted a namespace, or does not want us in it.

        Where it was the last that was waited for, the loss is over; the answer is then how many nanoseconds
        it lasted, or None where no namespace is left.
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
        # Not before it is needed: a run without losses has no such row.
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
