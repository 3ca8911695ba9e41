"""Deadlines in seconds, computed from the handshake of the server and from its distance."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]

NEAR = 0.02  # a round trip below this is the server's own time, not that of the path
FAR = 0.1  # more than a busy server takes for a request
BUSY = 1.0  # what a busy machine may add to any interval


@dataclass(frozen=True, slots=True)
class Timing:
    """The server's ping interval and ping timeout, how far away it is, and what follows from them.

    `round_trip`: how long a request and its answer take on a connection of their own. 0: nobody could tell.
    """

    ping_interval: float
    ping_timeout: float
    patient: bool = False  # cases wait, however slow the heartbeat is
    round_trip: float = 0.0

    @property
    def heartbeat(self) -> float:
        """After this a silent client is gone."""
        return self.ping_interval + self.ping_timeout

    @property
    def distance(self) -> float:
        """The round trip, or 0 if the server is near. Each wait for the server contains it."""
        return self.round_trip if self.round_trip >= NEAR else 0.0

    @property
    def answer(self) -> float:
        """How long an answer may take. Long, for a busy machine: only a missing answer costs it."""
        return min(max(self.heartbeat, 5.0), 10.0) + 3 * self.distance

    @property
    def close(self) -> float:
        """How soon a required close must come: well before the heartbeat could cause it."""
        return min(max(0.75 * self.heartbeat, 0.5), 3.0) + 2 * self.distance

    @property
    def quiet(self) -> float:
        """How long to listen for what must not come, once the server is done."""
        return min(max(0.25 * self.ping_interval, 0.2), 0.5) + self.distance

    @property
    def late(self) -> float:
        """How late anything may be, because of a busy machine and the distance."""
        return BUSY + 2 * self.distance

    @property
    def is_fast(self) -> bool:
        """Whether a case may wait for heartbeats."""
        return self.heartbeat > 0 and (self.patient or self.heartbeat <= 10)

    @property
    def is_far(self) -> bool:
        """Whether three requests, one after the other, take a fourth of the time between two pings."""
        return self.distance > 0 and 12 * self.distance > self.ping_interval

    @property
    def mostly_waits(self) -> bool:
        """Whether cases mostly wait for the way, so that more of them ask at the same time."""
        return self.round_trip > FAR

    @property
    def keeps_heartbeat(self) -> bool:
        """Whether a pong is in time if its ping has to wait for a poll while the case does something else."""
        return 4 * self.distance < self.ping_timeout
