"""`user.sio`: the calls of `locust.contrib.socketio`, whose signatures are python-socketio's, on our user.

Each call is the user's own with other arguments: a tuple is several arguments, None is none. What differs
from python-socketio: errors are SwarmError, and events of one user are handled one after the other.
Left out: namespace classes, the `msgpack` serializer, sessions that an application shares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gevent
from gevent.event import Event

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.users.client import UserClient
from sioprobe.users.settings import UserSettings
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["SocketIOClient", "apply_options"]

_RECONNECTION = ("reconnection", "reconnection_attempts", "reconnection_delay", "reconnection_delay_max")
_IGNORED = ("logger", "engineio_logger", "handle_sigint", "json", "request_timeout", "timestamp_requests")


def apply_options(user: UserSettings, options: Mapping[str, Any]) -> None:
    """Set on the user what `options`, keyword arguments of `socketio.Client`, say. Raises SwarmError."""
    for name, value in options.items():
        if name in _RECONNECTION or name == "randomization_factor":
            setattr(user, name, value)
        elif name == "ssl_verify":
            user.verify = value
        elif name == "serializer" and value == "default":
            pass
        elif name not in _IGNORED:
            known = (*_RECONNECTION, "randomization_factor", "ssl_verify")
            raise SwarmError(
                Kind.BAD_OPTION, f"{name}={value!r} cannot be honoured; known are {', '.join(known)}"
            )


class SocketIOClient:
    """What `self.sio` is. The connection, its figures and its handlers are the user's."""

    def __init__(self, client: UserClient) -> None:
        self._client = client

    # Connecting

    def connect(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        transports: str | list[str] | None = None,
        namespaces: str | list[str] | None = None,
        socketio_path: str = "socket.io",
        wait: bool = True,
        wait_timeout: float = 10,
        retry: bool = False,
    ) -> None:
        """Connect to `url`; None for `transports` is polling and then the upgrade. Raises SwarmError.

        Without `namespaces`: those that have handlers, the main one where none has. It waits in any case,
        `wait_timeout` seconds.
        """
        client = self._client
        user = client.settings
        if client.namespaces:
            raise SwarmError(Kind.ALREADY_CONNECTED, url)
        user.host = url
        user.transport = _transport(transports)
        user.path = "/" + socketio_path.strip("/") + "/"
        if headers:
            user.headers = {**(user.headers or {}), **headers}
        if namespaces is None:
            names = client.handlers.namespaces or [MAIN_NAMESPACE]
        else:
            names = [namespaces] if isinstance(namespaces, str) else list(namespaces)
        value = auth() if callable(auth) else auth
        for name in names:
            client.connect(name, value, wait_timeout, retry=retry)

    def disconnect(self) -> None:
        """Close the session."""
        self._client.disconnect(None)

    shutdown = disconnect

    @property
    def connected(self) -> bool:
        """Whether a namespace is connected."""
        return bool(self.namespaces)

    @property
    def namespaces(self) -> dict[str, str]:
        """The connected namespaces and the socket id in each."""
        return self._client.namespaces

    @property
    def sid(self) -> str | None:
        """The id of the Engine.IO session."""
        return self._client.session_id

    def get_sid(self, namespace: str | None = None) -> str | None:
        """The socket id in a namespace; None where it is not connected."""
        return self.namespaces.get(namespace or MAIN_NAMESPACE)

    def transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        connection = self._client.connection
        return connection.session.current_transport if connection is not None else "polling"

    def wait(self) -> None:
        """Wait until the connection is over, its attempts to reconnect included."""
        self._client.wait_until_closed()

    # Sending

    def emit(
        self,
        event: str,
        data: Any = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> None:
        """Send an event; `callback` is called with what the server's ack holds."""
        self._client.emit(event, _arguments(data), namespace or MAIN_NAMESPACE, callback)

    def send(
        self,
        data: Any,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        name: str = "message",
    ) -> None:
        """Send `message`; `name` is that of its figures."""
        self._client.emit("message", _arguments(data), namespace or MAIN_NAMESPACE, callback, name=name)

    def call(self, event: str, data: Any = None, namespace: str | None = None, timeout: float = 60) -> Any:
        """Send an event and wait for its ack: None, its value, or a tuple of several. Raises SwarmError."""
        answer = self._client.answer_of(event, _arguments(data), namespace or MAIN_NAMESPACE, timeout, None)
        return None if not answer else answer[0] if len(answer) == 1 else tuple(answer)

    # Receiving

    def on(self, event: str, handler: Callable[..., Any] | None = None, namespace: str | None = None) -> Any:
        """Call the handler for each such event, `*` for those without one; a decorator without a handler."""
        if handler is None:
            return lambda function: self.on(event, function, namespace) or function
        self._client.handlers.handle(event, handler, namespace or MAIN_NAMESPACE)
        return None

    def event(self, *arguments: Any, **keywords: Any) -> Any:
        """A decorator: the function handles the event of its own name."""
        if len(arguments) == 1 and not keywords and callable(arguments[0]):
            self.on(arguments[0].__name__, arguments[0])
            return arguments[0]
        return lambda function: self.on(function.__name__, function, *arguments, **keywords) or function

    def on_message(self, event: str, *data: Any) -> None:
        """Nothing: each event is counted when it comes. Here because handlers of contrib's users call it."""

    # What else tasks ask for

    @staticmethod
    def sleep(seconds: float = 0) -> None:
        """Sleep without holding up other users."""
        gevent.sleep(seconds)

    @staticmethod
    def start_background_task(target: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Run a function in a greenlet."""
        return gevent.spawn(target, *arguments, **keywords)

    @property
    def eio(self) -> _Events:
        """What `socketio.Client.call(self.sio, ...)` asks for, which tasks of contrib's users write."""
        return _Events()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"self.sio has no {name!r}; sioprobe has the common calls of locust.contrib.socketio: connect, "
            "disconnect, emit, send, call, on, event, wait"
        )


class _Events:
    """The part of an Engine.IO client that makes events to wait for."""

    @staticmethod
    def create_event(*arguments: Any, **keywords: Any) -> Any:
        """An event of gevent."""
        return Event()


def _transport(transports: str | list[str] | None) -> str:
    names = (
        ["polling", "websocket"]
        if transports is None
        else [transports]
        if isinstance(transports, str)
        else transports
    )
    known = {("polling",): "polling", ("websocket",): "websocket", ("polling", "websocket"): "upgrade"}
    found = known.get(tuple(sorted(names)))
    if found is None:
        raise SwarmError(Kind.BAD_TRANSPORT, f"{transports!r}; valid are 'polling' and 'websocket', or both")
    return found


def _arguments(data: Any) -> tuple[Any, ...]:
    return data if isinstance(data, tuple) else () if data is None else (data,)
