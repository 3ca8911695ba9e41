"""The clients that come with an agent: `--client NAME`."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from conformance.usage_error import UsageError
from sioprobe.commandline.nearest import unknown

__all__ = ["PROGRAMS", "Program", "as_text", "command_of"]

AGENTS = Path(__file__).parents[1] / "agents"


@dataclass(frozen=True, slots=True)
class Program:
    """One of them: what it is, how it is started, and what lacks here (None: nothing)."""

    about: str
    command: tuple[str, ...]
    missing: Callable[[], str | None]


def _lacks_package(name: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if shutil.which("node") is None:
            return "needs Node.js 18 or later"
        if not (AGENTS / "js/node_modules" / name).is_dir():
            return f"needs `npm ci` in {AGENTS / 'js'}"
        return None

    return missing


def _lacks_python_socketio() -> str | None:
    if find_spec("socketio") is None or find_spec("aiohttp") is None:
        return "needs `pip install python-socketio[asyncio_client]`"
    return None


def _lacks_gevent() -> str | None:
    return None if find_spec("gevent") else "needs `pip install 'sioprobe[load]'`"


JS = str(AGENTS / "js/agent.mjs")

PROGRAMS = {
    "js": Program(
        "the official JavaScript client 4.8 on Node", ("node", JS), _lacks_package("socket.io-client")
    ),
    "js-3": Program(
        "the official JavaScript client 3.1 on Node", ("node", JS, "3"), _lacks_package("socket.io-client-3")
    ),
    "python": Program(
        "python-socketio's AsyncClient",
        (sys.executable, str(AGENTS / "python/async-agent.py")),
        _lacks_python_socketio,
    ),
    "swarm": Program(
        "the connections of sioprobe's own load",
        (sys.executable, str(AGENTS / "swarm/swarm-agent.py")),
        _lacks_gevent,
    ),
}


def command_of(given: str) -> list[str]:
    """The words of the command that `--client` names. Raises UsageError."""
    if (program := PROGRAMS.get(given)) is not None:
        if lacks := program.missing():
            raise UsageError(f"--client {given} {lacks}")
        return [*program.command]
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise UsageError(f"--client {given!r}: {error}") from None
    if not words:
        raise UsageError("--client needs a command, or a name of `--client list`")
    if len(words) == 1 and shutil.which(words[0]) is None:
        raise UsageError(f"--client: {unknown('client', given, PROGRAMS)}, and no program has that name")
    return words


def as_text() -> str:
    """One line for each: its name, what it is, and what lacks here."""
    return "\n".join(
        f"{name:<8} {program.about}" + (f" (not here: {lacks})" if (lacks := program.missing()) else "")
        for name, program in PROGRAMS.items()
    )
