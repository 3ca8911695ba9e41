"""Deadlines in seconds, computed from the handshake of the server."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """The server's ping interval and ping timeout, and what follows from them."""

    ping_interval: float
    ping_timeout: float
    patient: bool = False  # cases wait, however slow the heartbeat is

    @property
    def heartbeat(self) -> float:
        """After this a silent client is gone."""
        return self.ping_interval + self.ping_timeout

    @property
    def answer(self) -> float:
        """How long an answer may take. Long, for a busy machine: only a missing answer costs it."""
        return min(max(self.heartbeat, 5.0), 10.0)

    @property
    def close(self) -> float:
        """How soon a required close must come: well before the heartbeat could cause it."""
        return min(max(0.75 * self.heartbeat, 0.5), 3.0)

    @property
    def quiet(self) -> float:
        """How long to listen for what must not come, once the server is done."""
        return min(max(0.25 * self.ping_interval, 0.2), 0.5)

    @property
    def is_fast(self) -> bool:
        """Whether a case may wait for heartbeats."""
        return self.heartbeat > 0 and (self.patient or self.heartbeat <= 10)
