"""The queues by name: what each is, which URLs lead to it, and the module that starts it.

This imports only the standard library, since the command line reads it before a mode patches anything.

What `load` gives has three functions:

    missing() -> str | None                   one line about what it lacks here, and how to get it
    start() -> Running                        a queue of our own that answers; raises Problem
    arguments(url, channel, write_only) -> dict[str, Any]
                                              what `SocketIO(...)` takes, called in the server process
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Queue:
    """One way to join the processes."""

    name: str
    title: str
    module: str
    """The module below `server_under_test.queues` that has the functions, or `module:OBJECT` in it."""
    schemes: tuple[str, ...]
    """The schemes of its URLs. A URL with one of them is used as it is, and nothing is started."""

    def load(self) -> Any:
        """The functions of this queue. A server process calls it after its mode has patched."""
        module, colon, name = self.module.partition(":")
        loaded = import_module(f"server_under_test.queues.{module}")
        return getattr(loaded, name) if colon else loaded


@dataclass(frozen=True, slots=True)
class Running:
    """A queue that answers: its address, and the processes of it that we started."""

    url: str
    processes: tuple[subprocess.Popen[bytes], ...] = ()
    """The broker first. Empty if the user's own is used."""
    again: Callable[[], Running] | None = None
    """Starts it again at the same address, after it has ended."""


QUEUES = {
    queue.name: queue
    for queue in (
        Queue("redis", "Redis", "redis_server", ("redis", "rediss")),
        Queue("rabbitmq", "RabbitMQ", "amqp:RABBITMQ", ("amqp", "amqps", "pyamqp")),
        Queue("garagemq", "garagemq, a light AMQP broker", "amqp:GARAGEMQ", ()),
    )
}


def find(text: str) -> tuple[Queue, str | None] | None:
    """The queue with this name, or the one that this URL leads to, with the URL. None for others."""
    if text in QUEUES:
        return QUEUES[text], None
    scheme, colon, _ = text.partition("://")
    for queue in QUEUES.values():
        if colon and scheme in queue.schemes:
            return queue, text
    return None
