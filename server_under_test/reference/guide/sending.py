"""A handler sends events: unnamed, named, to another namespace, with several arguments, with a callback."""

from __future__ import annotations

from typing import Any

from flask_socketio import emit, send

from server_under_test.reference.extensions import socketio


@socketio.on("send it back", namespace="/guide")
def send_back(message: Any) -> None:
    """send() for unnamed events, to the sender, in the namespace of the event."""
    send(message)


@socketio.on("send json back", namespace="/guide")
def send_json_back(data: Any) -> None:
    send(data, json=True)


@socketio.on("emit it back", namespace="/guide")
def emit_back(data: Any) -> None:
    """emit() for named events."""
    emit("my response", data)


@socketio.on("send to the chat", namespace="/guide")
def send_to_another_namespace(message: Any) -> None:
    """A client has another id in each namespace, so this reaches everybody there, not the sender."""
    send(message, namespace="/chat", broadcast=True)


@socketio.on("emit to the chat", namespace="/guide")
def emit_to_another_namespace(data: Any) -> None:
    emit("my response", data, namespace="/chat", broadcast=True)


@socketio.on("emit a tuple", namespace="/guide")
def emit_several_arguments(data: Any) -> None:
    emit("my response", ("foo", "bar", data))


@socketio.on("emit with a callback", namespace="/guide")
def emit_with_callback(data: Any) -> None:
    """The answer of the client's callback arrives here as arguments."""

    def ack(*answer: Any) -> None:
        emit("acknowledged", answer)

    emit("my response", data, callback=ack)


@socketio.on("send with a callback", namespace="/guide")
def send_with_callback(message: Any) -> None:
    def ack(*answer: Any) -> None:
        emit("acknowledged", answer)

    send(message, callback=ack)
