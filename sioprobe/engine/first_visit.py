"""One connection before any load: is there a Socket.IO server, and does it take our namespace?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gevent.event import Event

from sioprobe.engine.connection import Connection, Listener
from sioprobe.engine.errors import SwarmError
from sioprobe.engine.hub import Engine
from sioprobe.engine.target import DEFAULT_PATH, Target
from sioprobe.engine.transports.tls import speaks_tls

__all__ = ["problem_with"]

_NO_SERVER = {
    "connection refused": "nothing listens at {url}",
    "unknown host": "{url} names no host that is known: {detail}",
    "bad url": "{detail}",
    "bad header": "{detail}",
    "bad ca file": "{detail}",
    "tls refused": "{url} is refused by TLS: {detail}",
    "connect timeout": "{url} accepts connections and does not answer",
    "host unreachable": "{url} cannot be reached",
    "connect refused": "{url} refuses the namespace: {detail}",
}


class _Visitor(Listener):
    __slots__ = ("done", "failure", "welcome")

    def __init__(self) -> None:
        self.done = Event()
        self.failure: SwarmError | None = None
        self.welcome = False

    def connected(self, connection: Connection, namespace: str) -> None:
        self.welcome = True
        connection.close()

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self.failure = SwarmError("connect refused", str(data))
        connection.close()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        self.failure = self.failure or failure
        self.done.set()


def problem_with(
    url: str,
    *,
    transport: str = "polling",
    namespace: str = "/",
    path: str = DEFAULT_PATH,
    seconds: float = 5.0,
    how: Mapping[str, Any] | None = None,
    auth: Any = None,
    redact: Callable[[str], str] = str,
    hints: bool = True,
) -> str | None:
    """One line: why no load can be put on `url`; or None. Blocks for `seconds` and a little at most.

    `how` holds further keyword arguments of `Target.from_url`, `auth` is the auth payload of CONNECT;
    `redact` cuts them out of what a server says, which may repeat them. With `hints` the line says where the
    server would be found with another scheme, transport or path, which takes further connections.
    """
    engine = Engine()
    engine.start()
    visitor = _Visitor()
    try:
        connection = Connection(
            engine,
            Target.from_url(url, path, **(how or {})),
            "websocket" if transport == "websocket" else "polling",
            visitor,
            timeout=seconds,
        )
        connection.connect(namespace, auth)
        if not visitor.done.wait(seconds + 3.0):
            connection.abort()
        failure = visitor.failure
    except SwarmError as error:
        failure = error
    finally:
        engine.stop()
    if visitor.welcome:
        return None
    if failure is None:
        failure = SwarmError("connect timeout")
    if "CERTIFICATE" in failure.detail:
        untrusted = f"{url} is refused by TLS: {failure.detail}"
        return f"{untrusted}; --ca-file trusts its authority, --no-verify takes any certificate"
    if hints and failure.kind not in _NO_SERVER:
        asked = {"namespace": namespace, "how": how, "auth": auth, "hints": False}
        hint = _what_is_there(url, transport, path, asked)
        if hint is not None:
            return hint
    told = _NO_SERVER.get(failure.kind)
    if told is None:
        reason = redact(str(failure))
        return f"{url} is no Socket.IO server of Engine.IO 4 at {path}: {reason}".rstrip(": ")
    return told.format(url=url, detail=redact(failure.detail))


def _what_is_there(url: str, transport: str, path: str, asked: dict[str, Any]) -> str | None:
    """One line where the same server would be found with another scheme, transport or path; or None."""
    target = Target.from_url(url, path, **(asked["how"] or {}))
    if target.tls is None and speaks_tls(target.family, target.address):
        return f"{url} speaks TLS; write https://{url.rpartition('//')[2]}"
    if transport == "websocket" and not problem_with(url, path=path, **asked):
        return f"{url} takes no WebSocket at {path}, but answers there with --transport polling"
    elsewhere = target.path.strip("/") != DEFAULT_PATH.strip("/")
    if elsewhere and not problem_with(url, transport=transport, **asked):
        return f"{url} is no Socket.IO server at {path}; the nearest is --path {DEFAULT_PATH}"
    return None
