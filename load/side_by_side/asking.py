"""The request for a life: which servers, what is played, how long. Read from JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from load.playing.messages import NONE, Message
from load.playing.parameters import ParameterError
from load.servers.command import ServerCommand
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError

__all__ = ["LifeError", "LifeRequest", "Message", "Side"]

TRANSPORTS = ("polling", "websocket")
CONTRACT = {"event": "message-with-ack", "arguments": [10000, "0123456789abcdef0123456789abcdef"]}
"""The values of a message that a request leaves out."""


class LifeError(RuntimeError):
    """A life cannot be measured; one line. `side` names the server whose fault it is, if it is one's.

    `ended` says that the process of that server has ended by itself.
    """

    def __init__(self, problem: str, side: str | None = None, *, ended: bool = False) -> None:
        super().__init__(problem)
        self.side = side
        self.ended = ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(ServerCommand):
    """One server: its name, and how it is started."""

    name: str


@dataclass(frozen=True, slots=True)
class LifeRequest:
    """One life. Times in seconds; `messages` are those of one slice, over all connections of a side.

    With a `locustfile` (a path) its users play tasks instead, and `messages` counts those.
    `also` are more transports: the same servers play them afterwards, with connections of their own.
    `realtime` asks for SCHED_RR, `nice` for nice -20 (see `priority`). Where that is allowed slices vary
    less, and `realtime_seconds` of them say as much as `seconds` do otherwise.
    """

    sides: tuple[Side, ...]
    message: Message = field(default_factory=lambda: Message.of(CONTRACT))
    others: tuple[Message, ...] = ()
    """Further messages. Each is sent as often as its weight says, in the same order to every side."""
    on_start: tuple[Message, ...] = ()
    """What each connection sends before all others, such as the join of a room."""
    locustfile: str | None = None
    transport: str = "websocket"
    also: tuple[str, ...] = ()
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    """In a request an object with those of its values that are not the defaults."""
    connections: int = 4
    messages: int = 16
    warmup_seconds: float = 0.4
    seconds: float = 2.0
    realtime_seconds: float = 1.0
    most_rounds: int | None = None
    """Of turns, after which a life ends even if its seconds are not over."""
    start_seconds: float = 60.0
    realtime: bool = True
    nice: bool = False
    seed: int = 0

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> LifeRequest:
        """As `dataclasses.asdict` makes it. Raises LifeError."""
        known = {entry.name for entry in fields(cls)}
        unknown = sorted(set(document) - known)
        if unknown:
            raise LifeError(f"a life has no {unknown[0]!r}")
        values = dict(document)
        try:
            sides = tuple(Side(**{**side, "command": tuple(side["command"])}) for side in values["sides"])
            values["message"] = _message({**CONTRACT, **values.get("message", {})})
            for name in ("others", "on_start"):
                values[name] = tuple(map(_message, values.get(name, ())))
            values["connection"] = ConnectionOptions.from_json(values.get("connection", {}))
            values["also"] = tuple(values.get("also", ()))
            request = cls(**{**values, "sides": sides})
        except (OptionError, ParameterError) as error:
            raise LifeError(str(error)) from None
        except (KeyError, TypeError) as error:
            raise LifeError(f"this is no life: {error}") from None
        if not request.sides or any(not side.command for side in request.sides):
            raise LifeError("a life needs servers with commands")
        for transport in (request.transport, *request.also):
            if transport not in TRANSPORTS:
                raise LifeError(f"unknown transport {transport!r}; known are {', '.join(TRANSPORTS)}")
        return request


def _message(given: dict[str, Any]) -> Message:
    """As `dataclasses.asdict` makes it; null stands for what is not given."""
    own = {key: value for key, value in given.items() if value is not None}
    message = Message.of(own, own.pop("namespace", "/"))
    if message.answer == NONE:
        raise ParameterError("answer", "none leaves nothing to measure: ack, or the name of an event")
    return message
