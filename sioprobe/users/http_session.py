"""What a `requests.Session` shows a server: a Socket.IO connection can show the same."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from sioprobe.engine.errors import Kind, SwarmError

__all__ = ["Seen", "seen_of"]

OF_EACH_REQUEST = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "upgrade"}
)
"""Headers that say something about one request, and not about who asks."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Headers and cookies of a session, and whose certificates it trusts."""

    headers: dict[str, str]
    cookies: dict[str, str]
    verify: bool
    ca_file: str | None


def seen_of(session: Any) -> Seen:
    """What this session, or the session that this function returns, shows now. Raises SwarmError.

    A session of Locust's FastHttpUser will do too. The cookies of all hosts are shown, as python-socketio
    does it.
    """
    if callable(session):
        session = session()
    jar = getattr(session, "cookies", None)
    jar = getattr(session, "cookiejar", None) if jar is None else jar
    if jar is None:
        raise SwarmError(Kind.BAD_OPTION, f"http_session is {type(session).__name__}, not a requests.Session")
    for name in ("proxies", "cert"):
        if getattr(session, name, None):
            raise SwarmError(Kind.BAD_OPTION, f"http_session has {name}, which is not supported")
    headers = {
        name: value
        for name, value in (getattr(session, "headers", None) or {}).items()
        if name.lower() not in OF_EACH_REQUEST
    }
    authorization = _authorization(session)
    if authorization and "authorization" not in map(str.lower, headers):
        headers["Authorization"] = authorization
    verify = getattr(session, "verify", True)
    return Seen(
        headers={name: _text(value) for name, value in headers.items()},
        cookies={cookie.name: cookie.value or "" for cookie in jar},
        verify=bool(verify),
        ca_file=verify if isinstance(verify, str) else None,
    )


def _authorization(session: Any) -> str | None:
    given = getattr(session, "auth", None)
    if given is None:
        found = getattr(session, "auth_header", None)
        return _text(found) if found else None
    if not isinstance(given, tuple):
        raise SwarmError(Kind.BAD_OPTION, "http_session has an auth that is no pair of name and password")
    return "Basic " + base64.b64encode(":".join(map(_text, given)).encode()).decode()


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
