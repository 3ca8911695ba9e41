"""`python -m tests.conformance.troubled_server TROUBLE [EVENTS]`: a strict server in which most cases fail.

Unlike a fault it breaks no single requirement: nearly every case meets it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.strict_server.__main__ import serve
from tests.strict_server.http1 import Request
from tests.strict_server.server import StrictServer
from tests.strict_server.socketio import Client

EVENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 150
"""So many come before the server dies or freezes."""


def closes_each_connect() -> None:
    """As a server with another parser does."""

    def receive(self: Any, message: str | bytes) -> None:
        self._session.close()

    Client.receive = receive  # type: ignore[method-assign]


def answers_connect_with_garbage() -> None:
    """As a server with an error page in place of packets."""

    def receive(self: Any, message: str | bytes) -> None:
        self._session.send_message("0garbage")

    Client.receive = receive  # type: ignore[method-assign]


def refuses_each_upgrade() -> None:
    """As behind a proxy that drops the header Upgrade."""
    Request.is_upgrade = False  # type: ignore[assignment,method-assign]


def answers_no_event() -> None:
    """As an application without handlers."""
    Client._handle_event = lambda *_: None  # type: ignore[method-assign]


def after_some_events(happens: Callable[[], None]) -> None:
    """Let this happen in mid-run."""
    left = [EVENTS]
    handle = Client._handle_event

    def count(self: Any, *arguments: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            happens()
        handle(self, *arguments)

    Client._handle_event = count  # type: ignore[method-assign]


TROUBLES: dict[str, Callable[[], None]] = {
    "closes-each-connect": closes_each_connect,
    "answers-connect-with-garbage": answers_connect_with_garbage,
    "refuses-each-upgrade": refuses_each_upgrade,
    "answers-no-event": answers_no_event,
    "dies": lambda: after_some_events(lambda: os._exit(1)),
    "freezes": lambda: after_some_events(lambda: time.sleep(600)),
}


if __name__ == "__main__":
    TROUBLES[sys.argv[1]]()
    asyncio.run(serve(StrictServer(ping_interval=1.0, ping_timeout=3.0)))
