"""Rooms: each event does one thing and answers with the client's rooms, unsorted."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import close_room, emit, join_room, leave_room, rooms

from server_under_test.reference.flask_contract.arguments import name_of_error
from server_under_test.reference.flask_contract.extensions import socketio

NAMESPACES = ("/rooms", "/rooms-too")


def list_rooms() -> list[str]:
    listed: list[str] = rooms()
    return listed


def join(room: str) -> list[str]:
    join_room(room)
    return list_rooms()


def join_other(room: str, sid: str) -> list[str]:
    """The rooms that this process knows of another client, which may belong to another process."""
    join_room(room, sid=sid)
    listed: list[str] = rooms(sid=sid)
    return listed


def leave(room: str) -> list[str]:
    leave_room(room)
    return list_rooms()


def close(room: str) -> list[str]:
    close_room(room)
    return list_rooms()


def say(room: str, event: str) -> None:
    emit(event, to=room)


def answer(event: str) -> Any:
    """Emit to the sender, by the room of its own id."""
    emit(event)
    return request.sid


for namespace in NAMESPACES:
    socketio.on_event("join", join, namespace=namespace)
    socketio.on_event("join other", join_other, namespace=namespace)
    socketio.on_event("leave", leave, namespace=namespace)
    socketio.on_event("close", close, namespace=namespace)
    socketio.on_event("rooms", list_rooms, namespace=namespace)
    socketio.on_event("say", say, namespace=namespace)
    socketio.on_event("answer", answer, namespace=namespace)
    socketio.on_error(namespace)(name_of_error)
