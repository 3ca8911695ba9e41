"""What people know from other users of Locust and try here: one line each says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar, overload

from sioprobe.engine.errors import Kind, SwarmError

__all__ = ["NoClient", "State", "refuse_keywords", "refuse_url"]

Value = TypeVar("Value")

INSTEAD = {
    "transports": 'set transport = "websocket" in the class, or use self.sio.connect(url, transports=[...])',
    "namespaces": "call self.connect() for each namespace, or use self.sio.connect(url, namespaces=[...])",
    "headers": "set headers in the class, or use self.sio.connect(url, headers={...})",
    "header": "set headers in the class, a mapping of names to values",
    "socketio_path": "set path in the class, or use self.sio.connect(url, socketio_path=...)",
    "wait_timeout": "it is called timeout",
    "wait": "self.connect() always waits",
    "url": "use --host, or self.sio.connect(url)",
}


class State(Generic[Value]):
    """An attribute that tells a state, until the author of the tasks assigns something else to it."""

    def __init__(self, tell: Callable[[Any], Value]) -> None:
        self._tell = tell
        self.__doc__ = tell.__doc__

    @overload
    def __get__(self, user: None, kind: type) -> State[Value]: ...

    @overload
    def __get__(self, user: object, kind: type) -> Value: ...

    def __get__(self, user: object | None, kind: type) -> State[Value] | Value:
        # Without __set__, so that an attribute of the same name takes its place.
        return self if user is None else self._tell(user)


class NoClient:
    """`client` of a user that is no HttpUser. To use it raises AttributeError, which says what to write."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"self.client.{name}: self.client is the HTTP client of an HttpUser, write "
            "class X(SocketIOUser, HttpUser); the calls of a socketio.Client are those of self.sio"
        )


def refuse_url(namespace: Any) -> None:
    """Raise SwarmError if a URL stands in the place of a namespace. The line does not show its query."""
    if isinstance(namespace, str) and ("://" in namespace or re.match(r"[^/]+:\d+(/|$)", namespace)):
        shown = namespace.partition("?")[0].rpartition("@")[2]
        instead = "use --host and self.connect(), or self.sio.connect(url)"
        raise SwarmError(Kind.BAD_NAMESPACE, f"{shown!r} is a URL: {instead}")


def refuse_keywords(names: Iterable[str]) -> None:
    """Raise TypeError for the first of these arguments, which `self.connect` does not have."""
    for name in names:
        more = f": {INSTEAD[name]}" if name in INSTEAD else ""
        raise TypeError(f"self.connect() has no argument {name!r}{more}")
