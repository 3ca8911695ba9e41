"""What the stage does by itself, as a well-behaved server would. A case changes some of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.stage.requests import Answer, Request

__all__ = ["SID", "Behaviour", "opening"]

SID = "SID"
"""In the text of an OPEN packet: the session id goes here."""


def opening(
    upgrades: tuple[str, ...] = (),
    *,
    interval: float = 25_000,
    timeout: float = 20_000,
    max_payload: int = 1_000_000,
) -> str:
    """An OPEN packet, with the times of its heartbeat in milliseconds."""
    data: dict[str, Any] = {"sid": SID, "upgrades": list(upgrades)}
    data |= {"pingInterval": interval, "pingTimeout": timeout, "maxPayload": max_payload}
    return "0" + json.dumps(data, separators=(",", ":"))


@dataclass(slots=True)
class Behaviour:
    """What happens without the case. All of it may change while the client is there."""

    open: str = field(default_factory=opening)
    """Answers a handshake; over polling it may be a payload of several packets."""
    refuse: Answer | None = None
    """Answers a handshake in place of OPEN, over both transports."""
    open_headers: tuple[tuple[str, str], ...] = ()
    """Further headers of the answer to a handshake over polling."""
    elsewhere: Callable[[Request], Answer] = lambda request: Answer(404, "not found")
    """Answers requests of another path than the stage's."""
    silent: bool = False
    """Handshakes get no answer."""
    join: bool = True
    """CONNECT is answered by CONNECT; in revision 3, `/` is connected with OPEN."""
    pong: bool = True
    """PING is answered by PONG, in revision 3."""
    poll_type: str | None = "text/plain; charset=UTF-8"
    gzip: bool = False
    """What a GET brings is compressed where the request takes gzip."""
    push: Answer = field(default_factory=lambda: Answer(body="ok", type="text/html"))
    """Answers a POST."""
    push_seconds: float = 0.0
    """Passes before a POST is answered."""
    probe: Literal["answered", "unanswered", "wrong", "refused", "closed", "hung"] = "answered"
    """What becomes of an upgrade: of its WebSocket (refused, hung) or of its probe."""
    websocket: dict[str, str] = field(default_factory=dict)
    """Further headers of a 101, or others than the right ones."""
    probe_seconds: float = 0.0
    """Passes before a probe is answered."""
    noop_seconds: float = 0.0
    """Passes between the answer to the probe and the NOOP for the pending poll."""
