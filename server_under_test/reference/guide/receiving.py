"""Events that the server receives: unnamed, named, with any data, in a namespace, with an acknowledgement."""

from __future__ import annotations

from typing import Any

from flask_socketio import emit, send

from server_under_test.reference.extensions import socketio


@socketio.on("connect", namespace="/guide")
def guide_connect() -> None:
    """A namespace exists as soon as it has a handler. This handler does nothing else."""


@socketio.on("message", namespace="/guide")
def handle_message(message: str) -> None:
    """The unnamed event with a string."""
    send("received message: " + message)


@socketio.on("json", namespace="/guide")
def handle_json(json: Any) -> None:
    """The unnamed event with JSON."""
    send({"received json": json}, json=True)


@socketio.on("my event", namespace="/guide")
def handle_my_custom_event(data: Any) -> None:
    """A named event. Its data is a string, bytes, an integer or JSON."""
    emit("my response", data)


@socketio.on("my arguments", namespace="/guide")
def handle_several_arguments(first: Any, second: Any, third: Any) -> None:
    emit("my response", {"first": first, "second": second, "third": third})


@socketio.on("my event", namespace="/test")
def handle_my_custom_namespace_event(data: Any) -> None:
    """The same name in another namespace is another event."""
    emit("my response", {"in /test": data})


def my_function_handler(data: Any) -> None:
    emit("my response", {"on_event": data})


# Without a decorator.
socketio.on_event("my function", my_function_handler, namespace="/test")


@socketio.on("ack nothing", namespace="/guide")
def acknowledge_without_arguments() -> None:
    """The acknowledgement of this event has no arguments."""


@socketio.on("ack one", namespace="/guide")
def acknowledge_with_one_argument(data: Any) -> Any:
    return data


@socketio.on("ack several", namespace="/guide")
def acknowledge_with_several_arguments(data: Any) -> tuple[Any, ...]:
    """A tuple becomes several arguments for the callback of the client."""
    return "one", 2, data
