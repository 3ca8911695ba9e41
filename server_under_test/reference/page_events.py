"""The events of the page at `/`, in the namespace `/page`."""

from __future__ import annotations

from typing import Any

from flask import request, session
from flask_socketio import close_room, disconnect, emit, join_room, leave_room, rooms

from server_under_test.reference.extensions import socketio

NAMESPACE = "/page"


def respond(data: Any, **where: Any) -> None:
    """Answer with the data and the number of answers to this client so far."""
    session["receive_count"] = session.get("receive_count", 0) + 1
    emit("my_response", {"data": data, "count": session["receive_count"]}, **where)


def my_rooms() -> list[str]:
    return sorted(room for room in rooms() if room != request.sid)


@socketio.on("connect", namespace=NAMESPACE)
def page_connect() -> None:
    respond("Connected")


@socketio.on("my_event", namespace=NAMESPACE)
def echo(message: dict[str, Any]) -> None:
    respond(message["data"])


@socketio.on("my_broadcast_event", namespace=NAMESPACE)
def broadcast(message: dict[str, Any]) -> None:
    respond(message["data"], broadcast=True)


@socketio.on("join", namespace=NAMESPACE)
def join(message: dict[str, str]) -> list[str]:
    join_room(message["room"])
    return my_rooms()


@socketio.on("leave", namespace=NAMESPACE)
def leave(message: dict[str, str]) -> list[str]:
    leave_room(message["room"])
    return my_rooms()


@socketio.on("close_room", namespace=NAMESPACE)
def close(message: dict[str, str]) -> None:
    respond(f"Room {message['room']} is closing", to=message["room"])
    emit("room_closed", message["room"], to=message["room"])
    close_room(message["room"])


@socketio.on("my_room_event", namespace=NAMESPACE)
def send_to_room(message: dict[str, Any]) -> None:
    respond(message["data"], to=message["room"])


@socketio.on("my_ping", namespace=NAMESPACE)
def ping_pong() -> None:
    """Acknowledge at once. The page measures how long that takes."""


@socketio.on("disconnect_request", namespace=NAMESPACE)
def disconnect_request() -> None:
    respond("Disconnected")
    disconnect()
