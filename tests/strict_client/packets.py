"""Socket.IO 5 packets, read strictly."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["ParseError", "decode", "encode", "put_back", "take_out"]

PACKET = re.compile(r"([0-6])(?:([0-9]+)-)?(?:(/[^,]*),?)?([0-9]*)(.*)", re.DOTALL)
RESERVED = ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")


class ParseError(Exception):
    """A wrong packet. `kind` says what is wrong about it, in one word."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def decode(text: str, revision: int = 4) -> tuple[int, int, str, int | None, Any]:
    """Type, attachments, namespace, ack id and data (None: absent), of a revision of Engine.IO.

    Raises ParseError.
    """
    found = PACKET.fullmatch(text)
    if found is None:
        raise ParseError("type")
    digit, count, namespace, ack, rest = found.groups()
    kind = int(digit)
    if kind in (5, 6):
        if count is None:
            raise ParseError("binary")
        if int(count) == 0:
            raise ParseError("zero")
    try:
        data = json.loads(rest, parse_constant=_no_constant) if rest else None
    except (ValueError, RecursionError):
        raise ParseError("binary" if kind in (5, 6) else "json") from None
    if len(ack) > 16 or (kind in (3, 6) and not ack):
        raise ParseError("rest")
    if revision == 4 or rest or kind not in (0, 3):
        _check(kind, rest, data)
    return kind, int(count or 0), namespace or "/", int(ack) if ack else None, data


def _check(kind: int, rest: str, data: Any) -> None:
    if kind in (2, 5):
        if not isinstance(data, list) or not data:
            raise ParseError("array" if rest in ("", "{}", "[]") else "json")
        if not isinstance(data[0], str):
            raise ParseError("type")
    elif kind in (3, 6) and not isinstance(data, list):
        raise ParseError("ack")
    elif (kind == 1 and rest) or (kind == 0 and not _has_sid(data)):
        raise ParseError("rest")


def _has_sid(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("sid"), str)


def encode(kind: int, namespace: str, ack: int | None, data: Any, attachments: int = 0) -> str:
    head = f"{kind}{f'{attachments}-' if attachments else ''}"
    head += "" if namespace == "/" else f"{namespace},"
    body = "" if data is None else json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"{head}{'' if ack is None else ack}{body}"


def take_out(value: Any, found: list[bytes]) -> Any:
    """The value with placeholders for its bytes, which are added to `found`."""
    if isinstance(value, bytes):
        found.append(value)
        return {"_placeholder": True, "num": len(found) - 1}
    if isinstance(value, list):
        return [take_out(one, found) for one in value]
    if isinstance(value, dict):
        return {key: take_out(one, found) for key, one in value.items()}
    return value


def put_back(value: Any, found: list[bytes]) -> Any:
    """The value with its bytes. Raises ParseError."""
    if isinstance(value, list):
        return [put_back(one, found) for one in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            number = value.get("num")
            if type(number) is not int or not 0 <= number < len(found):
                raise ParseError("binary")
            return found[number]
        return {key: put_back(one, found) for key, one in value.items()}
    return value
