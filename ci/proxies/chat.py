"""A chat as users write it: no queue, and the origins that Flask-SocketIO allows by itself."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
# Named, since Flask-SocketIO takes eventlet where that is installed too.
socketio = SocketIO(app, async_mode="gevent")


@app.get("/page")
def page() -> str:
    return "<!doctype html><title>chat</title>"


@app.get("/favicon.ico")
def icon() -> tuple[str, int]:
    return "", 204


@socketio.on("message-with-ack")  # type: ignore[untyped-decorator]
def answer(*arguments: Any) -> Any:
    return arguments


@socketio.on("news")  # type: ignore[untyped-decorator]
def news(text: str) -> None:
    socketio.emit("news", text)
