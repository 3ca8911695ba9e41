"""The calls of a `SocketIOUser`. A call that waits blocks only the greenlet of its user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sioprobe.users.client import UserClient
from sioprobe.users.habits import State, refuse_keywords, refuse_url
from sioprobe.users.handlers import Handler
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["UserCalls"]


class UserCalls:
    """What tasks call. Each call uses only `_sioprobe`, and none uses another call.

    So a user's class, or a task, may give each of these names to something of its own. It only loses that
    call.
    """

    _sioprobe: UserClient

    # Connecting

    @State
    def connected(self) -> bool:
        """Whether at least one namespace is connected."""
        return bool(self._sioprobe.namespaces)

    @State
    def namespaces(self) -> dict[str, str]:
        """The connected namespaces, and the socket id in each."""
        return self._sioprobe.namespaces

    @State
    def session_id(self) -> str | None:
        """The id of the Engine.IO session, or None."""
        return self._sioprobe.session_id

    @State
    def current_transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        connection = self._sioprobe.connection
        return connection.session.current_transport if connection is not None else "polling"

    def connect(
        self,
        namespace: str = MAIN_NAMESPACE,
        auth: Any = None,
        timeout: float = 10.0,
        *,
        retry: bool = False,
        **others: Any,
    ) -> str:
        """Connect to a namespace and return its socket id. Opens a session if there is none.

        With `retry`, a session that cannot be opened is tried again, with the delays of a reconnection.
        Raises SwarmError.
        """
        refuse_url(namespace)
        refuse_keywords(others)
        return self._sioprobe.connect(namespace, auth, timeout, retry=retry)

    def disconnect(self, namespace: str | None = None) -> None:
        """Leave a namespace. Without a name, close the session and wait for the server (3 s at most)."""
        self._sioprobe.disconnect(namespace)

    def wait_until_closed(self) -> None:
        """Wait until the connection is over, with all its reconnections."""
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
        """Send an event and do not wait. The arguments may contain bytes at any place. Raises SwarmError.

        With `callback`, the server is asked for an ack, and `callback` is called with its values, as a
        handler. It is recorded as `SIO emit` under `name` (the event's without one), with a callback as `SIO
        ack`.
        """
        self._sioprobe.emit(event, args, namespace, callback, timeout, name)

    def send(self, data: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Emit the event `message`."""
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
        """Send an event, wait for its ack, and return its value (None without one, a list of several).

        With `answer`, this asks for no ack. It waits for the next event of that name in the namespace, or
        with `where` for the next one for whose arguments `where` is true. The handler of that event is called
        too. It is recorded as `SIO ack` or `SIO answer` under `name` (the event's without one). Raises
        SwarmError.
        """
        if answer is not None:
            values = self._sioprobe.event_after(event, args, namespace, timeout, name, answer, where)
        elif where is not None:
            raise TypeError("call() has `where` but no `answer`, which names the event to wait for")
        else:
            values = self._sioprobe.answer_of(event, args, namespace, timeout, name)
        return None if not values else values[0] if len(values) == 1 else values

    # Receiving

    def wait_for(
        self,
        event: str,
        timeout: float = 10.0,
        *,
        where: Callable[..., Any] | None = None,
        after: Callable[[], Any] | None = None,
        namespace: str = MAIN_NAMESPACE,
        name: str | None = None,
    ) -> Any:
        """Wait for an event that the server sends by itself, and return its value, as `call` does.

        With `where`, it is the next one for whose arguments `where` is true. `after` is called when the
        waiting has begun, so that an event is not missed which comes meanwhile. It is recorded as `SIO wait`
        under `name` (the event's without one): the time from the begin of the call to the event. `timeout`
        counts from the end of `after`. The handler of that event is called too. Raises SwarmError.
        """
        values = self._sioprobe.event_by_itself(event, namespace, timeout, name, where, after)
        return None if not values else values[0] if len(values) == 1 else values

    def on(self, event: str, handler: Handler, namespace: str = MAIN_NAMESPACE) -> None:
        """Call `handler(*args)` for each such event, in order, in a greenlet of this user. It may block.

        If the server asked for an ack, it gets what the handler returns (a tuple: several values).
        A handler of `*` gets the events that have no handler; its first argument is the event's name. Three
        names are not sent by the server: `connect` (no arguments), `disconnect` (the reason) and
        `connect_error` (its data).
        """
        self._sioprobe.handlers.handle(event, handler, namespace)
