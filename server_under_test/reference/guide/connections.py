"""Clients that connect to a namespace, leave it, or are refused.

A client connects to each namespace separately: `/test` and `/chat` have handlers of their own.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError, emit

from server_under_test.reference.extensions import socketio


@socketio.on("connect", namespace="/test")
def test_connect() -> None:
    emit("my response", {"data": "Connected"})


@socketio.on("disconnect", namespace="/test")
def test_disconnect(reason: str) -> None:
    emit("left", {"sid": request.sid, "reason": reason}, broadcast=True, include_self=False)


@socketio.on("connect", namespace="/chat")
def chat_connect() -> None:
    emit("welcome", "to the chat")


@socketio.on("disconnect", namespace="/chat")
def chat_disconnect(reason: str) -> None:
    emit("gone", {"sid": request.sid}, broadcast=True, include_self=False)


@socketio.on("connect", namespace="/members")
def members_connect(auth: Any = None) -> bool:
    """Only False refuses. The client learns that the server rejected it."""
    return bool(auth == {"member": True})


@socketio.on("connect", namespace="/closed")
def closed_connect(auth: Any = None) -> None:
    """An exception refuses too, and gives the client a reason and data."""
    raise ConnectionRefusedError("closed for today", {"opens": "tomorrow"})
