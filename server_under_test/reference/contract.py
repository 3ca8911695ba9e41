"""The contract: what every judged server does on `/`, `/custom`, `/auth` and `/reject`.

No other namespace has a handler, so the server refuses a CONNECT to it.
The connect handler emits the event `auth`.
Flask-SocketIO sends it before the CONNECT packet, unless the server runs with `always_connect=True`.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import (
    ConnectionRefusedError,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
)

from server_under_test.reference.extensions import socketio

NAMESPACES = ("/", "/custom", "/auth")


def connect(auth: Any = None) -> None:
    """Accept the client, and send back its `auth`."""
    # A tuple: emit() reads a bare list as one argument, but drops a bare None.
    emit("auth", ({} if auth is None else auth,))


@socketio.on("connect", namespace="/auth")
def connect_with_a_token(auth: Any = None) -> None:
    if auth != {"token": "good"}:
        raise ConnectionRefusedError("bad token")
    connect(auth)


@socketio.on("connect", namespace="/reject")
def never_connect(auth: Any = None) -> None:
    raise ConnectionRefusedError("not authorized", {"code": "E_AUTH"})


def message(*arguments: Any) -> None:
    emit("message-back", arguments)


def message_with_ack(*arguments: Any) -> tuple[Any, ...]:
    return arguments


def join(room: Any) -> list[Any]:
    join_room(room)
    return own_rooms()


def leave(room: Any) -> list[Any]:
    leave_room(room)
    return own_rooms()


def own_rooms() -> list[Any]:
    """The sorted rooms of this client, without the personal room that Socket.IO gives everybody."""
    return sorted((room for room in rooms() if room != request.sid), key=str)


def to_room_without_me(room: Any, event: str, *arguments: Any) -> None:
    emit(event, arguments, to=room, include_self=False)


def to_room(room: Any, event: str, *arguments: Any) -> None:
    emit(event, arguments, to=room)


def to_all_but_me(event: str, *arguments: Any) -> None:
    emit(event, arguments, broadcast=True, include_self=False)


def to_all(event: str, *arguments: Any) -> None:
    emit(event, arguments, broadcast=True)


def ask(event: str, *arguments: Any) -> None:
    """Ask the client, and send its answer back in `asked`."""
    emit(event, arguments, callback=lambda *answer: emit("asked", answer))


def ask_other(sid: str, event: str, *arguments: Any) -> None:
    """Ask a client of any process, and send its answer to the client that wants to know."""
    emit(event, arguments, to=sid, callback=lambda *answer: emit("asked", answer))


def join_other(sid: str, room: Any) -> str:
    join_room(room, sid=sid)
    return sid


def leave_other(sid: str, room: Any) -> str:
    leave_room(room, sid=sid)
    return sid


def disconnect_other(sid: str) -> str:
    disconnect(sid=sid)
    return sid


def close(room: Any) -> Any:
    close_room(room)
    return room


def count(room: Any, event: str, last: int) -> None:
    for number in range(last):
        emit(event, (number,), to=room)


def burst(count: int, size: int) -> None:
    for number in range(count):
        emit("b", (number, "x" * size))


def kick() -> None:
    """Disconnect this client from this namespace only."""
    disconnect()


def kick_all() -> None:
    """Close the whole Engine.IO session, with every namespace in it."""
    session_id = socketio.server.manager.eio_sid_from_sid(request.sid, request.namespace)
    socketio.server.eio.disconnect(session_id)


for namespace in NAMESPACES:
    if namespace != "/auth":
        socketio.on_event("connect", connect, namespace=namespace)
    socketio.on_event("message", message, namespace=namespace)
    socketio.on_event("message-with-ack", message_with_ack, namespace=namespace)
    socketio.on_event("join", join, namespace=namespace)
    socketio.on_event("leave", leave, namespace=namespace)
    socketio.on_event("to", to_room_without_me, namespace=namespace)
    socketio.on_event("in", to_room, namespace=namespace)
    socketio.on_event("broadcast", to_all_but_me, namespace=namespace)
    socketio.on_event("all", to_all, namespace=namespace)
    socketio.on_event("ask", ask, namespace=namespace)
    socketio.on_event("ask-other", ask_other, namespace=namespace)
    socketio.on_event("join-other", join_other, namespace=namespace)
    socketio.on_event("leave-other", leave_other, namespace=namespace)
    socketio.on_event("disconnect-other", disconnect_other, namespace=namespace)
    socketio.on_event("close-room", close, namespace=namespace)
    socketio.on_event("count", count, namespace=namespace)
    socketio.on_event("burst", burst, namespace=namespace)
    socketio.on_event("kick", kick, namespace=namespace)
    socketio.on_event("kick-all", kick_all, namespace=namespace)
