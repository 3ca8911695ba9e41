"""How a server of one's own is started: its command, where that runs, and when the server is ready."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["PORT", "CommandError", "ServerCommand", "check_ready", "readiness", "split_command"]

PORT = "{port}"
READY_LINE, PORT_ACCEPTS = "READY", "port"


class CommandError(ValueError):
    """A command that cannot start a server. One line, which goes on after the name of what it is given by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """A command with its working folder and its environment.

    `{port}` in a word of the command or in a value of the environment is replaced by a free port. `ready` is
    READY (a line of the output that begins so and goes on with a JSON object with `urls`), `port` (it accepts
    a connection) or a path such as /health (it answers with a status of 2xx).
    """

    command: tuple[str, ...]
    folder: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    ready: str = READY_LINE

    @property
    def wants_port(self) -> bool:
        """Whether somebody has to choose its port."""
        return has_port([*self.command, *self.environment.values()])


def split_command(text: str) -> tuple[str, ...]:
    """The words of a command. Raises CommandError."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise CommandError(f"{text!r} is no command: {error}") from None
    if not words:
        raise CommandError("is empty")
    return words


def check_ready(ready: str) -> None:
    """Raise CommandError for what says of no server when it is ready."""
    if ready not in (READY_LINE, PORT_ACCEPTS) and not ready.startswith("/"):
        raise CommandError(f"{ready!r} is neither READY nor port nor a path such as /health")


def readiness(ready: str | None, texts: Iterable[str]) -> str:
    """`ready` of a command with these texts: what was given, else port where `{port}` is, else READY.

    Raises CommandError for a port that nobody chooses.
    """
    chosen = has_port(texts)
    ready = ready or (PORT_ACCEPTS if chosen else READY_LINE)
    check_ready(ready)
    if ready != READY_LINE and not chosen:
        raise CommandError(f"{ready} needs {PORT} in the command")
    return ready


def has_port(texts: Iterable[str]) -> bool:
    """Whether `{port}` stands in one of the texts."""
    return any(PORT in text for text in texts)
