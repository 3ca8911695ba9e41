"""What one block measures, read from JSON: its keys, their values, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from load.scenarios import SCENARIOS, Options, ParameterError, all_parameters, make_options
from sioprobe.commandline.auth_payload import AuthError, check_auth
from sioprobe.commandline.nearest import nearest
from sioprobe.engine import TRANSPORTS

__all__ = ["BlockRequest", "RequestError"]

HOW = frozenset({"headers", "cookies", "query", "ca_file", "verify"})


class RequestError(ValueError):
    """A request that cannot be measured; one line."""


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """What to measure. Users are spread over `urls`; `server_pids` are sampled with their children."""

    urls: tuple[str, ...]
    transport: str = "websocket"
    scenario: str = "ack"
    connections: int = 50
    warmup_seconds: float = 0.5
    seconds: float = 1.5
    server_pids: tuple[int, ...] = ()
    path: str = "/socket.io/"
    auth: dict[str, Any] | None = None
    how: Mapping[str, Any] = field(default_factory=dict)
    options: Options | None = None
    """The scenario's parameters; in a request each is a key of its own. None are the defaults."""

    @classmethod
    def from_json(cls, data: Any) -> BlockRequest:
        """The request in `data`; RequestError names the key, the value, and the nearest valid one."""
        if not isinstance(data, dict):
            raise RequestError("a request is a JSON object")
        values = dict(data)
        url = values.pop("url", None)
        values["urls"] = tuple(values.get("urls") or ([url] if url else []))
        values["server_pids"] = tuple(values.get("server_pids") or ())
        known = [each.name for each in fields(cls) if each.name != "options"]
        given = {key: values.pop(key) for key in list(values) if key in all_parameters()}
        for key in values:
            if key not in known:
                raise RequestError(f"unknown key {key!r}{_nearest(key, [*known, *all_parameters()])}")
        if not values["urls"] or not all(isinstance(url, str) for url in values["urls"]):
            raise RequestError("url is missing")
        request = cls(**values)
        if request.auth is not None:
            try:
                check_auth(request.auth)
            except AuthError as error:
                raise RequestError(f"auth {error}") from None
        if not isinstance(request.how, dict) or not set(request.how) <= HOW:
            raise RequestError(f"how is no object with keys of {', '.join(sorted(HOW))}")
        for name, choices in (("transport", TRANSPORTS), ("scenario", tuple(SCENARIOS))):
            value = getattr(request, name)
            if value not in choices:
                raise RequestError(f"unknown {name} {value!r}{_nearest(value, choices)}")
        numbers: tuple[tuple[str, float], ...] = (
            ("connections", 1),
            ("warmup_seconds", 0),
            ("seconds", 0.001),
        )
        for name, least in numbers:
            value = getattr(request, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
                raise RequestError(f"{name} is {value!r}, not a number from {least}")
        transports = SCENARIOS[request.scenario].transports
        if request.transport not in transports:
            raise RequestError(f"scenario {request.scenario} needs transport {' or '.join(transports)}")
        try:
            return replace(request, options=make_options(request.scenario, given))
        except ParameterError as error:
            raise RequestError(str(error)) from None


def _nearest(value: Any, choices: Any) -> str:
    near = nearest(value, choices)
    return f"; the nearest is {near!r}" if near else f"; valid are {', '.join(choices)}"
