"""Rooms in `/chat`. A room is a group of clients of one namespace; an event can go to all of them.

Every client has a room of its own from the start, named by its id. An event to this room reaches one client.
A client that disconnects leaves its rooms automatically.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import emit, join_room, leave_room, send

from server_under_test.reference.extensions import socketio


@socketio.on("join", namespace="/chat")
def on_join(data: dict[str, str]) -> None:
    username, room = data["username"], data["room"]
    join_room(room)
    send(username + " has entered the room.", to=room)


@socketio.on("leave", namespace="/chat")
def on_leave(data: dict[str, str]) -> None:
    username, room = data["username"], data["room"]
    leave_room(room)
    send(username + " has left the room.", to=room)


@socketio.on("say", namespace="/chat")
def say_in_a_room(data: dict[str, Any]) -> None:
    emit("said", data["text"], to=data["room"])


@socketio.on("whisper", namespace="/chat")
def whisper(data: dict[str, Any]) -> None:
    """To one client alone, by its id."""
    emit("whispered", {"from": request.sid, "text": data["text"]}, to=data["sid"])


@socketio.on("ask somebody", namespace="/chat")
def ask_somebody(data: dict[str, Any]) -> None:
    """Ask one client, and return its answer to the client that asked, even in another process."""

    def answered(*answer: Any) -> None:
        emit("answered", answer)

    emit("asked", data["text"], to=data["sid"], callback=answered)


@socketio.on("who is here", namespace="/chat")
def who_is_here(room: str) -> list[str]:
    """The ids of the clients of this process in a room."""
    participants = socketio.server.manager.get_participants("/chat", room)
    return sorted(socket_id for socket_id, _ in participants)


@socketio.on("announce later", namespace="/chat")
def announce_later(data: dict[str, Any]) -> None:
    socketio.start_background_task(announce, data["room"], data["text"])


def announce(room: str, text: str) -> None:
    """Outside a handler the room is an argument too."""
    socketio.emit("announced", text, to=room, namespace="/chat")
    socketio.send(text, to=room, namespace="/chat")
