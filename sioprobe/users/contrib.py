"""`user.sio`: the calls of `locust.contrib.socketio` for our user, with the signatures of python-socketio.

A tuple stands for several arguments, None for none. Two things differ from python-socketio: errors are
SwarmError, and the events of one user are handled one after the other. There is no `msgpack` serializer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from gevent.event import Event

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.target import DEFAULT_PATH
from sioprobe.users.client import UserClient
from sioprobe.users.settings import UserSettings, apply_options, settings_of_class
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["SocketIOClient"]

FOREVER = 86_400.0
"""Seconds. python-socketio waits without end where the timeout is None."""


class SocketIOClient:
    """The type of `self.sio`. It uses the connection, the figures and the handlers of the user.

    As that of contrib, one can also be made with `self.environment.events.request` and the options of a
    `socketio.Client`, in any user and as many as it needs. It is closed at the end of the test.
    """

    def __init__(self, client: UserClient | Any, **options: Any) -> None:
        of_user = isinstance(client, UserClient)
        self._client = client if of_user else _own_client(client, options)
        # The user of contrib always has a handler there.
        self._always = [MAIN_NAMESPACE] if of_user else []
        self.connection_url: str | None = None
        self.connection_namespaces: list[str] = []

    # Connecting

    def connect(
        self,
        url: str | Callable[[], str],
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        auth: Any = None,
        transports: str | list[str] | None = None,
        namespaces: str | list[str] | None = None,
        socketio_path: str | None = None,
        wait: bool = True,
        wait_timeout: float = 10,
        retry: bool = False,
    ) -> None:
        """Connect to `url`. Without `transports`, this means polling and then the upgrade. Raises SwarmError.

        What is not given comes from the attributes of the user's class. `url`, `headers` and `auth` may be
        functions. Without `namespaces`, it connects those that have handlers, and the main one if it is that
        of a user or none has. It always waits, `wait_timeout` seconds at most for each.
        """
        client = self._client
        settings = settings_of_class(client.settings)
        settings.host = url() if callable(url) else url
        if client.namespaces:
            raise SwarmError(Kind.ALREADY_CONNECTED, settings.host)
        settings.transport = _transport(transports) if transports else settings.transport or "upgrade"
        settings.path = f"/{socketio_path.strip('/')}/" if socketio_path else settings.path or DEFAULT_PATH
        given = headers() if callable(headers) else headers
        if given:
            # python-socketio takes the type of a body too. Here the client writes it.
            fit = {name: value for name, value in given.items() if name.lower() != "content-type"}
            settings.headers = {**(settings.headers or {}), **fit}
        if namespaces is None:
            names = list(dict.fromkeys((*self._always, *client.handlers.namespaces))) or [MAIN_NAMESPACE]
        else:
            names = [namespaces] if isinstance(namespaces, str) else list(namespaces)
        self.connection_url, self.connection_namespaces = settings.host, names
        value = auth() if callable(auth) else auth
        for name in names:
            client.connect(name, value, wait_timeout, retry=retry, settings=settings)

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

    def call(
        self, event: str, data: Any = None, namespace: str | None = None, timeout: float | None = 60
    ) -> Any:
        """Send an event, wait for its ack, and return None, its value, or a tuple. Raises SwarmError."""
        answer = self._client.answer_of(
            event,
            _arguments(data),
            namespace or MAIN_NAMESPACE,
            FOREVER if timeout is None else timeout,
            None,
        )
        return None if not answer else answer[0] if len(answer) == 1 else tuple(answer)

    # Receiving

    def on(self, event: str, handler: Callable[..., Any] | None = None, namespace: str | None = None) -> Any:
        """Call `handler` for each such event. Without it, be a decorator.

        `*` stands for each event, or each namespace, without a handler of its own.
        """
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

    def register_namespace(self, namespace_handler: Any) -> None:
        """Let a `socketio.ClientNamespace` handle the events of its namespace that have no handler."""
        trigger = getattr(namespace_handler, "trigger_event", None)
        name = getattr(namespace_handler, "namespace", None)
        if not callable(trigger) or name is None or inspect.iscoroutinefunction(trigger):
            kind = type(namespace_handler).__name__
            raise TypeError(f"{kind} is no namespace class: inherit from socketio.ClientNamespace")
        namespace_handler.client = self
        self._client.handlers.handle_all(namespace_handler, name)

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
            "disconnect, emit, send, call, on, event, register_namespace, wait"
        )


def _own_client(request_event: Any, options: Mapping[str, Any]) -> UserClient:
    attachment = getattr(request_event, "sioprobe", None)
    if attachment is None:
        raise TypeError("SocketIOClient is made with self.environment.events.request, in a run of Locust")
    events = attachment.environment.events
    settings: UserSettings = type("Settings", (UserSettings,), {"options": options})()
    apply_options(settings, options)

    def failed(error: Exception) -> None:
        events.user_error.fire(user_instance=None, exception=error, tb=error.__traceback__)

    attachment.engine.start()
    client = UserClient(settings, attachment.engine, failed)
    events.test_stop.add_listener(client.end)
    return client


class _Events:
    """The part of an Engine.IO client that makes events."""

    @staticmethod
    def create_event(*arguments: Any, **keywords: Any) -> Any:
        """An event of gevent."""
        return Event()


def _transport(transports: str | list[str]) -> str:
    names = [transports] if isinstance(transports, str) else transports
    known = {("polling",): "polling", ("websocket",): "websocket", ("polling", "websocket"): "upgrade"}
    found = known.get(tuple(sorted(names)))
    if found is None:
        raise SwarmError(Kind.BAD_TRANSPORT, f"{transports!r}; valid are 'polling' and 'websocket', or both")
    return found


def _arguments(data: Any) -> tuple[Any, ...]:
    return data if isinstance(data, tuple) else () if data is None else (data,)
