"""Handlers of the application with other options: catch-alls for everything, default error handlers."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError, emit

from server_under_test.reference.flask_contract import dispatching
from server_under_test.reference.flask_contract.extensions import options_socketio


@options_socketio.on("connect", namespace="*")
def connect_anywhere(auth: Any = None) -> None:
    """A namespace without a connect handler of its own."""
    emit("connected anywhere", request.namespace)


@options_socketio.on("*", namespace="*")
def anything_anywhere(*arguments: Any) -> list[Any]:
    return ["anything anywhere", list(arguments)]


@options_socketio.on("connect", namespace="/refuses")
def refuse(auth: Any = None) -> None:
    raise ConnectionRefusedError("nope")


@options_socketio.on("raise", namespace="/handled")
@options_socketio.on("raise", namespace="/default")
def raise_an_error(text: str) -> None:
    raise RuntimeError(text)


@options_socketio.on_error("/handled")
def own_error_handler(error: Exception) -> list[str]:
    return ["own", str(error)]


@options_socketio.on_error_default
def default_error_handler(error: Exception) -> list[str]:
    return ["default", str(error)]


options_socketio.on_event("wait", dispatching.wait, namespace=dispatching.NAMESPACE)
options_socketio.on_event("open", dispatching.open_gate, namespace=dispatching.NAMESPACE)
options_socketio.on_event("echo", dispatching.echo, namespace=dispatching.NAMESPACE)
