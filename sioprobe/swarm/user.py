"""`SocketIOUser`: a Locust user whose tasks are plain Python, on the callback engine.

The calls that wait block the user's own greenlet on an event; nothing else does. Importing this module
imports Locust, which monkey-patches the process: do it before anything else that opens sockets.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from time import monotonic_ns
from typing import Any, ClassVar

import gevent
import locust
from gevent.event import AsyncResult, Event
from gevent.queue import SimpleQueue
from locust import User
from locust.env import Environment

from sioprobe.swarm.connection import Connection, Listener
from sioprobe.swarm.contrib import SocketIOClient, apply_options
from sioprobe.swarm.errors import LEFT, SwarmError
from sioprobe.swarm.locust_statistics import LocustStatistics
from sioprobe.swarm.own_locustfile import tell_at_end
from sioprobe.swarm.reconnect import Backoff
from sioprobe.swarm.recorder import Series
from sioprobe.swarm.session import TRANSPORTS
from sioprobe.swarm.target import DEFAULT_PATH, Target
from sioprobe.wire import MAIN_NAMESPACE, WireError

__all__ = ["SocketIOClient", "SocketIOUser", "SwarmError"]

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

    `locust -f chat.py --host http://127.0.0.1:5000`. Recorded are `SIO connect`, `SIO upgrade`, `SIO ack`
    and `SIO reconnect` with their times, `SIO emit` and `SIO event` with their numbers only. What fails is
    counted by kind, raises SwarmError, and so ends the task.
    """

    abstract = True

    transport = "websocket"
    """`websocket`, `polling`, or `upgrade` (polling first, as browsers do)."""

    path = DEFAULT_PATH
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None

    cookies: Mapping[str, str] | None = None
    """Sent with every request, beside those that the server sets."""

    verify = True
    """Whether the certificate of a server at an https URL is checked."""

    ca_file: str | None = None
    """Certificates (PEM) of the authorities to trust in place of the system's."""

    reconnection = True
    """Whether a lost session is followed by another; the delays, in seconds, are the official client's."""

    reconnection_attempts: int | None = None
    reconnection_delay = 1.0
    reconnection_delay_max = 5.0
    randomization_factor = 0.5

    options: ClassVar[dict[str, Any]] = {}
    """For locustfiles of `locust.contrib.socketio`: keyword arguments of `socketio.Client`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.options:
            apply_options(self, self.options)
        self._statistics = LocustStatistics.of(environment)
        self._statistics.engine.start()
        self._connection: Connection | None = None
        self._inbox = _Inbox(self)
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._jobs: Any = None
        self._worker: Any = None

    @cached_property
    def sio(self) -> SocketIOClient:
        """The calls of `locust.contrib.socketio`, for locustfiles written for it."""
        return SocketIOClient(self)

    def start(self, group: Any) -> Any:
        """Start the user's greenlet; when that ends, so does the connection, whatever `on_stop` does."""
        started = super().start(group)
        started.link(self._greenlet_ended)
        return started

    def _greenlet_ended(self, _: Any) -> None:
        if self._worker is not None:
            self._worker.kill(block=False)
        if self._connection is not None:
            self._connection.close()

    # Connecting

    @property
    def connected(self) -> bool:
        """Whether at least one namespace is connected."""
        connection = self._connection
        return connection is not None and not connection.closed and bool(connection.namespaces)

    @property
    def namespaces(self) -> dict[str, str]:
        """The connected namespaces, and the socket id in each."""
        connection = self._connection
        return dict(connection.namespaces) if connection is not None and not connection.closed else {}

    @property
    def session_id(self) -> str | None:
        """The id of the Engine.IO session; None where there is none."""
        return self._connection.session_id if self._connection is not None else None

    @property
    def current_transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        return self._connection.current_transport if self._connection is not None else "polling"

    def connect(
        self, namespace: str = MAIN_NAMESPACE, auth: Any = None, timeout: float = 10.0, *, retry: bool = False
    ) -> str:
        """Connect to a namespace, opening the session where there is none; answers the socket id.

        With `retry`, a session that cannot be opened is tried again, with the delays of a reconnection.
        """
        backoff = self._backoff()
        attempt = 0
        while True:
            try:
                return self._connect_once(namespace, auth, timeout, backoff if self.reconnection else None)
            except SwarmError:
                failed = self._connection is not None and self._connection.closed
                if not retry or not failed or attempt == backoff.attempts:
                    raise
            gevent.sleep(backoff.seconds(attempt))
            attempt += 1

    def _backoff(self) -> Backoff:
        try:
            return _made_backoff(
                self.reconnection_delay,
                self.reconnection_delay_max,
                self.randomization_factor,
                self.reconnection_attempts or None,
            )
        except (TypeError, ValueError) as error:
            raise SwarmError("bad option", str(error)) from None

    def _connect_once(self, namespace: str, auth: Any, timeout: float, backoff: Backoff | None) -> str:
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = self._open(timeout, backoff)
        answer: AsyncResult = AsyncResult()
        connection.connect(namespace, auth)
        self._inbox.answers[namespace] = answer
        try:
            return str(answer.get(timeout=timeout + 1.0))
        except gevent.Timeout:
            raise SwarmError("connect timeout", namespace) from None
        finally:
            self._inbox.answers.pop(namespace, None)

    def _open(self, timeout: float, backoff: Backoff | None) -> Connection:
        if not self.host:
            raise SwarmError("bad url", "no host; give --host or set it in the class")
        if self.transport not in TRANSPORTS:
            raise SwarmError("bad transport", f"{self.transport!r}; valid are {', '.join(TRANSPORTS)}")
        pairs = _pairs(self.headers), _pairs(self.query), _pairs(self.cookies)
        target = _target(self.host, self.path, *pairs, self.verify, self.ca_file)
        self._inbox.ended.clear()
        engine = self._statistics.engine
        return Connection(engine, target, self.transport, self._inbox, timeout=timeout, backoff=backoff)

    def disconnect(self, namespace: str | None = None) -> None:
        """Leave a namespace; without one, close the session and wait for the server (3 s at most)."""
        if self._connection is None or self._connection.closed:
            return
        if namespace is not None:
            self._connection.disconnect(namespace)
            return
        self._connection.close()
        self._inbox.ended.wait(CLOSE_DEADLINE)

    def wait_until_closed(self) -> None:
        """Wait until the connection is over, what it tries after a loss included."""
        if self._connection is not None and not self._connection.closed:
            self._inbox.ended.wait()

    def on_stop(self) -> None:
        """Close the session; call it from an `on_stop` of your own."""
        self.disconnect()

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
        if callback is not None:
            handler = callback
            self._ask(
                event,
                args,
                namespace,
                timeout,
                name,
                lambda values, failure: None if values is None else self._run_later(handler, values),
            )
            return
        series = self._statistics.recorder.series("SIO emit", name or event)
        try:
            self._live(namespace).emit(event, *args, namespace=namespace)
        except (SwarmError, WireError) as error:
            raise _counted(series, error) from None
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
        values = self.ask(event, *args, namespace=namespace, timeout=timeout, name=name)
        return None if not values else values[0] if len(values) == 1 else values

    def ask(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        timeout: float = 10.0,
        name: str | None = None,
    ) -> list[Any]:
        """As `call`, and answers all values of the ack."""
        answer: AsyncResult = AsyncResult()
        self._ask(
            event,
            args,
            namespace,
            timeout,
            name,
            lambda values, failure: answer.set(values) if failure is None else answer.set_exception(failure),
        )
        values: list[Any] = answer.get()
        return values

    def _ask(
        self,
        event: str,
        args: tuple[Any, ...],
        namespace: str,
        timeout: float,
        name: str | None,
        done: Callable[[list[Any] | None, SwarmError | None], None],
    ) -> None:
        series = self._statistics.recorder.series("SIO ack", name or event)
        started = monotonic_ns()

        def answered(values: list[Any] | None, failure: SwarmError | None) -> None:
            # Here and not after the wait: the greenlet may wake up late.
            if failure is None:
                series.record((monotonic_ns() - started) / 1000)
            elif failure.kind != LEFT:
                series.error(failure.kind)
            done(values, failure)

        try:
            self._live(namespace).emit(event, *args, namespace=namespace, ack=answered, timeout=timeout)
        except (SwarmError, WireError) as error:
            raise _counted(series, error) from None

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
        A handler of `*` takes the events that have none of their own, the event's name first. No events of
        the server are `connect` (no arguments), `disconnect` (the reason) and `connect_error` (its data).
        """
        self._handlers[namespace, event] = handler

    def handled_namespaces(self) -> list[str]:
        """The namespaces that have handlers."""
        return list(dict.fromkeys(namespace for namespace, _ in self._handlers))

    def _tell(self, namespace: str, name: str, *args: Any) -> None:
        """Run the handler of something that is no event of the server."""
        handler = self._handlers.get((namespace, name))
        if handler is not None:
            try:
                inspect.signature(handler).bind(*args)
            except TypeError:
                args = ()  # a handler of `disconnect` that does not ask for the reason
            except ValueError:
                pass
            self._run_later(handler, args)

    def _take_event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        self._statistics.recorder.series("SIO event", name).count()
        handler = self._handlers.get((namespace, name))
        if handler is None:
            handler = self._handlers.get((namespace, "*"))
            args = [name, *args]
        if handler is not None:
            self._run_later(handler, args, (connection.session_id, namespace, ack_id))
        elif ack_id is not None:
            connection.ack(ack_id, namespace=namespace)

    def _run_later(self, handler: Handler, args: Any, answer: Any = (None, "", None)) -> None:
        if self._worker is None:
            self._jobs = SimpleQueue()
            self._worker = gevent.spawn(self._work, self._jobs)
        self._jobs.put((handler, args, answer))

    def _work(self, jobs: Any) -> None:
        while True:
            handler, args, (session_id, namespace, ack_id) = jobs.get()
            result: Any = None
            try:
                result = handler(*args)
            except Exception as error:
                logger.exception("handler %r", getattr(handler, "__name__", handler))
                self.environment.events.user_error.fire(
                    user_instance=self, exception=error, tb=error.__traceback__
                )
            # An ack of a session that is over would answer another event of the next.
            if ack_id is not None and session_id == self.session_id and namespace in self.namespaces:
                values = () if result is None else result if isinstance(result, tuple) else (result,)
                try:
                    self._live(namespace).ack(ack_id, *values, namespace=namespace)
                except (SwarmError, WireError) as error:
                    _counted(self._statistics.recorder.series("SIO emit", "ack"), error)


Pairs = tuple[tuple[str, Any], ...]


def _pairs(mapping: Mapping[str, Any] | None) -> Pairs:
    if not mapping:
        return ()
    # As text, which is what is sent: 1 and True are the same key of a cache.
    return tuple((name, value if isinstance(value, bytes) else str(value)) for name, value in mapping.items())


@lru_cache
def _made_backoff(
    delay: float, delay_max: float, randomization_factor: float, attempts: int | None
) -> Backoff:
    # Users mostly have the same, and each needs one to connect.
    return Backoff(
        delay=delay, delay_max=delay_max, randomization_factor=randomization_factor, attempts=attempts
    )


@lru_cache
def _target(
    host: str, path: str, headers: Pairs, query: Pairs, cookies: Pairs, verify: bool, ca_file: str | None
) -> Target:
    # Users mostly have the same; who connects again and again has not to take the URL apart each time.
    return Target.from_url(
        host,
        path,
        headers=dict(headers),
        query=dict(query),
        cookies=dict(cookies),
        verify=verify,
        ca_file=ca_file,
    )


def _counted(series: Series, error: SwarmError | WireError) -> SwarmError:
    """The error as one of the swarm's, counted."""
    failure = error if isinstance(error, SwarmError) else SwarmError("cannot be sent", str(error))
    series.error(failure.kind)
    return failure


