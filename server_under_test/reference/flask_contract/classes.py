"""A namespace as a class, with the error handler that a class may have."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import Namespace

from server_under_test.reference.flask_contract.extensions import socketio


class ClassNamespace(Namespace):
    def on_connect(self) -> None:
        pass

    def on_echo(self, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    def on_emit(self, event: str, data: Any, named: dict[str, Any]) -> None:
        """The emit() of the class, which takes fewer arguments."""
        self.emit(event, data, **named)

    def on_raise(self, text: str) -> None:
        raise RuntimeError(text)

    def error(self, error: Exception) -> str:
        return f"{type(error).__name__} in {self.namespace}"

    def on_where(self) -> list[Any]:
        return [request.sid, request.namespace, request.event["message"], list(request.event["args"])]

    def on_both(self) -> str:
        return "method"

    def on_everywhere(self) -> str:
        return "method"


socketio.on_namespace(ClassNamespace("/class"))


@socketio.on("both", namespace="/class")
def both() -> str:
    return "function"
