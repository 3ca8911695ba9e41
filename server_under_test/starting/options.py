"""The decisions of the command line, as one frozen object that reaches a launcher in the environment.

The command line and the server are two programs. The first checks the options and binds the port. Then it
becomes the second, which patches the standard library before it imports anything.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit, urlunsplit

ENVIRONMENT_VARIABLE = "SERVER_UNDER_TEST"
TRANSPORTS = ("polling", "websocket")
WHEN_ONE_ENDS = ("stop", "keep", "restart")


@dataclass(frozen=True, slots=True)
class Options:
    """One server process: where it listens and how it behaves. Times are in seconds, sizes in bytes."""

    mode: str | None = None
    detected: bool = False
    host: str = "127.0.0.1"
    port: int = 5000
    listen_fd: int | None = None
    ready_fd: int | None = None
    """Where the READY line goes instead of standard output, which uWSGI takes for its log."""
    transports: tuple[str, ...] = TRANSPORTS
    ping_interval: float = 25
    ping_timeout: float = 20
    max_payload: int = 1_000_000
    always_connect: bool = False
    nagle: bool = False
    allow_eio3: bool = False
    recovery: bool = False
    permessage_deflate: bool = False
    workers: int = 1
    program: tuple[str, ...] = ()
    """The words that start a foreign server. Empty: the launcher of the mode."""
    queue: str | None = None
    queue_url: str | None = None
    when_one_ends: str = "stop"
    play: bool = False
    proxy: str | None = None
    sticky: str | None = None
    """What keeps clients at their worker. Only with a proxy."""

    def worker_port(self, number: int) -> int:
        """Where worker `number` (from 1) listens; 0 takes a free port. A proxy has the first port itself."""
        return self.port + number - (self.proxy is None) if self.port else 0

    def to_environment(self) -> dict[str, str]:
        """The environment variable that carries the options to a launcher."""
        return {ENVIRONMENT_VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls) -> Options:
        """The options of this process. Started by hand, it has the defaults."""
        values = json.loads(os.environ.get(ENVIRONMENT_VARIABLE, "{}"))
        for name in ("transports", "program"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)


def without_password(url: str) -> str:
    """The address without its user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
