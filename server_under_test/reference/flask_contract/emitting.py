"""emit() and send() as a client asks for them: values, and named arguments as an object."""

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
    """In the context of the client's event."""
    emit(event, *map(python_value, values), **named)


def send_it(value: Any, named: dict[str, Any]) -> None:
    send(value, **named)


def emit_as_the_server(event: str, values: list[Any], named: dict[str, Any]) -> None:
    """As outside of any event: to all in the namespace, unless it says otherwise."""
    socketio.emit(event, *map(python_value, values), **named)


def send_as_the_server(value: Any, named: dict[str, Any]) -> None:
    socketio.send(value, **named)


def emit_in_the_background(event: str, last: int, sid: str, namespace: str) -> None:
    """Returns at once; the task has no client in sight."""
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
