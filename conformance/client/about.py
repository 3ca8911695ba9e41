"""What a server says about itself at `GET /about`: its library, capabilities, settings and processes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from conformance.client.address import Address
from conformance.client.http import Answer, exchange
from conformance.requirements import CAPABILITIES, SETTINGS
from sioprobe.commandline.nearest import plain

__all__ = ["PROBE_SECONDS", "About", "read_about"]

PROBE_SECONDS = 4.0  # for a server that accepts and stays silent

# The most specific first: a Flask-SocketIO server names python-socketio too.
LIBRARIES = (
    "flask-socketio",
    "@socket.io/bun-engine",
    "socket.io",
    "python-socketio",
    "socketioxide",
    "zishang520/socket.io",
    "netty-socketio",
)


@dataclass(frozen=True, slots=True)
class About:
    """What `/about` says. All of it is empty if the server has no such page.

    `versions` are those of the packages that known deviations are about. `settings` are times in seconds.
    `switches` are all its keys with true or false, `queue` is what joins it with other processes, `processes`
    are the ids of its processes.
    """

    library: str | None = None
    version: str | None = None
    mode: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    capabilities: dict[str, bool] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)
    queue: str | None = None
    processes: tuple[int, ...] = ()


async def read_about(address: Address) -> About:
    """What the server says. A page counts only if it is JSON with "versions"."""
    answer = await exchange(address, "GET", "/about", seconds=PROBE_SECONDS)
    if not isinstance(answer, Answer) or answer.status != 200:
        return About()
    try:
        # Every report shows what the server says.
        about = json.loads(address.connection.redact(answer.body.decode("utf-8")))
    except ValueError:
        return About()
    if not isinstance(about, dict) or not isinstance(about.get("versions"), dict):
        return About()
    told = {plain(name): value for name, value in about["versions"].items() if isinstance(value, str)}
    versions = {name: told[plain(name)] for name in (*LIBRARIES, "python-engineio") if plain(name) in told}
    library = next((name for name in LIBRARIES if name in versions), None)
    pids = about.get("pids")
    mode = about.get("mode") or about.get("async_mode")
    queue = about.get("queue")
    return About(
        library,
        versions[library] if library else None,
        mode if isinstance(mode, str) else None,
        versions if library else {},
        _capabilities(about),
        _settings(about),
        {key: value for key, value in about.items() if isinstance(value, bool)},
        queue if isinstance(queue, str) else None,
        tuple(pid for pid in pids if isinstance(pid, int)) if isinstance(pids, list) else (),
    )


def _capabilities(about: dict[str, Any]) -> dict[str, bool]:
    """The capabilities that it names, as keys of their own or together, and its transports."""
    found = {name: about[name] for name in CAPABILITIES if isinstance(about.get(name), bool)}
    transports = about.get("transports")
    if isinstance(transports, list):
        both = "polling" in transports and "websocket" in transports
        found |= {"polling": "polling" in transports, "websocket": "websocket" in transports, "upgrade": both}
    named = about.get("capabilities")
    for name, value in named.items() if isinstance(named, dict) else ():
        if name in CAPABILITIES and isinstance(value, bool):
            found[name] = value
    return found


def _settings(about: dict[str, Any]) -> dict[str, float]:
    """The times that it names. What is no number above 0 says nothing."""
    named = about.get("settings")
    return {
        name: float(value)
        for name, value in (named.items() if isinstance(named, dict) else ())
        if name in SETTINGS and type(value) in (int, float) and value > 0
    }
