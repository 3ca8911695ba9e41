"""Questions of the server: emit() with a callback, and call(), which waits for the answer."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_socketio import call, emit, join_room

from server_under_test.reference.flask_contract.arguments import name_of_error
from server_under_test.reference.flask_contract.extensions import options_socketio, socketio

# In the second namespace a client can have everybody asked.
NAMESPACES = ("/ask", "/ask-all")


def ask(event: str, named: dict[str, Any]) -> None:
    """Send the answer to the client that asked, with the id that the callback sees."""

    def answered(*answer: Any) -> None:
        emit("answered", (event, request.sid, list(answer)))

    emit(event, callback=answered, **named)


def join(room: str) -> None:
    join_room(room)


def call_it(event: str, named: dict[str, Any]) -> list[Any]:
    """The type and the value of the return value of call()."""
    value = call(event, **named)
    return [type(value).__name__, value]


def waits_for(sid: str) -> bool:
    """Whether this process keeps callbacks for the client."""
    return sid in current_app.extensions["socketio"].server.manager.callbacks


for server in (socketio, options_socketio):
    for namespace in NAMESPACES:
        server.on_event("ask", ask, namespace=namespace)
        server.on_event("join", join, namespace=namespace)
        server.on_event("call", call_it, namespace=namespace)
        server.on_event("waits for", waits_for, namespace=namespace)
        server.on_error(namespace)(name_of_error)
