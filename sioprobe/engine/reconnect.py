"""What a connection does when its session is lost: wait, with the official client's back-off, and try again.

`Backoff` says how long; a `Reconnector` is one connection's account of a loss: since when, which attempt,
which namespaces. Left out: opening the session, which is the connection's (`sioprobe.engine.connection`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

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
    """One connection's losses. `lost_at` (`monotonic_ns`) is 0 while nothing is lost."""

    __slots__ = ("_loop", "_timer", "attempt", "backoff", "lost_at", "namespaces")

    def __init__(self, loop: Any, backoff: Backoff) -> None:
        self._loop = loop
        self._timer: Any = None
        self.backoff = backoff
        self.attempt = 0
        self.lost_at = 0
        self.namespaces: list[str] = []

    def lose(self, connected: Iterable[str], connecting: Iterable[str]) -> bool:
        """A session with these namespaces is lost; whether any is to be connected again.

        Only a session in which one was connected begins a loss: a first that fails is none.
        """
        now_connected = list(connected)
        if not self.lost_at and now_connected:
            self.lost_at = monotonic_ns()
            self.namespaces = [*now_connected, *connecting]
        return bool(self.namespaces)

    def give_up(self, namespace: str) -> None:
        """The server does not want us in that namespace."""
        if namespace in self.namespaces:
            self.namespaces.remove(namespace)

    @property
    def exhausted(self) -> bool:
        """Whether the last attempt that the back-off allows has been made."""
        return self.backoff.attempts is not None and self.attempt >= self.backoff.attempts

    def schedule(self, reopen: Callable[[], None]) -> None:
        """Call `reopen` on the hub when it is time for the next attempt."""
        self.cancel()
        seconds = self.backoff.seconds(self.attempt)
        self.attempt += 1
        self._timer = self._loop.timer(seconds)
        # The hub's own clock stands still while it works: without `update` the wait would begin in the past.
        self._timer.start(reopen, update=True)

    def cancel(self) -> None:
        """Forget the attempt that is scheduled."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def forget(self) -> None:
        """Nothing is lost any more, or nobody wants it back."""
        self.cancel()
        self.attempt = 0
        self.lost_at = 0
        self.namespaces = []
