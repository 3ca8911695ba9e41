"""What the connections of one process share: the hub's loop, the recorder, the deadlines, the pulse.

One timer checks the deadlines of all connections ten times a second. The pulse measures whether this process
is fast enough.
"""

from __future__ import annotations

import resource
import time
from typing import Any, Protocol

import gevent

from sioprobe.measured.arrivals import Arrivals, Attempt
from sioprobe.measured.pulse import Pulse
from sioprobe.measured.recorder import Recorder
from sioprobe.results.histogram import Histogram

__all__ = ["SECOND", "Engine", "raise_open_files_limit"]

SECOND = 1_000_000_000
"""In nanoseconds, the unit of `monotonic_ns`."""

SWEEP_SECONDS = 0.1


class Checked(Attempt, Protocol):
    """What the engine needs of a connection."""

    def give_up_connecting(self) -> None:
        """Count what waits for the answer to a CONNECT as failed."""

    def check(self, now: int) -> None:
        """Enforce the deadlines; `now` is `monotonic_ns()`."""

    def abort(self) -> None:
        """End at once."""


class Companion(Protocol):
    """What the engine needs of something that works for its connections."""

    def stop(self) -> None:
        """End at once."""


class Engine:
    """Connections register themselves here. Call `start` before the first and `stop` after the last."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        hub = gevent.get_hub()
        # It would print the exception of Ctrl-C, and the time. The main greenlet gets it in any case.
        hub.NOT_ERROR = tuple({*hub.NOT_ERROR, KeyboardInterrupt})
        self.loop: Any = hub.loop
        self.recorder = recorder or Recorder()
        self.connections: set[Checked] = set()
        self.arrivals = Arrivals()
        self.pulse = Pulse()
        self.internal_errors = 0
        self.companions: dict[tuple[Any, ...], Companion] = {}
        """What else works for the connections, and ends with them."""
        self._sweep_timer: Any = None

    def start(self) -> None:
        """Start the timers; a second call does nothing."""
        if self._sweep_timer is not None:
            return
        raise_open_files_limit()
        self._sweep_timer = self.loop.timer(SWEEP_SECONDS, SWEEP_SECONDS)
        self._sweep_timer.start(self._sweep)
        self.pulse.start(self.loop)

    def stop(self) -> None:
        """Stop the timers."""
        if self._sweep_timer is not None:
            self._sweep_timer.stop()
            self._sweep_timer.close()
            self._sweep_timer = None
        self.pulse.stop()
        for companion in self.companions.values():
            companion.stop()
        self.companions.clear()

    @property
    def connected(self) -> int:
        """How many connections have a namespace now."""
        return sum(bool(connection.namespaces) for connection in self.connections)

    @property
    def send_lag(self) -> Histogram:
        """A scenario records here how much later than scheduled it sent, in microseconds."""
        return self.pulse.send_lag

    def reset_pulse(self) -> None:
        """Forget what the pulse has measured so far."""
        self.pulse.reset()

    def _sweep(self) -> None:
        now = time.monotonic_ns()
        for connection in list(self.connections):
            try:
                connection.check(now)
            except Exception as error:
                self.count_internal(error)

    def count_internal(self, error: Exception) -> None:
        """Count an error that was raised in a callback of ours."""
        self.internal_errors += 1
        self.recorder.series("SIO session", "internal").error(f"internal error: {type(error).__name__}")


def raise_open_files_limit() -> None:
    """Raise the limit of open files, and so of connections, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        # macOS announces no limit, but accepts no higher one than this.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(10240, hard), hard))
