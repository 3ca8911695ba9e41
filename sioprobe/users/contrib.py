"""`user.sio`: the calls of `locust.contrib.socketio` for our user, with the signatures of python-socketio.

A tuple stands for several arguments, None for none. Two things differ from python-socketio: errors are
SwarmError, and the events of one user are handled one after the other. There are no namespace classes, no
`msgpack` serializer and no shared sessions.
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
    """Apply `options`, keyword arguments of `socketio.Client`, to the user. Raises SwarmError."""
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
                Kind.BAD_OPTION, f"{name}={value!r} is not supported; supported are {', '.join(known)}"
            )


class SocketIOClient:
    """The type of `self.sio`. It uses the connection, the figures and the handlers of the user."""

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
        """Connect to `url`. Without `transports`, this means polling and then the upgrade. Raises SwarmError.

        Without `namespaces`, it connects those that have handlers, or the main one if none has. It always
        waits, `wait_timeout` seconds at most for each namespace.
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
        """The socket id in a namespace, or None if it is not connected."""
        return self.namespaces.get(namespace or MAIN_NAMESPACE)

    def transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        connection = self._client.connection
        return connection.session.current_transport if connection is not None else "polling"

    def wait(self) -> None:
        """Wait until the connection is over, with all its reconnections."""
        self._client.wait_until_closed()

    # Sending

    def emit(
        self,
        event: str,
        data: Any = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> None:
        """Send an event. `callback` is called with the values of the ack."""
        self._client.emit(event, _arguments(data), namespace or MAIN_NAMESPACE, callback)

    def send(
        self,
        data: Any,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        name: str = "message",
    ) -> None:
        """Send the event `message`. Its figures are recorded under `name`."""
        self._client.emit("message", _arguments(data), namespace or MAIN_NAMESPACE, callback, name=name)

    def call(self, event: str, data: Any = None, namespace: str | None = None, timeout: float = 60) -> Any:
        """Send an event, wait for its ack, and return None, its value, or a tuple. Raises SwarmError."""
        answer = self._client.answer_of(event, _arguments(data), namespace or MAIN_NAMESPACE, timeout, None)
        return None if not answer else answer[0] if len(answer) == 1 else tuple(answer)

    # Receiving

    def on(self, event: str, handler: Callable[..., Any] | None = None, namespace: str | None = None) -> Any:
        """Call `handler` for each such event (`*`: for those without one). Without it, be a decorator."""
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
        """Do nothing: every event is counted already. Handlers of contrib's users call it."""

    # What else tasks ask for

    @staticmethod
    def sleep(seconds: float = 0) -> None:
        """Sleep. Other users go on."""
        gevent.sleep(seconds)

    @staticmethod
    def start_background_task(target: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Run a function in a greenlet."""
        return gevent.spawn(target, *arguments, **keywords)

    @property
    def eio(self) -> _Events:
        """Needed by `socketio.Client.call(self.sio, ...)`, which tasks of contrib's users contain."""
        return _Events()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"self.sio has no {name!r}; sioprobe has the common calls of locust.contrib.socketio: connect, "
            "disconnect, emit, send, call, on, event, wait"
        )


class _Events:
    """The part of an Engine.IO client that makes events."""

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
