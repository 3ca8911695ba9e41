"""Whether the server is still there. A run asks after a case that failed, and never else.

A server that went away must not cost the deadlines of every case that is left.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from conformance.client.session import Transport, sessions_of
from conformance.client.transcript import RECORDING, Recording
from conformance.target import Target
from conformance.verdicts import Inconclusive

__all__ = ["Absence", "Presence"]

FRESH_SECONDS = 0.5  # an answer is not asked for again so soon
BETWEEN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Absence:
    """No session opens any more. `since` is on the monotonic clock, `seen` what came instead."""

    since: float
    seen: str
    asked_for: float  # seconds


class Presence:
    """Asks for a session, and gives the server `patience` seconds to come back, as after a restart."""

    def __init__(self, target: Target, patience: float) -> None:
        self._target = target
        self._patience = patience
        self._answered = 0.0
        self._asking = asyncio.Lock()
        self.absence: Absence | None = None

    async def confirm(self) -> None:
        """Return once the server opens a session, or when it is known to be gone (`absence`)."""
        async with self._asking:
            if self.absence is not None or time.monotonic() - self._answered < FRESH_SECONDS:
                return
            since = time.monotonic()
            while (seen := await self._ask()) is not None:
                if (waited := time.monotonic() - since) > self._patience:
                    self.absence = Absence(since, seen, waited)
                    return
                await asyncio.sleep(BETWEEN_SECONDS)
            self._answered = time.monotonic()

    async def _ask(self) -> str | None:
        """What came in place of a session over any transport; None if one opens."""
        recording = Recording(self._target.address.connection.secrets)
        RECORDING.set(recording)
        transports: tuple[Transport, ...] = ("polling", "websocket")
        seen: str | None = None
        for transport in transports:
            if not self._target.capabilities[transport]:
                continue
            try:
                await self._target.open(transport, poll=False)
            except Inconclusive as error:
                seen = seen or recording.redact(str(error))
                continue
            await asyncio.gather(*(session.release() for session in sessions_of(recording)))
            return None
        return seen
