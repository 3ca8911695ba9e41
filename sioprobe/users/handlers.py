"""The handlers of one `SocketIOUser`, and the greenlet that runs them one after the other."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

import gevent
from gevent.queue import SimpleQueue

from sioprobe.engine.namespaces import check_namespace

__all__ = ["Handler", "Handlers"]

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]


class Handlers:
    """`by_name` holds them by namespace and event. `failed` is called with each exception of a handler."""

    __slots__ = ("_failed", "_jobs", "_worker", "by_name")

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
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

    def run_later(self, handler: Handler, args: Any, answer: Callable[[Any], None] | None = None) -> None:
        """Run a handler in the greenlet of the handlers.

        `answer` is called there afterwards, with what the handler returned, or with None if it raised.
        """
        if self._worker is None:
            self._jobs = SimpleQueue()
            self._worker = gevent.spawn(self._work, self._jobs)
        self._jobs.put((handler, args, answer))

    def _work(self, jobs: Any) -> None:
        while True:
            handler, args, answer = jobs.get()
            result: Any = None
            try:
                result = handler(*args)
            except Exception as error:
                logger.exception("handler %r", getattr(handler, "__name__", handler))
                self._failed(error)
            if answer is not None:
                answer(result)

    def tell(self, namespace: str, name: str, *args: Any) -> None:
        """Run the handler of something that is not an event of the server."""
        handler = self.by_name.get((namespace, name))
        if handler is not None:
            try:
                inspect.signature(handler).bind(*args)
            except TypeError:
                args = ()  # a handler of `disconnect` without the parameter for the reason
            except ValueError:
                pass
            self.run_later(handler, args)

    def tell_all(self, reason: str) -> None:
        """Run the `disconnect` handlers of all namespaces."""
        for namespace in self.namespaces:
            self.tell(namespace, "disconnect", reason)
