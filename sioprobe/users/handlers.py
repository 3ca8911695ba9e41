"""The handlers of one `SocketIOUser`, and the greenlet that runs them one after the other."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from gevent.queue import SimpleQueue

from sioprobe.engine.errors import SwarmError
from sioprobe.engine.namespaces import check_namespace
from sioprobe.measured.recorder import Series
from sioprobe.wire import WireError

if TYPE_CHECKING:
    from sioprobe.users.client import UserClient
    from sioprobe.users.user import SocketIOUser

__all__ = ["Handler", "Handlers", "counted"]

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]


def counted(series: Series, error: SwarmError | WireError) -> SwarmError:
    """The error as one of the swarm's, counted."""
    failure = error if isinstance(error, SwarmError) else SwarmError("cannot be sent", str(error))
    series.error(failure.kind)
    return failure


class Handlers:
    """`by_name` has them by namespace and event."""

    __slots__ = ("_client", "_jobs", "_user", "_worker", "by_name")

    def __init__(self, user: SocketIOUser, client: UserClient) -> None:
        self._user = user
        self._client = client
        self.by_name: dict[tuple[str, str], Handler] = {}
        self._jobs: Any = None
        self._worker: Any = None

    def end(self) -> None:
        """Run no further handler."""
        if self._worker is not None:
            self._worker.kill(block=False)

    def handle(self, event: str, handler: Handler, namespace: str) -> None:
        """Call the handler for each such event. Raises SwarmError."""
        check_namespace(namespace)
        self.by_name[namespace, event] = handler

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that have handlers."""
        return list(dict.fromkeys(namespace for namespace, _ in self.by_name))

    def run_later(self, handler: Handler, args: Any, answer: Any = (None, "", None)) -> None:
        """Run a handler in the user's greenlet for them; `answer` is session, namespace and ack id."""
        if self._worker is None:
            self._jobs = SimpleQueue()
            self._worker = gevent.spawn(self._work, self._jobs)
        self._jobs.put((handler, args, answer))

    def _work(self, jobs: Any) -> None:
        client = self._client
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
            if ack_id is not None and session_id == client.session_id and namespace in client.namespaces:
                values = () if result is None else result if isinstance(result, tuple) else (result,)
                try:
                    client.live(namespace).ack(ack_id, *values, namespace=namespace)
                except (SwarmError, WireError) as error:
                    counted(client.series("SIO emit", "ack"), error)

    def tell(self, namespace: str, name: str, *args: Any) -> None:
        """Run the handler of something that is no event of the server."""
        handler = self.by_name.get((namespace, name))
        if handler is not None:
            try:
                inspect.signature(handler).bind(*args)
            except TypeError:
                args = ()  # a handler of `disconnect` that does not ask for the reason
            except ValueError:
                pass
            self.run_later(handler, args)

    def tell_all(self, reason: str) -> None:
        """Every namespace that has handlers is disconnected."""
        for namespace in self.namespaces:
            self.tell(namespace, "disconnect", reason)
