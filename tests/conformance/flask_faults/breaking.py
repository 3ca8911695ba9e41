"""How something of the running server is broken: each function makes a `Break`, done in the fork."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from server_under_test.reference.flask_contract.extensions import options_socketio, socketio

Break = Callable[[], Any]

# By the name of a fault: what it does, and the cases that notice it (without `test_flask_`).
Faults = dict[str, tuple[Break, tuple[str, ...]]]


def nothing(*arguments: Any, **named: Any) -> None:
    """Stands in for what is taken away."""


def wrapped(find: Callable[[], Any], name: str, wrapper: Callable[..., Any]) -> Break:
    """`wrapper(original, *arguments)` takes the place of an attribute. What owns it is found in the fork."""
    return lambda: setattr(find(), name, partial(wrapper, getattr(find(), name)))


def replaced(find: Callable[[], Any], name: str, value: Any) -> Break:
    return lambda: setattr(find(), name, value)


def handled_by(namespace: str, event: str, handler: Callable[..., Any]) -> Break:
    """Another function in the application for this event."""
    return lambda: socketio.on_event(event, handler, namespace=namespace)


def handler_wrapped(namespace: str, event: str, wrapper: Callable[..., Any]) -> Break:
    """Around what Flask-SocketIO registered with python-socketio."""

    def do() -> None:
        handlers = socketio.server.handlers[namespace]
        handlers[event] = partial(wrapper, handlers[event])

    return do


def forgotten(namespace: str, event: str, server: Any = socketio) -> Break:
    return lambda: server.server.handlers[namespace].pop(event)


def server() -> Any:
    return socketio.server


def manager() -> Any:
    return socketio.server.manager


def engine() -> Any:
    return socketio.server.eio


def options_server() -> Any:
    return options_socketio.server


def options_engine() -> Any:
    return options_socketio.server.eio


def this(owner: Any) -> Callable[[], Any]:
    return lambda: owner


def triggered(change: Callable[[str, Callable[[], Any]], Any], find: Callable[[], Any] = server) -> Break:
    """`change(event, run)` decides what comes of running the handlers of an event."""

    def wrapper(original: Callable[..., Any], event: str, namespace: str, *arguments: Any) -> Any:
        return change(event, lambda: original(event, namespace, *arguments))

    return wrapped(find, "_trigger_event", wrapper)


def returned(change: Callable[[Any], Any], *events: str, find: Callable[[], Any] = server) -> Break:
    """What handlers return is changed; for all events where none is named."""

    def decide(event: str, run: Callable[[], Any]) -> Any:
        value = run()
        return change(value) if not events or event in events else value

    return triggered(decide, find)


def no_type_error(event: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except TypeError as error:
        raise RuntimeError(str(error)) from None
