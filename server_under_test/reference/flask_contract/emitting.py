"""emit() and send() with the arguments that a client gives: values, and an object of named arguments."""

from __future__ import annotations

from typing import Any

from flask_socketio import emit, join_room, send

from server_under_test.reference.flask_contract.arguments import name_of_error, python_value
from server_under_test.reference.flask_contract.extensions import socketio

NAMESPACES = ("/emit", "/emit-too")


def join_by_name(*rooms: str) -> None:
    for room in rooms:
        join_room(room)


def emit_it(event: str, values: list[Any], named: dict[str, Any]) -> None:
    """Emit in the context of the event of the client."""
    emit(event, *map(python_value, values), **named)


def send_it(value: Any, named: dict[str, Any]) -> None:
    send(value, **named)


def emit_as_the_server(event: str, values: list[Any], named: dict[str, Any]) -> None:
    """Emit as outside an event: to all in the namespace, unless an argument says otherwise."""
    socketio.emit(event, *map(python_value, values), **named)


def send_as_the_server(value: Any, named: dict[str, Any]) -> None:
    socketio.send(value, **named)


def emit_in_the_background(event: str, last: int, sid: str, namespace: str) -> None:
    """Return at once. The task belongs to no client."""
    socketio.start_background_task(count, event, last, sid, namespace)


def count(event: str, last: int, sid: str, namespace: str) -> None:
    for number in range(1, last + 1):
        socketio.emit(event, number, to=sid, namespace=namespace)
        socketio.sleep(0)


for namespace in NAMESPACES:
    socketio.on_event("join", join_by_name, namespace=namespace)
    socketio.on_event("emit", emit_it, namespace=namespace)
    socketio.on_event("send", send_it, namespace=namespace)
    socketio.on_event("server emit", emit_as_the_server, namespace=namespace)
    socketio.on_event("server send", send_as_the_server, namespace=namespace)
    socketio.on_event("background", emit_in_the_background, namespace=namespace)
    socketio.on_error(namespace)(name_of_error)
