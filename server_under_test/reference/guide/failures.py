"""Handlers that raise: Flask-SocketIO calls the error handler of the namespace, else the default one.

The return value of an error handler is the acknowledgement of the failed event.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import emit

from server_under_test.reference.extensions import socketio


@socketio.on("my error event")
@socketio.on("my error event", namespace="/chat")
@socketio.on("my error event", namespace="/guide")
def on_my_event(data: Any) -> None:
    raise RuntimeError("my error")


@socketio.on_error()
def error_handler(error: Exception) -> None:
    """For the main namespace."""
    _tell("on_error()", error)


@socketio.on_error("/chat")
def error_handler_chat(error: Exception) -> None:
    """For `/chat`."""
    _tell("on_error('/chat')", error)


@socketio.on_error_default
def default_error_handler(error: Exception) -> None:
    """For every namespace without a handler of its own."""
    _tell("on_error_default", error)


def _tell(handler: str, error: Exception) -> None:
    """Tell the client who handled which error. request.event holds the event that it sent."""
    event = {"message": request.event["message"], "args": list(request.event["args"])}
    emit("error handled", {"by": handler, "error": str(error), "event": event})
