"""Headers and cookies that a user gives to every request: which may be given, and where each goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sioprobe.wire.errors import LocalProtocolError

__all__ = ["RequestHeaders", "sort_headers"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_THE_CLIENT = frozenset({"connection", "content-length", "content-type", "transfer-encoding", "upgrade"})
"""Headers that say how the connection is used. The client writes them itself."""


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """`host` takes the place of the URL's host and is empty where none was given; `cookies` are of both."""

    host: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[tuple[str, str], ...]


def sort_headers(headers: Mapping[str, str], cookies: Mapping[str, str]) -> RequestHeaders:
    """Sort out Host and Cookie. Of headers that differ in case alone the last counts.

    Raises LocalProtocolError; its line holds a name and never a value.
    """
    host = ""
    kept: dict[str, tuple[str, str]] = {}
    jar: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name) or lower in _OF_THE_CLIENT or lower.startswith("sec-websocket-"):
            raise LocalProtocolError(f"{name!r} cannot be set")
        _check_value(name, str(value))
        if lower == "host":
            host = str(value)
        elif lower == "cookie":
            parts = (part.strip().partition("=") for part in str(value).split(";"))
            jar.update((key, rest) for key, _, rest in parts if key)
        else:
            kept[lower] = (name, str(value))
    for name, value in cookies.items():
        if not _TOKEN.fullmatch(name) or ";" in str(value):
            raise LocalProtocolError(f"{name!r} is no cookie")
        _check_value(name, str(value))
        jar[name] = str(value)
    return RequestHeaders(host, tuple(kept.values()), tuple(jar.items()))


def _check_value(name: str, value: str) -> None:
    # What it would break is the request itself.
    if any(character in value for character in "\r\n\0"):
        raise LocalProtocolError(f"{name!r} has a line break in its value")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"the value of {name!r} is not Latin-1") from None
