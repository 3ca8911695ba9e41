"""Notices when this machine stands still for so long that heartbeats are missed.

Only the judge's own event loop is timed, so a server that freezes itself gets no excuse.
A case that fails during such a stall says nothing about the protocol; `runner` asks it again, alone.
"""

from __future__ import annotations

import asyncio
import time

__all__ = ["StandstillWatch"]

EVERY = 0.2  # seconds between two looks


class StandstillWatch:
    """Measures how late the loop is while `beat` runs. `ping_timeout` is in seconds."""

    def __init__(self, ping_timeout: float) -> None:
        # A third of the time for a pong is lost. The rest may be too short.
        self._limit = max(ping_timeout / 3, 0.3)
        self._stalls: list[tuple[float, float]] = []  # when each ended, and its seconds
        self._due: float | None = None

    async def beat(self) -> None:
        """Watch until cancelled."""
        while True:
            self._due = time.monotonic() + EVERY
            await asyncio.sleep(EVERY)
            self._stalls += self._late()

    def stalled_since(self, moment: float) -> float:
        """Seconds of the longest stall that ended after this moment (monotonic clock), or goes on."""
        # A case may be judged before the late beat is noted.
        ended_since = [seconds for ended, seconds in self._stalls + self._late() if ended >= moment]
        return max(ended_since, default=0.0)

    def _late(self) -> list[tuple[float, float]]:
        now = time.monotonic()
        late = now - self._due if self._due is not None else 0.0
        return [(now, late)] if late > self._limit else []
