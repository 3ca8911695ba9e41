"""A namespace as a class: the event `my_event` goes to the method `on_my_event`. It ignores other events."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import Namespace, emit

from server_under_test.reference.extensions import socketio


class MyCustomNamespace(Namespace):
    def on_connect(self) -> None:
        emit("my_response", "connected")

    def on_disconnect(self, reason: str) -> None:
        self.emit("left", {"sid": request.sid})

    def on_my_event(self, data: Any) -> None:
        emit("my_response", data)

    def on_tell_all(self, data: Any) -> None:
        """The namespace's own emit() reaches everybody in it and needs no namespace argument."""
        self.emit("told", data)

    def on_shared(self) -> str:
        return "method"


socketio.on_namespace(MyCustomNamespace("/class"))


@socketio.on("shared", namespace="/class")
def shared() -> str:
    """A function for an event hides the method of the class."""
    return "function"
