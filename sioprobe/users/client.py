"""The client of a `SocketIOUser`: its connection, and the greenlets that wait for something.

A `UserClient` hears on the hub what comes. It wakes the greenlets that wait, and gives events to the
handlers. The user holds all this in one attribute, because the other names of its class belong to the author
of the tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from gevent.hub import Waiter
from gevent.queue import Empty, SimpleQueue

from sioprobe.engine.connection import Connection, Listener
from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.hub import SECOND, Engine
from sioprobe.engine.reconnect import Backoff
from sioprobe.measured.recorder import Series
from sioprobe.users.handlers import Handler, Handlers
from sioprobe.users.settings import UserSettings, backoff_of, target_of
from sioprobe.wire import WireError

__all__ = ["UserClient"]

CLOSE_DEADLINE = 3.0


class UserClient(Listener):
    """The client of one user. `handler_failed` is called with each exception of a handler."""

    __slots__ = (
        "_answers",
        "_arrived",
        "_awaited",
        "_ended",
        "_engine",
        "connection",
        "handlers",
        "series",
        "settings",
        "waited",
    )

    keeps_offsets = False  # handlers have the parameters that the application sends

    def __init__(
        self, settings: UserSettings, engine: Engine, handler_failed: Callable[[Exception], None]
    ) -> None:
        self.settings = settings
        self._engine = engine
        self.series = engine.recorder.series
        self.connection: Connection | None = None
        self._answers: dict[str, AsyncResult] = {}
        self._arrived = False
        self._awaited: list[tuple[str, str, Any]] = []
        self._ended = Event()
        self.waited = False
        """Whether a call has waited since somebody set it to False: meanwhile others could run."""
        self.handlers = Handlers(handler_failed)

    # Connecting

    @property
    def namespaces(self) -> dict[str, str]:
        """The connected namespaces, and the socket id in each."""
        connection = self.connection
        return dict(connection.namespaces) if connection is not None and not connection.closed else {}

    @property
    def session_id(self) -> str | None:
        """The id of the Engine.IO session, or None."""
        return self.connection.session.id if self.connection is not None else None

    def live(self, namespace: str) -> Connection:
        """The connection. Raises SwarmError if the namespace is not connected."""
        connection = self.connection
        if connection is None or connection.closed:
            raise SwarmError(Kind.NOT_CONNECTED)
        if namespace not in connection.namespaces:
            raise SwarmError(Kind.NOT_CONNECTED, f"to namespace {namespace}")
        return connection

    def connect(
        self, namespace: str, auth: Any, timeout: float, *, retry: bool, settings: UserSettings | None = None
    ) -> str:
        """Connect to a namespace and return the socket id. Raises SwarmError.

        A session that is opened goes where `settings` say, or the settings of the user.
        """
        settings = settings or self.settings
        backoff = backoff_of(settings)
        attempt = 0
        while True:
            try:
                return self._connect_once(
                    namespace, auth, timeout, settings, backoff if settings.reconnection else None
                )
            except SwarmError:
                failed = self.connection is not None and self.connection.closed
                if not retry or not failed or attempt == backoff.attempts:
                    raise
            gevent.sleep(backoff.seconds(attempt))
            attempt += 1

    def _connect_once(
        self, namespace: str, auth: Any, timeout: float, settings: UserSettings, backoff: Backoff | None
    ) -> str:
        connection = self.connection
        if connection is None or connection.closed:
            target, transport = target_of(settings)
            self._ended.clear()
            connection = self.connection = Connection(
                self._engine, target, transport, self, timeout=timeout, backoff=backoff
            )
        answer: AsyncResult = AsyncResult()
        connection.connect(namespace, auth)
        if not self._arrived:
            self._engine.arrivals.begin(self, connection)
        self._answers[namespace] = answer
        try:
            socket_id, failure = answer.get(timeout=timeout + 1.0)
        except gevent.Timeout:
            raise SwarmError(Kind.CONNECT_TIMEOUT, namespace) from None
        finally:
            self._answers.pop(namespace, None)
        # AsyncResult could raise it, but its frames would fill half of each traceback.
        if failure is not None:
            raise failure
        return str(socket_id)

    def disconnect(self, namespace: str | None) -> None:
        """Leave a namespace. Without a name, close the session and wait for the server."""
        if self.connection is None or self.connection.closed:
            return
        if namespace is not None:
            self.connection.disconnect(namespace)
            return
        self.connection.close()
        self._ended.wait(CLOSE_DEADLINE)

    def wait_until_closed(self) -> None:
        """Wait until the connection is over."""
        if self.connection is not None and not self.connection.closed:
            self._ended.wait()

    def end(self, *_: Any, **__: Any) -> None:
        """Close the connection, because the greenlet of the user has ended, or the test."""
        self.handlers.end()
        self._engine.arrivals.leave(self)
        if self.connection is not None:
            self.connection.close()

    # Sending and asking

    def emit(
        self,
        event: str,
        args: tuple[Any, ...],
        namespace: str,
        callback: Handler | None = None,
        timeout: float = 10.0,
        name: str | None = None,
    ) -> None:
        """Emit. `callback` is called with the values of the ack, as a handler. Raises SwarmError."""
        if callback is not None:
            self.ask(event, args, namespace, timeout, name, partial(self._run_callback, callback))
            return
        series = self.series("SIO emit", name or event)
        try:
            self.live(namespace).emit(event, *args, namespace=namespace)
        except (SwarmError, WireError) as error:
            raise _counted(series, error) from None
        series.count()

    def _run_callback(self, callback: Handler, values: list[Any] | None, failure: SwarmError | None) -> None:
        if values is not None:
            self.handlers.run_later(callback, values)

    def ask(
        self,
        event: str,
        args: tuple[Any, ...],
        namespace: str,
        timeout: float,
        name: str | None,
        done: Callable[[list[Any] | None, SwarmError | None], None],
    ) -> None:
        """Emit, and call `done` on the hub with the values of the ack or the failure."""
        series = self.series("SIO ack", name or event)
        started = monotonic_ns()

        def answered(values: list[Any] | None, failure: SwarmError | None) -> None:
            # Measured here, because the greenlet may wake up late.
            if failure is None:
                series.record((monotonic_ns() - started) / 1000)
            elif failure.kind != Kind.LEFT:
                series.error(failure.kind)
            done(values, failure)

        try:
            self.live(namespace).emit(event, *args, namespace=namespace, ack=answered, timeout=timeout)
        except (SwarmError, WireError) as error:
            raise _counted(series, error) from None

    def answer_of(
        self, event: str, args: tuple[Any, ...], namespace: str, timeout: float, name: str | None
    ) -> list[Any]:
        """Emit, wait for the ack, and return its values. Raises SwarmError."""
        waiter, handlers = Waiter(), self.handlers

        def wake(values: list[Any] | None, failure: SwarmError | None) -> None:
            # A handler runs first if its event came before the ack, and after a failure everybody hears of
            # it first. Otherwise the greenlet goes on now, inside of this call.
            if failure is None and not handlers.unfinished:
                waiter.switch((values, failure))
            else:
                self._engine.loop.run_callback(waiter.switch, (values, failure))

        self.ask(event, args, namespace, timeout, name, wake)
        values: list[Any] | None
        values, failure = waiter.get()
        self.waited = True
        if failure is not None:
            raise failure
        return values or []

    def event_after(
        self,
        event: str,
        args: tuple[Any, ...],
        namespace: str,
        timeout: float,
        name: str | None,
        awaited: str,
        where: Callable[..., Any] | None,
    ) -> list[Any]:
        """Emit, wait for an event `awaited` for which `where` is true, and return its values.

        Raises SwarmError. `where` is called in the greenlet of the user, because it may raise.
        """
        series = self.series("SIO answer", name or event)
        candidates: Any = SimpleQueue()
        entry = (namespace, awaited, candidates)
        started = monotonic_ns()
        self._awaited.append(entry)
        try:
            connection = self.live(namespace)
            connection.emit(event, *args, namespace=namespace)
            return self._first(series, candidates, started, timeout, where)
        except Empty:
            raise _counted(series, connection.no_answer(f"no event {awaited!r}")) from None
        except (SwarmError, WireError) as error:
            raise _counted(series, error) from None
        finally:
            self._awaited.remove(entry)

    def event_by_itself(
        self,
        awaited: str,
        namespace: str,
        timeout: float,
        name: str | None,
        where: Callable[..., Any] | None,
        after: Callable[[], Any] | None,
    ) -> list[Any]:
        """Wait for an event `awaited` for which `where` is true, and return its values. Raises SwarmError.

        `after` is called first, and what comes meanwhile counts. Its errors are not counted here.
        """
        series = self.series("SIO wait", name or awaited)
        candidates: Any = SimpleQueue()
        entry = (namespace, awaited, candidates)
        started = monotonic_ns()
        self._awaited.append(entry)
        try:
            if after is not None:
                after()
            try:
                if candidates.empty():
                    self.live(namespace)
                return self._first(series, candidates, started, timeout, where)
            except Empty:
                raise _counted(series, SwarmError(Kind.TIMEOUT, f"no event {awaited!r}")) from None
            except SwarmError as error:
                raise _counted(series, error) from None
        finally:
            self._awaited.remove(entry)

    @staticmethod
    def _first(
        series: Series,
        candidates: Any,
        started: int,
        timeout: float,
        where: Callable[..., Any] | None,
    ) -> list[Any]:
        """The values of the first candidate for which `where` is true. Records when it came. Raises Empty."""
        end = monotonic_ns() + int(timeout * SECOND)
        while True:
            left = (end - monotonic_ns()) / SECOND
            if left <= 0:
                raise Empty
            came, values, failure = candidates.get(timeout=left)
            if failure is not None:
                raise failure
            if where is None or where(*values):
                series.record((came - started) / 1000)
                return list(values)

    def _end_waiting(self, failure: SwarmError) -> None:
        for _, _, candidates in self._awaited:
            candidates.put((0, (), failure))

    # What the connection tells

    def connected(self, connection: Connection, namespace: str) -> None:
        self._arrived = True
        self._engine.arrivals.arrive(self)
        answer = self._answers.get(namespace)
        if answer is not None:
            answer.set((connection.namespaces[namespace], None))
        self.handlers.tell(namespace, "connect")

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        answer = self._answers.get(namespace)
        if answer is not None:
            answer.set(("", SwarmError(Kind.CONNECT_REFUSED, str(data))))
        self.handlers.tell(namespace, "connect_error", data)

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        self.series("SIO event", name).count()
        if self._awaited:
            now = monotonic_ns()
            for where, awaited, candidates in self._awaited:
                if where == namespace and awaited == name:
                    candidates.put((now, args, None))
        handlers = self.handlers
        handler = handlers.by_name.get((namespace, name))
        if handler is None and handlers.wild:
            handler, args = handlers.other(namespace, name, args)
        if handler is not None:
            answer = None
            if ack_id is not None:
                answer = partial(self._acknowledge, connection.session.id, namespace, ack_id)
            handlers.run_later(handler, args, answer)
        elif ack_id is not None:
            connection.ack(ack_id, namespace=namespace)

    def _acknowledge(self, session_id: str | None, namespace: str, ack_id: int, result: Any) -> None:
        """Send the ack of an event, with what its handler returned."""
        # In another session the same ack id belongs to another event.
        if session_id != self.session_id or namespace not in self.namespaces:
            return
        values = () if result is None else result if isinstance(result, tuple) else (result,)
        try:
            self.live(namespace).ack(ack_id, *values, namespace=namespace)
        except (SwarmError, WireError) as error:
            _counted(self.series("SIO emit", "ack"), error)

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self.handlers.tell(namespace, "disconnect", "io server disconnect")

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        self._end_waiting(failure)
        self.handlers.tell_all(failure.kind)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        for answer in self._answers.values():
            answer.set(("", failure or SwarmError(Kind.LEFT)))
        self._answers.clear()
        self._end_waiting(failure or SwarmError(Kind.LEFT))
        self._ended.set()
        if connection.namespaces:
            self.handlers.tell_all(failure.kind if failure is not None else "io client disconnect")


def _counted(series: Series, error: SwarmError | WireError) -> SwarmError:
    """Count the error, if it is one, and return it as a SwarmError."""
    failure = error if isinstance(error, SwarmError) else SwarmError(Kind.CANNOT_BE_SENT, str(error))
    if failure.kind != Kind.LEFT:
        series.error(failure.kind)
    return failure
