"""Readiness is asked through the queue itself: a process says hello, and waits until it hears that.

Each process hears its own messages, whatever the queue is. Other processes ignore a method that they do not
know. So one that heard itself hears the others too.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 10.0
HELLO = "hello"


def listen(servers: list[Any], queue: str) -> None:
    """Let these Socket.IO servers listen to their queue now, and return when each of them hears itself.

    python-socketio begins with the first client otherwise, and would lose what others said before.
    """
    deaf = {server: _begin(server) for server in servers}
    complain_at: float | None = time.monotonic() + PATIENCE_SECONDS
    while deaf := {server: heard for server, heard in deaf.items() if not heard}:
        for server in deaf:
            server.manager._publish({"method": HELLO, "host_id": server.manager.host_id})
        next(iter(deaf)).sleep(PAUSE_SECONDS)
        if complain_at is not None and time.monotonic() > complain_at:
            complain_at = None
            print(
                f"this process does not hear its own messages through the queue {queue}; it still tries",
                file=sys.stderr,
                flush=True,
            )


def _begin(server: Any) -> list[bool]:
    """A list that is no longer empty when the server has heard its own hello."""
    heard: list[bool] = []
    manager = server.manager
    messages = manager._listen

    def listening() -> Iterator[Any]:
        for message in messages():
            if not heard and _is_hello(message, manager.host_id):
                heard.append(True)
            yield message

    manager._listen = listening
    server.manager_initialized = True
    manager.initialize()
    return heard


def _is_hello(message: Any, host_id: str) -> bool:
    # kombu gives text, Redis and Kafka give bytes, ZeroMQ gives the object.
    if not isinstance(message, dict):
        try:
            message = json.loads(message)
        except ValueError:
            return False
    return isinstance(message, dict) and message.get("method") == HELLO and message.get("host_id") == host_id
