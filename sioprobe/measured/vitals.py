"""How a process that generates load is doing: its CPU, its late hub, the time it was kept from running.

`Vitals` are sums over some time. Those of two spans of one process can be merged.
`KernelClocks` reads what only the kernel knows. It answers None if this kernel does not tell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sioprobe.host import cpu_waits
from sioprobe.results.histogram import Histogram

__all__ = ["STALL_SECONDS", "KernelClocks", "Vitals"]

STALL_SECONDS = 0.1
"""A hub this late stood still. Bursts of work, garbage collection and spawning take only tens of ms."""


@dataclass(slots=True)
class Vitals:
    """What one process measured of itself in `seconds`.

    Shares are of one core and of whole seconds. In `run_delay_seconds` it could have run and did not. In
    `pressure_seconds` some process of the machine waited for a CPU. Both are None if the kernel does not
    tell. The histograms are in microseconds.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    max_cpu_share: float = 0.0
    run_delay_seconds: float | None = None
    max_run_delay_share: float = 0.0
    pressure_seconds: float | None = None
    stalls: int = 0
    stalled_seconds: float = 0.0
    longest_stall: float = 0.0
    hub_lag: Histogram = field(default_factory=Histogram)
    send_lag: Histogram = field(default_factory=Histogram)

    def record_lag(self, us: float) -> None:
        """Enter how late the hub called back."""
        self.hub_lag.record(us)
        seconds = us / 1e6
        if seconds >= STALL_SECONDS:
            self.stalls += 1
            self.stalled_seconds += seconds
            self.longest_stall = max(self.longest_stall, seconds)

    @property
    def busiest_share(self) -> float:
        """The share of a core in the busiest second; before the first second is over, in the whole time."""
        return max(self.max_cpu_share, self.cpu_seconds / self.seconds if self.seconds > 0 else 0.0)

    def share(self, seconds: float | None) -> float | None:
        """What part of the time `seconds` are; None stays None."""
        return None if seconds is None or self.seconds <= 0 else seconds / self.seconds

    def merge(self, other: Vitals) -> None:
        """Add another span of the same process."""
        for name in ("seconds", "cpu_seconds", "stalls", "stalled_seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("max_cpu_share", "max_run_delay_share", "longest_stall"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        for name in ("run_delay_seconds", "pressure_seconds"):
            values = [value for value in (getattr(self, name), getattr(other, name)) if value is not None]
            setattr(self, name, sum(values) if values else None)
        self.hub_lag.merge(other.hub_lag)
        self.send_lag.merge(other.send_lag)


class KernelClocks:
    """Clocks of this process and machine, in seconds since some moment of their own."""

    def __init__(self, schedstat: str = "/proc/thread-self/schedstat", pressure: str = "/proc/pressure/cpu"):
        # Of this thread, which runs the hub.
        self._schedstat = schedstat
        self._pressure = pressure

    def wall(self) -> float:
        """Monotonic time."""
        return time.monotonic()

    def cpu(self) -> float:
        """CPU time of this process, all its threads."""
        return time.process_time()

    def run_delay(self) -> float | None:
        """How long this thread was runnable and another ran instead."""
        return cpu_waits.run_delay(self._schedstat)

    def pressure(self) -> float | None:
        """How long some process of this machine waited for a CPU."""
        return cpu_waits.pressure(self._pressure)
