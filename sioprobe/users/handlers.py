"""The handlers of one `SocketIOUser`, and the greenlet that runs them one after the other."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
from gevent.queue import SimpleQueue

from sioprobe.engine.namespaces import check_namespace

__all__ = ["Handler", "Handlers"]

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]

ANY = "*"
"""In place of a namespace or an event: each that has no handler of its own."""


class Handlers:
    """`by_name` holds them by namespace and event. `failed` is called with each exception of a handler.

    `wild` says that events without a handler of their own may have another, see `other`.
    """

    __slots__ = ("_classes", "_failed", "_jobs", "_worker", "by_name", "unfinished", "wild")

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self.by_name: dict[tuple[str, str], Handler] = {}
        self.wild = False
        self._classes: dict[str, Any] = {}
        self._jobs: Any = None
        self._worker: Any = None
        self.unfinished = 0
        """How many handlers have to run, or have not ended."""

    def end(self) -> None:
        """Run no further handler."""
        if self._worker is not None:
            self._worker.kill(block=False)

    def handle(self, event: str, handler: Handler, namespace: str) -> None:
        """Call the handler for each such event. Raises SwarmError, and TypeError for what is no handler."""
        if not callable(handler):
            kind = type(handler).__name__
            raise TypeError(f"the handler of {event!r} is {kind}, not a function: give it without ()")
        if inspect.iscoroutinefunction(handler):
            raise TypeError(f"the handler of {event!r} is async, and nobody would await it: write def")
        if namespace != ANY:
            check_namespace(namespace)
        self.by_name[namespace, event] = handler
        self.wild = self.wild or ANY in (namespace, event)

    def handle_all(self, taker: Any, namespace: str) -> None:
        """Let `taker` take the events of a namespace that have no handler: `trigger_event(event, *args)`.

        The `socketio.ClientNamespace` of python-socketio has it.
        """
        self._classes[namespace] = taker
        self.wild = True

    def other(self, namespace: str, event: str, args: list[Any]) -> tuple[Handler | None, list[Any]]:
        """What handles an event that has no handler of its own, and its arguments: as in python-socketio."""
        by_name = self.by_name
        if (handler := by_name.get((namespace, ANY))) is not None:
            return handler, [event, *args]
        if (handler := by_name.get((ANY, event))) is not None:
            return handler, [namespace, *args]
        if (handler := by_name.get((ANY, ANY))) is not None:
            return handler, [event, namespace, *args]
        return self._of_class(namespace, event, args)

    def _of_class(self, namespace: str, event: str, args: list[Any]) -> tuple[Handler | None, list[Any]]:
        if (found := self._classes.get(namespace)) is not None:
            return partial(found.trigger_event, event), args
        if (found := self._classes.get(ANY)) is not None:
            return partial(found.trigger_event, event), [namespace, *args]
        return None, args

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that have handlers."""
        names = dict.fromkeys((*(namespace for namespace, _ in self.by_name), *self._classes))
        return [name for name in names if name != ANY]

    def run_later(self, handler: Handler, args: Any, answer: Callable[[Any], None] | None = None) -> None:
        """Run a handler in the greenlet of the handlers.

        `answer` is called there afterwards, with what the handler returned, or with None if it raised.
        """
        if self._worker is None:
            self._jobs = SimpleQueue()
            self._worker = gevent.spawn(self._work, self._jobs)
        self.unfinished += 1
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
            self.unfinished -= 1

    def tell(self, namespace: str, name: str, *given: Any) -> None:
        """Run the handler of something that is not an event of the server."""
        args: Any = given
        handler = self.by_name.get((namespace, name))
        if handler is None and (handler := self.by_name.get((ANY, name))) is not None:
            args = (namespace, *args)
        if handler is None:
            handler, args = self._of_class(namespace, name, list(args))
        if handler is not None:
            try:
                inspect.signature(handler).bind(*args)
            except TypeError:
                args = args[:-1]  # a handler of `disconnect` without the parameter for the reason
            except ValueError:
                pass
            self.run_later(handler, args)

    def tell_all(self, reason: str) -> None:
        """Run the `disconnect` handlers of all namespaces."""
        for namespace in self.namespaces:
            self.tell(namespace, "disconnect", reason)
