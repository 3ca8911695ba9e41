"""One event to everybody in the namespace, with or without its sender.

A broadcast asks nobody for an acknowledgement.
Flask-SocketIO allows a callback here. Its behaviour then depends on the number of processes.
"""

from __future__ import annotations

from typing import Any

from flask_socketio import emit, send

from server_under_test.reference.extensions import socketio


@socketio.on("my broadcast event", namespace="/guide")
def broadcast_event(data: Any) -> None:
    emit("my response", data, broadcast=True)


@socketio.on("my broadcast message", namespace="/guide")
def broadcast_message(message: Any) -> None:
    send(message, broadcast=True)


@socketio.on("my broadcast to others", namespace="/guide")
def broadcast_without_the_sender(data: Any) -> None:
    emit("my response", data, broadcast=True, include_self=False)