class _Inbox(Listener):
    """Turns what the hub tells into what a greenlet waits for."""

    __slots__ = ("answers", "ended", "user")

    def __init__(self, user: SocketIOUser) -> None:
        self.user = user
        self.answers: dict[str, AsyncResult] = {}
        self.ended = Event()

    def connected(self, connection: Connection, namespace: str) -> None:
        answer = self.answers.get(namespace)
        if answer is not None:
            answer.set(connection.namespaces[namespace])
        self.user._tell(namespace, "connect")

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        answer = self.answers.get(namespace)
        if answer is not None:
            answer.set_exception(SwarmError("connect refused", str(data)))
        self.user._tell(namespace, "connect_error", data)

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        self.user._take_event(connection, namespace, name, args, ack_id)

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self.user._tell(namespace, "disconnect", "io server disconnect")

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        self._tell_all(failure.kind)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        for answer in self.answers.values():
            answer.set_exception(failure or SwarmError(LEFT))
        self.answers.clear()
        self.ended.set()
        if connection.namespaces:
            self._tell_all(failure.kind if failure is not None else "io client disconnect")

    def _tell_all(self, reason: str) -> None:
        for namespace in self.user.handled_namespaces():
            self.user._tell(namespace, "disconnect", reason)


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def _attach(environment: Environment, **_: Any) -> None:
    """Before the test starts, so that masters, which have no users, take their workers' reports too."""
    LocustStatistics.of(environment)
    tell_at_end(environment)
