"""The calls of a `SocketIOUser`: those that wait block the user's own greenlet, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sioprobe.users.client import UserClient
from sioprobe.users.handlers import Handler
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["UserCalls"]


class UserCalls:
    """What tasks call. All that is behind it is `_sioprobe`; no call stands on the name of another.

    So a user's class may have a method or an attribute of any of these names, though it loses the call.
    """

    _sioprobe: UserClient

    # Connecting

    @property
    def connected(self) -> bool:
        """Whether at least one namespace is connected."""
        return bool(self._sioprobe.namespaces)

    @property
    def namespaces(self) -> dict[str, str]:
        """The connected namespaces, and the socket id in each."""
        return self._sioprobe.namespaces

    @property
    def session_id(self) -> str | None:
        """The id of the Engine.IO session; None where there is none."""
        return self._sioprobe.session_id

    @property
    def current_transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        connection = self._sioprobe.connection
        return connection.session.current_transport if connection is not None else "polling"

    def connect(
        self, namespace: str = MAIN_NAMESPACE, auth: Any = None, timeout: float = 10.0, *, retry: bool = False
    ) -> str:
        """Connect to a namespace, opening the session where there is none; answers the socket id.

        With `retry`, a session that cannot be opened is tried again, with the delays of a reconnection.
        """
        return self._sioprobe.connect(namespace, auth, timeout, retry=retry)

    def disconnect(self, namespace: str | None = None) -> None:
        """Leave a namespace; without one, close the session and wait for the server (3 s at most)."""
        self._sioprobe.disconnect(namespace)

    def wait_until_closed(self) -> None:
        """Wait until the connection is over, what it tries after a loss included."""
        self._sioprobe.wait_until_closed()

    # Sending

    def emit(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        callback: Handler | None = None,
        timeout: float = 10.0,
        name: str | None = None,
    ) -> None:
        """Send an event without waiting for anything. Bytes may stand anywhere in the arguments.

        With `callback`, the server is asked for an ack, whose values it is called with, as handlers are.
        Recorded as `SIO emit` under `name`, or with a callback as `SIO ack`.
        """
        self._sioprobe.emit(event, args, namespace, callback, timeout, name)

    def send(self, data: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Emit `message`."""
        self._sioprobe.emit("message", (data,), namespace)

    def call(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        timeout: float = 10.0,
        name: str | None = None,
        answer: str | None = None,
        where: Callable[..., Any] | None = None,
    ) -> Any:
        """Send an event and wait for its ack: None, its one argument, or a list of several.

        With `answer`, no ack is asked for: the next event of that name in the namespace is waited for, or
        with `where` the next for whose arguments that holds. Its handler is called as well.
        Recorded as `SIO ack`, or `SIO answer`, under `name`, the event's where that is None.
        """
        if answer is not None:
            values = self._sioprobe.event_after(event, args, namespace, timeout, name, answer, where)
        elif where is not None:
            raise TypeError("call() has `where` without `answer`, the name of the event that is waited for")
        else:
            values = self._sioprobe.answer_of(event, args, namespace, timeout, name)
        return None if not values else values[0] if len(values) == 1 else values

    # Receiving

    def on(self, event: str, handler: Handler, namespace: str = MAIN_NAMESPACE) -> None:
        """Call `handler(*args)` for each such event, in order, in a greenlet of this user: it may block.

        What it returns answers the server where the server asked for an ack (a tuple: several values).
        A handler of `*` takes the events that have none of their own, the event's name first. No events of
        the server are `connect` (no arguments), `disconnect` (the reason) and `connect_error` (its data).
        """
        self._sioprobe.handlers.handle(event, handler, namespace)
