"""The pulse of a process that generates load.

Fifty times a second it measures how late the hub calls back. Once a second it measures the CPU that was used,
how long the hub's thread was kept from running, and how pressed the machine was.
"""

from __future__ import annotations

import time
from typing import Any

from sioprobe.measured.vitals import KernelClocks, Vitals
from sioprobe.results.histogram import Histogram

__all__ = ["PULSE_SECONDS", "Pulse"]

PULSE_SECONDS = 0.02


class Pulse:
    """Measures from `start` to `stop`. `take` ends a span and begins the next; `vitals` covers all spans.

    Scenarios record in `send_lag` how late they sent, in microseconds. `take` puts a new one in its place.
    """

    def __init__(self, clocks: KernelClocks | None = None) -> None:
        self.send_lag = Histogram()
        self._clocks = clocks or KernelClocks()
        self._timer: Any = None
        self.reset()

    def start(self, loop: Any) -> None:
        """Begin, on this loop of a hub."""
        self._timer = loop.timer(PULSE_SECONDS, PULSE_SECONDS)
        self.reset()
        self._timer.start(self._beat)

    def stop(self) -> None:
        """End; a second call does nothing."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def reset(self) -> None:
        """Forget what was measured."""
        self._total, self._recent = Vitals(), Vitals()
        self.send_lag = self._recent.send_lag
        self._beat_at = time.monotonic_ns()
        self._span_at = self._second_at = self._read_clocks()

    def _read_clocks(self) -> tuple[float, float, float | None, float | None]:
        clocks = self._clocks
        return clocks.wall(), clocks.cpu(), clocks.run_delay(), clocks.pressure()

    def _beat(self) -> None:
        now = time.monotonic_ns()
        self._recent.record_lag(max(0.0, (now - self._beat_at) / 1000 - PULSE_SECONDS * 1e6))
        self._beat_at = now
        if now / 1e9 - self._second_at[0] >= 1.0:
            self._end_second()

    def _end_second(self) -> None:
        before, self._second_at = self._second_at, self._read_clocks()
        wall, cpu, delay, _ = _since(before, self._second_at)
        recent = self._recent
        recent.max_cpu_share = max(recent.max_cpu_share, cpu / max(wall, 1e-9))
        if delay is not None:
            recent.max_run_delay_share = max(recent.max_run_delay_share, delay / max(wall, 1e-9))

    def _end_span(self) -> None:
        before, self._span_at = self._span_at, self._read_clocks()
        wall, cpu, delay, pressure = _since(before, self._span_at)
        recent = self._recent
        recent.seconds += wall
        recent.cpu_seconds += cpu
        recent.run_delay_seconds = _plus(recent.run_delay_seconds, delay)
        recent.pressure_seconds = _plus(recent.pressure_seconds, pressure)

    def take(self) -> Vitals:
        """What was measured since the last call. A second counts to the span in which it ends."""
        self._end_span()
        taken = self._recent
        self._total.merge(taken)
        self._recent = Vitals()
        self.send_lag = self._recent.send_lag
        return taken

    def vitals(self) -> Vitals:
        """What was measured since the last reset."""
        self._end_span()
        everything = Vitals()
        everything.merge(self._total)
        everything.merge(self._recent)
        return everything


def _since(before: tuple[Any, ...], now: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        None if start is None or end is None else end - start for start, end in zip(before, now, strict=True)
    )


def _plus(value: float | None, more: float | None) -> float | None:
    return value if more is None else (value or 0.0) + more
