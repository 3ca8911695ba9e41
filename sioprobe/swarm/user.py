"""`SocketIOUser`: a Locust user whose tasks are plain Python, on the callback engine.

The calls that wait block the user's own greenlet on an event; nothing else does. Importing this module
imports Locust, which monkey-patches the process: do it before anything else that opens sockets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from time import monotonic_ns
from typing import Any

import gevent
import locust
from gevent.event import AsyncResult, Event
from gevent.queue import SimpleQueue
from locust import User
from locust.env import Environment

from sioprobe.swarm.connection import Connection, Listener
from sioprobe.swarm.errors import SwarmError
from sioprobe.swarm.locust_statistics import LocustStatistics
from sioprobe.swarm.target import DEFAULT_PATH, Target
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["SocketIOUser", "SwarmError"]

logger = logging.getLogger(__name__)

CLOSE_DEADLINE = 3.0

Handler = Callable[..., Any]


class SocketIOUser(User):  # type: ignore[misc]
    """A user with one Socket.IO connection.

    Example, a locustfile for somebody's chat::

        from locust import between, task
        from sioprobe import SocketIOUser


        class ChatUser(SocketIOUser):
            wait_time = between(1, 3)
            transport = "upgrade"  # or "websocket", "polling"

            def on_start(self):
                self.on("chat", self.on_chat)
                self.connect(auth={"token": "good"})
                self.call("join", "lobby", timeout=5)
                self.heard = 0

            def on_chat(self, text, sender):
                self.heard += 1

            @task
            def say(self):
                self.emit("say", "lobby", "hello")

    `locust -f chat.py --host http://127.0.0.1:5000`. Recorded are `SIO connect`, `SIO upgrade` and `SIO ack`
    with their times, `SIO emit` and `SIO event` with their numbers only. What fails is counted by kind,
    raises SwarmError, and so ends the task.
    """

    abstract = True

    transport = "websocket"
    """`websocket`, `polling`, or `upgrade` (polling first, as browsers do)."""

    path = DEFAULT_PATH
    headers: dict[str, str] | None = None
    query: dict[str, str] | None = None

    verify = True
    """Whether the certificate of a server at an https URL is checked."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._statistics = LocustStatistics.of(environment)
        self._statistics.engine.start()
        self._connection: Connection | None = None
        self._inbox = _Inbox()
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._reader: Any = None

    def start(self, group: Any) -> Any:
        """Start the user's greenlet; when that ends, so does the connection, whatever `on_stop` does."""
        started = super().start(group)
        started.link(self._greenlet_ended)
        return started

    def _greenlet_ended(self, _: Any) -> None:
        if self._reader is not None:
            self._reader.kill(block=False)
        if self._connection is not None:
            self._connection.close()

    # Connecting

    @property
    def connected(self) -> bool:
        """Whether at least one namespace is connected."""
        connection = self._connection
        return connection is not None and not connection.closed and bool(connection.namespaces)

    def connect(self, namespace: str = MAIN_NAMESPACE, auth: Any = None, timeout: float = 10.0) -> str:
        """Connect to a namespace, opening the session where there is none; answers the socket id."""
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = self._open(timeout)
        answer: AsyncResult = AsyncResult()
        self._inbox.answers[namespace] = answer
        connection.connect(namespace, auth)
        try:
            return str(answer.get(timeout=timeout + 1.0))
        except gevent.Timeout:
            raise SwarmError("connect timeout", namespace) from None
        finally:
            self._inbox.answers.pop(namespace, None)

    def _open(self, timeout: float) -> Connection:
        if not self.host:
            raise SwarmError("bad url", "no host; give --host or set it in the class")
        headers, query = tuple((self.headers or {}).items()), tuple((self.query or {}).items())
        target = _target(self.host, self.path, headers, query, self.verify)
        self._inbox.ended.clear()
        return Connection(self._statistics.engine, target, self.transport, self._inbox, timeout=timeout)

    def disconnect(self) -> None:
        """Close the session and wait until the server has answered (at most 3 s)."""
        if self._connection is not None and not self._connection.closed:
            self._connection.close()
            self._inbox.ended.wait(CLOSE_DEADLINE)

    def on_stop(self) -> None:
        """Close the session; call it from an `on_stop` of your own."""
        self.disconnect()

    # Sending

    def emit(self, event: str, *args: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Send an event without waiting for anything. Bytes may stand anywhere in the arguments."""
        series = self._statistics.recorder.series("SIO emit", event)
        try:
            self._live(namespace).emit(event, *args, namespace=namespace)
        except SwarmError as error:
            series.error(error.kind)
            raise
        series.count()

    def send(self, data: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Emit `message`."""
        self.emit("message", data, namespace=namespace)

    def call(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        timeout: float = 10.0,
        name: str | None = None,
    ) -> Any:
        """Send an event and wait for its ack: None, its one argument, or a list of several.

        Recorded as `SIO ack` under `name`, the event's where that is None.
        """
        series = self._statistics.recorder.series("SIO ack", name or event)
        answer: AsyncResult = AsyncResult()
        started = monotonic_ns()

        def answered(values: list[Any] | None, failure: SwarmError | None) -> None:
            # Here and not after the wait: the greenlet may wake up late.
            if failure is None:
                series.record((monotonic_ns() - started) / 1000)
                answer.set(values)
            else:
                series.error(failure.kind)
                answer.set_exception(failure)

        try:
            connection = self._live(namespace)
        except SwarmError as error:
            series.error(error.kind)
            raise
        connection.emit(event, *args, namespace=namespace, ack=answered, timeout=timeout)
        values = answer.get()
        return None if not values else values[0] if len(values) == 1 else values

    def _live(self, namespace: str) -> Connection:
        connection = self._connection
        if connection is None or connection.closed:
            raise SwarmError("not connected")
        if namespace not in connection.namespaces:
            raise SwarmError("not connected", f"to namespace {namespace}")
        return connection

    # Receiving

    def on(self, event: str, handler: Handler, namespace: str = MAIN_NAMESPACE) -> None:
        """Call `handler(*args)` for each such event, in order, in a greenlet of this user: it may block.

        What it returns answers the server where the server asked for an ack (a tuple: several values).
        """
        self._handlers[namespace, event] = handler
        if self._reader is None:
            self._inbox.events = SimpleQueue()
            self._reader = gevent.spawn(self._read, self._inbox.events)
        self._inbox.recorder = self._statistics.recorder

    def _read(self, events: Any) -> None:
        while True:
            namespace, name, args, ack_id = events.get()
            handler = self._handlers.get((namespace, name))
            result: Any = None
            if handler is not None:
                try:
                    result = handler(*args)
                except Exception as error:
                    logger.exception("handler of %r", name)
                    self.environment.events.user_error.fire(
                        user_instance=self, exception=error, tb=error.__traceback__
                    )
            if ack_id is not None and self._connection is not None and not self._connection.closed:
                self._connection.ack(ack_id, *_as_values(result), namespace=namespace)


Pairs = tuple[tuple[str, str], ...]


@lru_cache
def _target(host: str, path: str, headers: Pairs, query: Pairs, verify: bool) -> Target:
    # Users mostly have the same; who connects again and again has not to take the URL apart each time.
    return Target.from_url(host, path, headers=dict(headers), query=dict(query), verify=verify)


def _as_values(result: Any) -> tuple[Any, ...]:
    if result is None:
        return ()
    return result if isinstance(result, tuple) else (result,)


class _Inbox(Listener):
    """Turns what the hub tells into what a greenlet waits for."""

    __slots__ = ("answers", "ended", "events", "recorder")

    def __init__(self) -> None:
        self.answers: dict[str, AsyncResult] = {}
        self.ended = Event()
        self.events: Any = None
        self.recorder: Any = None

    def connected(self, connection: Connection, namespace: str) -> None:
        answer = self.answers.get(namespace)
        if answer is not None:
            answer.set(connection.namespaces[namespace])

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        answer = self.answers.get(namespace)
        if answer is not None:
            answer.set_exception(SwarmError("connect refused", str(data)))

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        if self.events is None:
            super().event(connection, namespace, name, args, ack_id)
            return
        self.recorder.series("SIO event", name).count()
        self.events.put((namespace, name, args, ack_id))

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        for answer in self.answers.values():
            answer.set_exception(failure or SwarmError("connection closed"))
        self.answers.clear()
        self.ended.set()


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def _attach(environment: Environment, **_: Any) -> None:
    """Before the test starts, so that masters, which have no users, take their workers' reports too."""
    LocustStatistics.of(environment)
