"""An event that a client sends again and again: its arguments, and what answers it.

The scenario `call`, `sioprobe gate --event` and the lives of `load.side_by_side` describe it in the same way.
Nothing here sends anything: `load.playing.calling` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from load.playing.parameters import NAMESPACE, ParameterError, json_text
from sioprobe.commandline.nearest import unknown
from sioprobe.wire import LocalProtocolError, SocketPacket, SocketPacketType, encode_socket_packet

__all__ = ["ACK", "NONE", "NUMBER", "USER", "Message", "filled", "messages_of", "starts_of"]

ACK, NONE = "ack", "none"
"""What `answer` may be beside the name of an event."""
NUMBER, USER = "{n}", "{user}"
"""Stand in the text of arguments for the number of the message and that of the user, quoted or not."""

EVENT_KEYS = ("event", "arguments", "answer", "match", "weight")
START_KEYS = ("event", "arguments")
MOST_WEIGHT = 1000
LONGEST_SHOWN = 60
EXAMPLE = '["lobby", "hello {n}"]'

_SPACES = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')
_MATCH = re.compile(r"[0-9]+(\.[^.=]+)*=.*", re.DOTALL)


def filled(text: str, number: object, user: object) -> str:
    """The text of arguments with both numbers in their places."""
    return text.replace(NUMBER, str(number)).replace(USER, str(user))


@dataclass(frozen=True, slots=True)
class Message:
    """One event, checked: whatever is wrong with it raises ParameterError with the name of the field.

    `arguments` is the text of a JSON array, without spaces. `answer` is ACK, NONE or the name of an event.
    `match` is empty or PATH=VALUE, where PATH begins with the number of an argument of the answer. Of several
    messages each is sent as often as its `weight` says.
    """

    event: str
    arguments: str = "[]"
    answer: str = ACK
    match: str = ""
    weight: int = 1
    namespace: str = "/"

    def __post_init__(self) -> None:
        for name in ("event", "answer"):
            _check_name(name, getattr(self, name))
        object.__setattr__(self, "arguments", _checked_arguments(self.arguments))
        if self.match:
            _check_match(self.match)
            if self.answer == NONE:
                raise ParameterError("match", "needs an answer, and answer is none")
        if type(self.weight) is not int or not 1 <= self.weight <= MOST_WEIGHT:
            raise ParameterError("weight", f"{self.weight!r} is not a whole number from 1 to {MOST_WEIGHT}")
        NAMESPACE.accept(self.namespace)

    @classmethod
    def of(cls, given: Mapping[str, Any], namespace: str = "/", keys: Sequence[str] = EVENT_KEYS) -> Message:
        """The message of a table or a JSON object, in which `arguments` may be an array too."""
        for key in given:
            if key not in keys:
                raise ParameterError("event", unknown("key", key, keys))
        if "event" not in given:
            raise ParameterError("event", "is missing: the name of the event to send")
        arguments = given.get("arguments", "[]")
        if not isinstance(arguments, str):
            arguments = json_text(arguments, "arguments")
        return cls(**{**given, "arguments": arguments, "namespace": namespace})

    @classmethod
    def of_text(cls, text: str, namespace: str = "/") -> Message:
        """The message of `EVENT` or `EVENT:JSON-ARRAY`."""
        event, found, arguments = text.partition(":[")
        if not found and re.search(r':\s*["{]', text):
            raise ParameterError("arguments", f"{_short(text)} needs a JSON array, such as join:{EXAMPLE}")
        return cls(event, f"[{arguments}" if found else "[]", namespace=namespace)

    @property
    def prefix(self) -> str:
        """What stands before the data of a packet for the namespace."""
        return "" if self.namespace == "/" else f"{self.namespace},"


def messages_of(text: str, namespace: str) -> tuple[Message, ...]:
    """The messages in a JSON array of objects. Raises ParameterError, which says which one is wrong."""
    return tuple(_each("events", text, namespace))


def starts_of(text: str, namespace: str) -> tuple[Message, ...]:
    """What a user sends first: `EVENT[:JSON-ARRAY]`, or a JSON array of those and of objects.

    Raises ParameterError.
    """
    if not text.startswith("["):
        text = json.dumps([text])
    return tuple(_each("on_start", text, namespace))


def _each(name: str, text: str, namespace: str) -> Iterator[Message]:
    keys = START_KEYS if name == "on_start" else EVENT_KEYS
    for place, given in enumerate(_array(name, text), 1):
        try:
            if isinstance(given, str) and name == "on_start":
                yield Message.of_text(given, namespace)
            elif isinstance(given, dict):
                yield Message.of(given, namespace, keys)
            else:
                raise ParameterError("event", f"{_short(given)} is no object with the key event")
        except ParameterError as error:
            raise ParameterError(name, f"number {place}: {error}") from None


def _array(name: str, text: str, shown: str | None = None) -> list[Any]:
    shown = _short(text if shown is None else shown)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(name, f"{shown} is not JSON: {getattr(error, 'msg', error)}") from None
    if not isinstance(value, list):
        raise ParameterError(name, f"{shown} is no JSON array, such as {EXAMPLE}")
    return value


def _checked_arguments(text: str) -> str:
    """The text without the spaces between its values."""
    _check_sendable("arguments", ["event", *_array("arguments", filled(text, 0, 0), text)], text)
    return _SPACES.sub(lambda found: found[1] or "", text)


def _check_name(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ParameterError(name, f"{value!r} is not text")
    if not value:
        raise ParameterError(name, "is empty: give the name of an event")
    _check_sendable(name, [value], value)


def _check_match(value: object) -> None:
    if not isinstance(value, str):
        raise ParameterError("match", f"{value!r} is not text")
    if not _MATCH.fullmatch(value):
        problem = "is not PATH=VALUE, where PATH begins with the number of an argument, such as 0.n={n}"
        raise ParameterError("match", f"{_short(value)} {problem}")


def _check_sendable(name: str, data: list[Any], text: str) -> None:
    try:
        text.encode()
        encode_socket_packet(SocketPacket(SocketPacketType.EVENT, data=data))
    except UnicodeEncodeError:
        raise ParameterError(name, "is not UTF-8") from None
    except LocalProtocolError as error:
        raise ParameterError(name, str(error)) from None


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 4]}...{shown[-1]}"
