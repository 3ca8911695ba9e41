"""What the connections of one process share: the hub's loop, the recorder, the deadlines, the pulse.

One timer checks the deadlines of all connections ten times a second; another measures how late the hub
calls back, and once a second how much processor this process used.
"""

from __future__ import annotations

import resource
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import gevent

from sioprobe.results.histogram import Histogram
from sioprobe.swarm.recorder import Recorder

if TYPE_CHECKING:
    from sioprobe.swarm.connection import Connection

__all__ = ["Engine", "raise_open_files_limit"]

SWEEP_SECONDS = 0.1
PULSE_SECONDS = 0.02


class Engine:
    """Connections register themselves here. `start` before the first, `stop` after the last."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.loop: Any = gevent.get_hub().loop
        self.recorder = recorder or Recorder()
        self.connections: set[Connection] = set()
        self.hub_lag = Histogram()
        self.send_lag = Histogram()
        self.cpu_shares: deque[float] = deque(maxlen=3600)
        self.internal_errors = 0
        self._sweep_timer: Any = None
        self._pulse_timer: Any = None
        self._pulse_at = 0
        self._cpu_at = (0.0, 0.0)

    def start(self) -> None:
        """Start the timers; a second call does nothing."""
        if self._sweep_timer is not None:
            return
        raise_open_files_limit()
        self._sweep_timer = self.loop.timer(SWEEP_SECONDS, SWEEP_SECONDS)
        self._sweep_timer.start(self._sweep)
        self._pulse_timer = self.loop.timer(PULSE_SECONDS, PULSE_SECONDS)
        self.reset_pulse()
        self._pulse_timer.start(self._pulse)

    def stop(self) -> None:
        """Stop the timers."""
        for timer in (self._sweep_timer, self._pulse_timer):
            if timer is not None:
                timer.stop()
                timer.close()
        self._sweep_timer = self._pulse_timer = None

    def reset_pulse(self) -> None:
        """Measure hub lag and CPU anew from here."""
        self.hub_lag = Histogram()
        self.send_lag = Histogram()
        self.cpu_shares.clear()
        self._pulse_at = time.monotonic_ns()
        self._cpu_at = (time.monotonic(), time.process_time())

    def take_cpu_share(self) -> float:
        """The share of one core that this process used since the last sample, which ends here."""
        wall, cpu = self._cpu_at
        self._cpu_at = (time.monotonic(), time.process_time())
        share = (self._cpu_at[1] - cpu) / max(self._cpu_at[0] - wall, 1e-9)
        self.cpu_shares.append(share)
        return share

    @property
    def max_cpu_share(self) -> float:
        """The share of one core in the busiest second; 0 before the first is over."""
        return max(self.cpu_shares, default=0.0)

    def _pulse(self) -> None:
        now = time.monotonic_ns()
        self.hub_lag.record(max(0.0, (now - self._pulse_at) / 1000 - PULSE_SECONDS * 1e6))
        self._pulse_at = now
        if now / 1e9 - self._cpu_at[0] >= 1.0:
            self.take_cpu_share()

    def _sweep(self) -> None:
        now = time.monotonic_ns()
        for connection in list(self.connections):
            try:
                connection.check(now)
            except Exception as error:
                self.count_internal(error)

    def count_internal(self, error: Exception) -> None:
        """Account for a fault of our own in a callback, where nobody else can."""
        self.internal_errors += 1
        self.recorder.series("SIO session", "internal").error(f"internal error: {type(error).__name__}")


def raise_open_files_limit() -> None:
    """Let this process have as many connections as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        # macOS announces no limit and then takes no more than this.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(10240, hard), hard))
