"""A call that is due later, and a calm: nobody has come for a while."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from load.playing.parameters import Parameter
from sioprobe.engine import Engine
from sioprobe.engine.hub import SECOND

__all__ = ["CALM", "Calm", "Later"]

CALM = Parameter(
    "calm",
    2.0,
    "it begins when nobody has come, or come back, for so long",
    unit="s",
    least=0.1,
    most=86_400,
)


class Later:
    """At most one call that is due later. `set` replaces the one before."""

    __slots__ = ("_engine", "_timer")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._timer: Any = None

    def set(self, seconds: float, function: Callable[[], None]) -> None:
        """Call `function` on the hub after so many seconds. An exception of it is counted."""
        self.cancel()
        self._timer = self._engine.loop.timer(max(0.0, seconds))
        # The hub's clock stands still while it works: without `update` the wait would begin in the past.
        self._timer.start(self._call, function, update=True)

    def _call(self, function: Callable[[], None]) -> None:
        self.cancel()
        try:
            function()
        except Exception as error:
            self._engine.count_internal(error)

    def cancel(self) -> None:
        """Forget the call."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()


class Calm:
    """Whether nobody has come for a while. Then we assume that everybody is there."""

    __slots__ = ("_since", "_still")

    def __init__(self, seconds: float) -> None:
        self._still = int(seconds * SECOND)
        self._since = monotonic_ns()

    def disturb(self) -> None:
        """Begin the wait anew, because somebody came or something happened."""
        self._since = monotonic_ns()

    @property
    def reached(self) -> bool:
        """Whether the last disturbance is long enough ago."""
        return monotonic_ns() - self._since >= self._still
