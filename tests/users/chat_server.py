"""A Flask-SocketIO chat as people load it: a login, tokens, cookies, rooms, and events of its own.

`python -m tests.users.chat_server`. A token is `T-` and a name. GET `/seen` lists what connections showed.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, request, session
from flask_socketio import ConnectionRefusedError, SocketIO, emit, join_room, leave_room

from tests.bare_servers.serving import serve

app = Flask(__name__)
app.secret_key = "of a test"
server = SocketIO(app, async_mode="threading")
seen: list[dict[str, Any]] = []


@app.get("/")
def index() -> str:
    """A page."""
    return "hello"


@app.post("/login")
def login() -> dict[str, str]:
    """A token, and a cookie that will do as well."""
    session["user"] = request.get_json()["username"]
    return {"access_token": f"T-{session['user']}"}


@app.post("/notify")
def notify() -> dict[str, str]:
    """The server sends an event by itself, before it answers this request."""
    for namespace in ("/", "/chat"):
        server.emit("notice", request.get_json()["text"], namespace=namespace)
    return {}


@app.get("/seen")
def shown() -> list[dict[str, Any]]:
    """What each connection of the main namespace showed."""
    return seen


def connect(auth: Any = None) -> None:
    """Refuse who shows neither a token nor the cookie of the login."""
    token = (auth or {}).get("token") or request.args.get("token") or ""
    token = token or request.headers.get("Authorization", "").removeprefix("Bearer ")
    name = token.removeprefix("T-") if token.startswith("T-") else session.get("user")
    if name is None:
        raise ConnectionRefusedError("log in first")
    tenant, cookie = request.headers.get("X-Tenant"), request.cookies.get("visit")
    seen.append({"name": name, "tenant": tenant, "visit": cookie, "room": request.args.get("room")})
    emit("ready", {"name": name, "tenant": tenant, "session": request.headers.get("X-Session-Id")})


def join(data: dict[str, Any]) -> dict[str, bool]:
    """Join a room."""
    join_room(data["room"])
    return {"ok": True}


def leave(data: dict[str, Any]) -> dict[str, bool]:
    """Leave a room."""
    leave_room(data["room"])
    return {"ok": True}


def say(data: dict[str, Any]) -> dict[str, bool]:
    """Send a message to a room."""
    emit("chat_message", data["message"], to=data["room"])
    return {"ok": True}


def ack(*values: Any) -> tuple[Any, ...]:
    """What the scenario `ack` asks for."""
    return values


for namespace in ("/", "/chat"):
    server.on_event("connect", connect, namespace=namespace)
    server.on_event("join_room", join, namespace=namespace)
    server.on_event("leave_room", leave, namespace=namespace)
    server.on_event("send_message", say, namespace=namespace)
    server.on_event("typing", lambda data: None, namespace=namespace)
    server.on_event("message-with-ack", ack, namespace=namespace)


def main() -> None:
    """Serve until SIGTERM."""
    serve(app)


if __name__ == "__main__":
    main()
