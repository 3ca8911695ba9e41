"""Connect handlers that accept, refuse, fail, or read the `auth` of the client."""

from __future__ import annotations

import builtins
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError, disconnect, emit

from server_under_test.reference.flask_contract.extensions import socketio


@socketio.on("connect")
def connect_main() -> None:
    """The main namespace accepts everybody."""


@socketio.on("message-with-ack")
def message_with_ack(*arguments: Any) -> tuple[Any, ...]:
    return arguments


@socketio.on("connect", namespace="/returns")
def connect_and_return(auth: Any) -> Any:
    return auth["value"]


@socketio.on("connect", namespace="/refuses")
def connect_and_refuse(auth: Any) -> None:
    raise ConnectionRefusedError(*auth["arguments"])


@socketio.on("connect", namespace="/refuses-builtin")
def connect_and_raise_pythons_own() -> None:
    """Python has an exception with the same name."""
    raise builtins.ConnectionRefusedError("nope")


@socketio.on("connect", namespace="/raises")
def connect_and_raise() -> None:
    raise RuntimeError("cannot connect")


@socketio.on("connect", namespace="/raises-handled")
def connect_and_raise_to_a_handler(auth: Any) -> None:
    raise RuntimeError("cannot connect")


@socketio.on_error("/raises-handled")
def decide(error: Exception) -> Any:
    """The return value of an error handler replaces that of the connect handler."""
    _, auth = request.event["args"]
    return auth["value"]


@socketio.on("connect", namespace="/type-error")
def connect_and_raise_a_type_error(auth: Any = None) -> None:
    emit("running", {"auth": auth})
    raise TypeError("not about the arguments")


@socketio.on("connect", namespace="/auth")
def connect_with_auth(auth: Any) -> None:
    # Not alone: emit() drops a bare None.
    emit("given", {"auth": auth})


@socketio.on("connect", namespace="/no-auth")
def connect_without_auth() -> None:
    emit("connected")


@socketio.on("connect", namespace="/disconnects")
def connect_and_disconnect() -> None:
    disconnect()


@socketio.on("still here", namespace="/disconnects")
def still_here() -> str:
    return "yes"


@socketio.on("connect", namespace="/refuses-handled")
def connect_and_refuse_beside_an_error_handler() -> None:
    raise ConnectionRefusedError("nope")


@socketio.on_error("/refuses-handled")
def accept(error: Exception) -> bool:
    """Never called: a refusal is no error."""
    return True
