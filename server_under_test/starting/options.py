"""What the command line decides, as one frozen object that travels to a launcher in the environment.

The command line and the server are two programs: the first reads and checks the options and binds the port,
then turns into the second, which patches the standard library before it imports anything.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit, urlunsplit

ENVIRONMENT_VARIABLE = "SERVER_UNDER_TEST"
TRANSPORTS = ("polling", "websocket")


@dataclass(frozen=True, slots=True)
class Options:
    """One server process: where it listens and how it behaves; times in seconds, sizes in bytes."""

    mode: str | None = None
    detected: bool = False
    host: str = "127.0.0.1"
    port: int = 5000
    listen_fd: int | None = None
    ready_fd: int | None = None
    """Where the readiness line goes, if not to standard output (uWSGI takes that for its log)."""
    transports: tuple[str, ...] = TRANSPORTS
    ping_interval: float = 25
    ping_timeout: float = 20
    max_payload: int = 1_000_000
    always_connect: bool = False
    nagle: bool = False
    allow_eio3: bool = False
    workers: int = 1
    queue: str | None = None
    queue_url: str | None = None

    def to_environment(self) -> dict[str, str]:
        """The environment variable with which a launcher is started."""
        return {ENVIRONMENT_VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls) -> Options:
        """The options this process was started with; the defaults when it was started by hand."""
        values = json.loads(os.environ.get(ENVIRONMENT_VARIABLE, "{}"))
        if "transports" in values:
            values["transports"] = tuple(values["transports"])
        return cls(**values)


def without_password(url: str) -> str:
    """The address without the user and the password in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
