"""Notices when this machine, or the server on it, stands still for so long that heartbeats are missed.

A case that fails during such a stall says nothing about the protocol; `runner` asks it again, alone.
"""

from __future__ import annotations

import asyncio
import time

from conformance.client.http import exchange
from conformance.client.session import PROTOCOL
from conformance.client.transcript import RECORDING, Recording
from conformance.target import Target

__all__ = ["Pulse"]

EVERY = 0.2  # seconds between two looks


class Pulse:
    """How long the loop and a trivial request take, as long as `beat` runs."""

    def __init__(self, target: Target) -> None:
        self._target = target
        # A third of what a client has for its pong is lost: the rest may not do.
        self._limit = max(target.timing.ping_timeout / 3, 0.3)
        self._stalls: list[tuple[float, float]] = []

    async def beat(self) -> None:
        """Look until cancelled."""
        RECORDING.set(Recording())
        query = f"{PROTOCOL}&transport=polling&sid=no-session-at-all"
        while True:
            started = time.monotonic()
            await asyncio.sleep(EVERY)
            # A server that knows no such session answers at once, whatever it answers.
            await exchange(self._target.address, "GET", f"{self._target.address.path}?{query}", seconds=10)
            ended = time.monotonic()
            if ended - started - EVERY > self._limit:
                self._stalls.append((started, ended))

    def stalled_since(self, moment: float) -> bool:
        """Whether a stall ended, or goes on, after this moment of the monotonic clock."""
        return any(ended >= moment for _, ended in self._stalls)
