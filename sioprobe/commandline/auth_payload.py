"""`--auth`: the auth payload is the data of every CONNECT packet: a JSON object, or `@FILE` that holds one.

It is a secret. No message of these functions holds any part of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from sioprobe.wire import LocalProtocolError, SocketPacket, SocketPacketType, encode_socket_packet

__all__ = ["AuthError", "check_auth", "parse_auth", "read_text"]

EXAMPLE = '{"token": "..."}'


class AuthError(ValueError):
    """An auth payload that cannot be sent. The line holds none of its values."""


def parse_auth(text: str) -> dict[str, Any]:
    """The payload that a JSON text stands for. Raises AuthError."""
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        # Several lines in one file: somebody means a line for each user.
        several = (
            "; a file with a line for each user is named FILE.jsonl" if error.msg == "Extra data" else ""
        )
        raise AuthError(
            f"is not JSON ({error.msg} at character {error.pos + 1}); such as {EXAMPLE}{several}"
        ) from None
    except RecursionError:
        raise AuthError("is nested too deeply") from None
    except ValueError as error:
        # The message of another library may repeat the payload.
        raise AuthError(
            str(error) if isinstance(error, AuthError) else "holds a number with too many digits"
        ) from None
    return check_auth(value)


def check_auth(value: Any) -> dict[str, Any]:
    """The same value, if the protocol allows it as data of CONNECT. Raises AuthError."""
    if not isinstance(value, dict):
        raise AuthError(f"is {_kind(value)}, not a JSON object such as {EXAMPLE}")
    try:
        encode_socket_packet(SocketPacket(SocketPacketType.CONNECT, data=value))
    except LocalProtocolError:
        raise AuthError("holds a value that JSON does not have") from None
    return value


def read_text(given: str, folder: Path | None = None) -> str:
    """The text itself, or the contents of `@FILE`, a relative name in `folder`. Raises AuthError."""
    if not given.startswith("@"):
        return given
    name = given[1:]
    if not name:
        raise AuthError("@ lacks the name of a file")
    try:
        return ((folder or Path()) / name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise AuthError(f"@{name}: is not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "is not a file"
        raise AuthError(f"@{name}: {reason}") from None


def _no_constant(name: str) -> NoReturn:
    raise AuthError(f"holds {name}, which JSON does not have")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise AuthError("has a name twice in one object")
    return found


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
