"""Notices when a machine does not let the judge or the server work, so that heartbeats are missed.

The judge's own event loop is timed: a case that fails during a stall says nothing about the protocol.
A server that stands still is not seen that way. It shows in two other ways: it closes a session whose ping
was still to be answered, as far as it knew; and processes of this machine wait for a CPU.
`runner` asks such cases again, alone. A server that freezes itself on an idle machine gets no excuse.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable

from conformance.client.session import Session
from sioprobe.host import cpu_waits
from sioprobe.wire import EnginePacketType

__all__ = ["StandstillWatch", "heartbeat_overdue"]

EVERY = 0.2  # seconds between two looks
LEAST_WINDOW = 2.0  # a shorter time says nothing about a machine
STARVED_DELAY = 0.3  # of the time the judge could have run and did not
STARVED_PRESSURE = 0.6  # of the time some process of the machine waited for a CPU

Clock = Callable[[], float | None]


def heartbeat_overdue(session: Session) -> bool:
    """Whether the server may have closed this session because it missed a pong, sent or not.

    Over polling a pong is known to be there when its push is answered. Over WebSocket nothing tells but the
    next ping, so a close counts that comes when most of pingTimeout has passed since the last one. A ping may
    have waited for a poll or for the end of an upgrade, so what was seen before it counts too.
    """
    ends = [session.closure.at] if session.closure else []
    ends += [session.refused] if session.refused is not None else []
    if not ends:
        return False
    closed = min(ends)
    timing = session.timing
    grace = 0.6 * timing.ping_timeout
    came = session.packets(EnginePacketType.PONG if session.revision.client_pings else EnginePacketType.PING)
    heard = [session.started, session.beaten or 0.0]
    if session.revision.client_pings:
        heard += [pong.at for pong in came]
    elif came:
        heard += [ping.at for ping in came[:-1]]
        last = came[-1]
        answered = last.transport == "websocket" or (session.beaten or 0.0) >= last.at
        if not answered or (last.transport == "websocket" and closed - last.at > grace):
            return True
    return closed - max(heard) > timing.ping_interval + grace


class StandstillWatch:
    """Measures how late the loop is while `beat` runs, and how busy the machine. `ping_timeout` in seconds.

    `run_delay` and `pressure` are sums in seconds, None where the kernel does not tell.
    """

    def __init__(
        self,
        ping_timeout: float,
        run_delay: Clock = cpu_waits.run_delay,
        pressure: Clock = cpu_waits.pressure,
    ) -> None:
        # A third of the time for a pong is lost. The rest may be too short.
        self._limit = max(ping_timeout / 3, 0.3)
        self._stalls: list[tuple[float, float]] = []  # when each ended, and its seconds
        self._due: float | None = None
        self._clocks = (run_delay, pressure)
        self._seen: list[tuple[float, list[float | None]]] = []  # when, and the two sums

    async def beat(self) -> None:
        """Watch until cancelled."""
        while True:
            self._look()
            self._due = time.monotonic() + EVERY
            await asyncio.sleep(EVERY)
            self._stalls += self._late()

    def stalled_since(self, moment: float) -> float:
        """Seconds of the longest stall that ended after this moment (monotonic clock), or goes on."""
        # A case may be judged before the late beat is noted.
        ended_since = [seconds for ended, seconds in self._stalls + self._late() if ended >= moment]
        return max(ended_since, default=0.0)

    def starved_since(self, moment: float) -> str | None:
        """In words, how busy this machine has been since this moment; None if it was not too busy."""
        self._look()
        now, sums = self._seen[-1]
        # The last look before the moment, or before a window of the least length.
        place = bisect_right(self._seen, min(moment, now - LEAST_WINDOW), key=lambda one: one[0])
        then, before = self._seen[max(place - 1, 0)]
        if now <= then:
            return None
        delay, pressure = (
            (after - earlier) / (now - then) if after is not None and earlier is not None else 0.0
            for after, earlier in zip(sums, before, strict=True)
        )
        if delay >= STARVED_DELAY:
            return f"the judge waited for a CPU in {delay:.0%} of the time"
        if pressure >= STARVED_PRESSURE:
            return f"processes of this machine waited for a CPU in {pressure:.0%} of the time"
        return None

    def _look(self) -> None:
        self._seen.append((time.monotonic(), [clock() for clock in self._clocks]))

    def _late(self) -> list[tuple[float, float]]:
        now = time.monotonic()
        late = now - self._due if self._due is not None else 0.0
        return [(now, late)] if late > self._limit else []
