"""Disconnect handlers: they tell every client of `/watch` who left which namespace, and why."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import disconnect, emit

from server_under_test.reference.flask_contract.extensions import socketio


@socketio.on("connect", namespace="/watch")
def connect_watcher() -> None:
    """Watchers only listen."""


@socketio.on("disconnect", namespace="/leave")
@socketio.on("disconnect", namespace="/leave-too")
def tell_watchers(reason: Any = "no reason given") -> None:
    emit("left", (request.namespace, request.sid, reason), namespace="/watch", broadcast=True)


@socketio.on("leave", namespace="/leave")
def leave() -> str:
    disconnect()
    return "after"


@socketio.on("disconnect", namespace="/leave-without-reason")
def tell_watchers_without_reason() -> None:
    """A handler in the older form, without the reason."""
    tell_watchers()


@socketio.on("disconnect", namespace="/leave-type-error")
def tell_watchers_and_fail(reason: Any = "no reason given") -> None:
    tell_watchers(reason)
    raise TypeError("not about the arguments")


@socketio.on("disconnect", namespace="/leave-speaking")
def speak_while_leaving(reason: str) -> None:
    emit("last words", reason)
