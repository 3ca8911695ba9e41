"""The steps that nearly every case takes before its question, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Attempt", "Step"]


class Step(StrEnum):
    """In the order in which a client takes them."""

    HANDSHAKE = "handshake"
    WEBSOCKET = "WebSocket"  # that opens, for a handshake or for an upgrade
    REQUEST = "request"  # of an open session, over polling
    UPGRADE = "upgrade"  # once its WebSocket is open
    ANSWER = "answer to a CONNECT"  # whatever it says, of any namespace
    CONNECT = "CONNECT"  # of the main namespace, which lets the client in
    EVENT = "event"  # that the application answers


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step of a client. `where` is the transport, the method of a request, or what a WebSocket is for.

    `failure` says what came instead; None if the step worked.
    """

    step: Step
    where: str
    revision: int
    failure: str | None = None
