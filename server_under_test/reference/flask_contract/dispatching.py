"""Which handler gets an event, and what the handler sees in `request`."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import Namespace, emit

from server_under_test.reference.flask_contract.extensions import socketio

NAMESPACE = "/handlers"

gates: dict[str, Any] = {}


@socketio.on("where", namespace=NAMESPACE)
def where(*arguments: Any) -> list[Any]:
    return [request.sid, request.namespace, request.event["message"], list(request.event["args"])]


@socketio.on("again", namespace=NAMESPACE)
def registered_first() -> str:
    return "first"


@socketio.on("again", namespace=NAMESPACE)
def registered_again() -> str:
    return "second"


def plain_function() -> str:
    return "on_event"


socketio.on_event("plain", plain_function, namespace=NAMESPACE)


@socketio.event(namespace=NAMESPACE)
def named_by_its_function() -> str:
    return "event"


@socketio.on("everywhere", namespace="*")
def everywhere(*arguments: Any) -> list[Any]:
    """An event of every namespace."""
    return ["everywhere", request.namespace, list(arguments)]


# A namespace with a catch-all, which gets every event without a handler of its own.


@socketio.on("named", namespace="/catch-all")
def named(*arguments: Any) -> str:
    return "function"


@socketio.on("*", namespace="/catch-all")
def catch_all(event: str, *arguments: Any) -> list[Any]:
    return ["caught", event, list(arguments), request.event["message"], list(request.event["args"])]


class Hidden(Namespace):
    """Registered after the catch-all."""

    def on_method(self) -> str:
        return "method"


socketio.on_namespace(Hidden("/catch-all"))


@socketio.on("*", namespace="/catch-all-speaking")
def catch_all_speaking(event: str, *arguments: Any) -> None:
    emit("caught", event)


# Events that wait for other events.


def gate(name: str) -> Any:
    return gates.setdefault(name, socketio.server.eio.create_event())


def wait(name: str) -> str:
    """Wait until somebody opens the gate, ten seconds at most."""
    gate(name).wait(10)
    gates.pop(name, None)
    return "waited"


def open_gate(name: str) -> str:
    gate(name).set()
    return "opened"


def echo(*arguments: Any) -> tuple[Any, ...]:
    return arguments


socketio.on_event("wait", wait, namespace=NAMESPACE)
socketio.on_event("open", open_gate, namespace=NAMESPACE)
socketio.on_event("echo", echo, namespace=NAMESPACE)
