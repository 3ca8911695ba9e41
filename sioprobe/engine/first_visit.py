"""One connection before any load: is there a Socket.IO server, and does it accept our namespace?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gevent.event import Event

from sioprobe.engine.connection import Connection, Listener
from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.hub import Engine
from sioprobe.engine.no_server import explains_itself, speaks_tls_line, why_no_server
from sioprobe.engine.target import DEFAULT_PATH, Target

__all__ = ["problem_with"]


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
        self.failure = SwarmError(Kind.CONNECT_REFUSED, str(data))
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
    """Say in one line why `url` cannot be loaded, or return None. Blocks for a little over `seconds`.

    `how` holds further keyword arguments of `Target.from_url`; `auth` is the auth payload of CONNECT.
    A server may repeat these secrets, so `redact` removes them from its words. With `hints` the function also
    tries another scheme, transport and path, and says where the server is.
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
        failure = SwarmError(Kind.CONNECT_TIMEOUT)
    if hints and not explains_itself(failure):
        asked = {"namespace": namespace, "how": how, "auth": auth, "hints": False}
        hint = _what_is_there(url, transport, path, asked)
        if hint is not None:
            return hint
    return why_no_server(failure, url, path, redact)


def _what_is_there(url: str, transport: str, path: str, asked: dict[str, Any]) -> str | None:
    """Say in one line with which scheme, transport or path the server is there; or return None."""
    target = Target.from_url(url, path, **(asked["how"] or {}))
    tls = speaks_tls_line(target)
    if tls is not None:
        return tls
    if transport == "websocket" and not problem_with(url, path=path, **asked):
        return f"{url} accepts no WebSocket at {path}, but it answers there with --transport polling"
    elsewhere = target.path.strip("/") != DEFAULT_PATH.strip("/")
    if elsewhere and not problem_with(url, transport=transport, **asked):
        return f"{url} is no Socket.IO server at {path}; the nearest is --path {DEFAULT_PATH}"
    return None
