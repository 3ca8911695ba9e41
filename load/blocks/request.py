"""The request for one block, read from JSON. It names what is wrong with a key or a value."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from load.scenarios import SCENARIOS, Options, ParameterError, all_parameters, check_transport, make_options
from sioprobe.commandline.connection_options import CONNECTION_KEYS, ConnectionOptions, OptionError
from sioprobe.commandline.nearest import unknown
from sioprobe.engine import TRANSPORTS
from sioprobe.results.loads import Partner
from sioprobe.results.primitives import Transport

__all__ = ["TASKS", "BlockRequest", "RequestError"]

TASKS = "locustfile"
"""In place of a scenario's name."""


class RequestError(ValueError):
    """A request that cannot be measured. One line says why."""


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """What to measure. Users are spread over `urls`; `server_pids` are sampled with their children.

    `partner_pids` are the processes of its queue and its proxy, which have figures of their own.
    `generator_pids` are other generators that measure at the same time: they are no neighbours.
    With a `locustfile` (a path) its users do their tasks, and there is no scenario and no parameter of one.
    """

    urls: tuple[str, ...]
    transport: Transport = "websocket"
    scenario: str = "ack"
    connections: int = 50
    warmup_seconds: float = 0.5
    seconds: float = 1.5
    server_pids: tuple[int, ...] = ()
    partner_pids: dict[Partner, tuple[int, ...]] = field(default_factory=dict)
    generator_pids: tuple[int, ...] = ()
    numbering: tuple[int, int] = (0, 1)
    """Of the scenario, if several processes have a part of it."""
    locustfile: str | None = None
    series: bool = False
    """Whether the block has what was counted beside the operations."""
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    """In a request each of its values has its own key: `auth`, `headers` and so on."""
    options: Options | None = None
    """The parameters of the scenario. In a request each has its own key. None stands for the defaults."""

    @classmethod
    def from_json(cls, data: Any) -> BlockRequest:
        """The request in `data`; RequestError names the key, the value, and the nearest valid one."""
        if not isinstance(data, dict):
            raise RequestError("a request is a JSON object")
        values = dict(data)
        url = values.pop("url", None)
        values["urls"] = tuple(values.get("urls") or ([url] if url else []))
        for name in ("server_pids", "generator_pids"):
            values[name] = tuple(values.get(name) or ())
        partners = (values.get("partner_pids") or {}).items()
        values["partner_pids"] = {role: tuple(pids) for role, pids in partners if pids}
        values["numbering"] = tuple(values.get("numbering") or (0, 1))
        known = [each.name for each in fields(cls) if each.name not in ("options", "connection")]
        given = {key: values.pop(key) for key in list(values) if key in all_parameters()}
        shown = {key: values.pop(key) for key in list(values) if key in CONNECTION_KEYS}
        for key in values:
            if key not in known:
                keys = [*known, *CONNECTION_KEYS, *all_parameters()]
                raise RequestError(unknown("key", key, keys))
        if values.get("locustfile") is not None and (given or "scenario" in values):
            also = next(iter(given), "scenario")
            raise RequestError(f"locustfile and {also} say two different things")
        if not values["urls"] or not all(isinstance(url, str) for url in values["urls"]):
            raise RequestError("url is missing")
        try:
            request = cls(**values, connection=ConnectionOptions.from_json(shown))
        except OptionError as error:
            raise RequestError(str(error)) from None
        for name, choices in (("transport", TRANSPORTS), ("scenario", tuple(SCENARIOS))):
            value = getattr(request, name)
            if value not in choices:
                raise RequestError(unknown(name, value, choices))
        numbers: tuple[tuple[str, float], ...] = (
            ("connections", 1),
            ("warmup_seconds", 0),
            ("seconds", 0.001),
        )
        for name, least in numbers:
            value = getattr(request, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
                raise RequestError(f"{name} is {value!r}, not a number from {least}")
        if request.locustfile is not None:
            return replace(request, scenario=TASKS)
        try:
            check_transport(request.scenario, request.transport)
            return replace(request, options=make_options(request.scenario, given))
        except ParameterError as error:
            raise RequestError(str(error)) from None
