"""What a `SocketIOUser` holds behind one attribute: connection, handlers, and the greenlet that runs them.

The hub tells a `UserClient` what comes; it wakes the greenlets that wait and queues the handlers' calls. Here
and not in the user's class, whose names belong to whoever writes tasks.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import AsyncResult, Event
from gevent.queue import SimpleQueue

from sioprobe.swarm.connection import Connection
from sioprobe.swarm.engine import Engine
from sioprobe.swarm.errors import LEFT, SwarmError
from sioprobe.swarm.listener import Listener
from sioprobe.swarm.reconnect import Backoff
from sioprobe.swarm.recorder import Series
from sioprobe.swarm.user_target import backoff_of, target_of
from sioprobe.wire import WireError

if TYPE_CHECKING:
    from sioprobe.swarm.user import SocketIOUser

__all__ = ["Handler", "UserClient", "counted"]

logger = logging.getLogger(__name__)

CLOSE_DEADLINE = 3.0

Handler = Callable[..., Any]


def counted(series: Series, error: SwarmError | WireError) -> SwarmError:
    """The error as one of the swarm's, counted."""
    failure = error if isinstance(error, SwarmError) else SwarmError("cannot be sent", str(error))
    series.error(failure.kind)
    return failure


class UserClient(Listener):
    """One user's client. `series` is the recorder's."""

    __slots__ = (
        "_answers",
        "_ended",
        "_engine",
        "_handlers",
        "_jobs",
        "_user",
        "_worker",
        "connection",
        "series",
    )

    def __init__(self, user: SocketIOUser, engine: Engine) -> None:
        self._user = user
        self._engine = engine
        self.series = engine.recorder.series
        self.connection: Connection | None = None
        self._answers: dict[str, AsyncResult] = {}
        self._ended = Event()
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._jobs: Any = None
        self._worker: Any = None

    # Connecting

    @property
    def namespaces(self) -> dict[str, str]:
        """The connected namespaces, and the socket id in each."""
        connection = self.connection
        return dict(connection.namespaces) if connection is not None and not connection.closed else {}

    @property
    def session_id(self) -> str | None:
        """The id of the Engine.IO session; None where there is none."""
        return self.connection.session_id if self.connection is not None else None

    def live(self, namespace: str) -> Connection:
        """The connection. Raises SwarmError where that namespace is not connected."""
        connection = self.connection
        if connection is None or connection.closed:
            raise SwarmError("not connected")
        if namespace not in connection.namespaces:
            raise SwarmError("not connected", f"to namespace {namespace}")
        return connection

    def connect(self, namespace: str, auth: Any, timeout: float, *, retry: bool) -> str:
        """The socket id in a namespace that is connected now. Raises SwarmError."""
        backoff = backoff_of(self._user)
        attempt = 0
        while True:
            try:
                return self._connect_once(
                    namespace, auth, timeout, backoff if self._user.reconnection else None
                )
            except SwarmError:
                failed = self.connection is not None and self.connection.closed
                if not retry or not failed or attempt == backoff.attempts:
                    raise
            gevent.sleep(backoff.seconds(attempt))
            attempt += 1

    def _connect_once(self, namespace: str, auth: Any, timeout: float, backoff: Backoff | None) -> str:
        connection = self.connection
        if connection is None or connection.closed:
            target, transport = target_of(self._user)
            self._ended.clear()
            connection = self.connection = Connection(
                self._engine, target, transport, self, timeout=timeout, backoff=backoff
            )
        answer: AsyncResult = AsyncResult()
        connection.connect(namespace, auth)
        self._answers[namespace] = answer
        try:
            return str(answer.get(timeout=timeout + 1.0))
        except gevent.Timeout:
            raise SwarmError("connect timeout", namespace) from None
        finally:
            self._answers.pop(namespace, None)

    def disconnect(self, namespace: str | None) -> None:
        """Leave a namespace; without one, close the session and wait for the server."""
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

    def greenlet_ended(self, _: Any) -> None:
        """The user's greenlet is over, and so is the connection, whatever its `on_stop` did."""
        if self._worker is not None:
            self._worker.kill(block=False)
        if self.connection is not None:
            self.connection.close()

    # Asking

    def ask(
        self,
        event: str,
        args: tuple[Any, ...],
        namespace: str,
        timeout: float,
        name: str | None,
        done: Callable[[list[Any] | None, SwarmError | None], None],
    ) -> None:
        """Emit, and call `done` on the hub with the ack's values or the failure."""
        series = self.series("SIO ack", name or event)
        started = monotonic_ns()

        def answered(values: list[Any] | None, failure: SwarmError | None) -> None:
            # Here and not after the wait: the greenlet may wake up late.
            if failure is None:
                series.record((monotonic_ns() - started) / 1000)
            elif failure.kind != LEFT:
                series.error(failure.kind)
            done(values, failure)

        try:
            self.live(namespace).emit(event, *args, namespace=namespace, ack=answered, timeout=timeout)
        except (SwarmError, WireError) as error:
            raise counted(series, error) from None

    def answer_of(
        self, event: str, args: tuple[Any, ...], namespace: str, timeout: float, name: str | None
    ) -> list[Any]:
        """Emit, wait for the ack, and answer its values. Raises SwarmError."""
        answer: AsyncResult = AsyncResult()
        self.ask(
            event,
            args,
            namespace,
            timeout,
            name,
            lambda values, failure: answer.set(values) if failure is None else answer.set_exception(failure),
        )
        values: list[Any] = answer.get()
        return values

    # Handlers

    def handle(self, event: str, handler: Handler, namespace: str) -> None:
        """Call the handler for each such event."""
        self._handlers[namespace, event] = handler

    @property
    def handled_namespaces(self) -> list[str]:
        """The namespaces that have handlers."""
        return list(dict.fromkeys(namespace for namespace, _ in self._handlers))

    def run_later(self, handler: Handler, args: Any, answer: Any = (None, "", None)) -> None:
        """Run a handler in the user's greenlet for them; `answer` is session, namespace and ack id."""
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
                self._user.environment.events.user_error.fire(
                    user_instance=self._user, exception=error, tb=error.__traceback__
                )
            # An ack of a session that is over would answer another event of the next.
            if ack_id is not None and session_id == self.session_id and namespace in self.namespaces:
                values = () if result is None else result if isinstance(result, tuple) else (result,)
                try:
                    self.live(namespace).ack(ack_id, *values, namespace=namespace)
                except (SwarmError, WireError) as error:
                    counted(self.series("SIO emit", "ack"), error)

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
            self.run_later(handler, args)

    def _tell_all(self, reason: str) -> None:
        for namespace in self.handled_namespaces:
            self._tell(namespace, "disconnect", reason)

    # What the connection tells

    def connected(self, connection: Connection, namespace: str) -> None:
        answer = self._answers.get(namespace)
        if answer is not None:
            answer.set(connection.namespaces[namespace])
        self._tell(namespace, "connect")

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        answer = self._answers.get(namespace)
        if answer is not None:
            answer.set_exception(SwarmError("connect refused", str(data)))
        self._tell(namespace, "connect_error", data)

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        self.series("SIO event", name).count()
        handler = self._handlers.get((namespace, name))
        if handler is None:
            handler = self._handlers.get((namespace, "*"))
            args = [name, *args]
        if handler is not None:
            self.run_later(handler, args, (connection.session_id, namespace, ack_id))
        elif ack_id is not None:
            connection.ack(ack_id, namespace=namespace)

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self._tell(namespace, "disconnect", "io server disconnect")

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        self._tell_all(failure.kind)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        for answer in self._answers.values():
            answer.set_exception(failure or SwarmError(LEFT))
        self._answers.clear()
        self._ended.set()
        if connection.namespaces:
            self._tell_all(failure.kind if failure is not None else "io client disconnect")
