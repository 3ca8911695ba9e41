# ruff: noqa: E402 - the patching comes before the imports
"""The contract on Flask-SocketIO 4 with gevent: `python -m ci.wide.servers.flask_4 PORT`.

That release speaks Engine.IO 3 and Socket.IO 4: the server connects a client to `/`, and what a client says
of itself is the query of its namespace. It has no `to` yet, and no connect handler with `auth`.
"""

from gevent import monkey

monkey.patch_all()

import os
import platform
import sys
from importlib.metadata import version
from typing import Any

from flask import Flask, jsonify, request
from flask_socketio import ConnectionRefusedError, SocketIO, disconnect, emit, join_room, leave_room, rooms

from server_under_test.starting.options import Options

PACKAGES = ("flask-socketio", "python-socketio", "python-engineio", "flask", "werkzeug", "gevent")
# Engine.IO itself puts these into the query of a request.
ENGINE_PARAMETERS = ("EIO", "transport", "sid", "t", "b64", "j")

options = Options.from_environment()
app = Flask(__name__)
socketio = SocketIO(
    app,
    async_mode="gevent",
    ping_interval=options.ping_interval,
    ping_timeout=options.ping_timeout,
    max_http_buffer_size=options.max_payload,
    cors_allowed_origins="*",
)


@app.route("/about")
def about() -> Any:
    versions = {name: version(name) for name in PACKAGES}
    return jsonify(
        mode="gevent", pids=[os.getpid()], versions={"python": platform.python_version(), **versions}
    )


def connect() -> None:
    auth = {name: value for name, value in request.args.items() if name not in ENGINE_PARAMETERS}
    if request.namespace == "/auth" and auth != {"token": "good"}:
        raise ConnectionRefusedError("bad token")
    emit("auth", auth)


@socketio.on("connect", namespace="/reject")
def never_connect() -> None:
    raise ConnectionRefusedError("not authorized", {"code": "E_AUTH"})


def join(room: Any) -> list[Any]:
    join_room(room)
    return own_rooms()


def leave(room: Any) -> list[Any]:
    leave_room(room)
    return own_rooms()


def own_rooms() -> list[Any]:
    return sorted((room for room in rooms() if room != request.sid), key=str)


def burst(count: int, size: int) -> None:
    for number in range(count):
        emit("b", (number, "x" * size))


HANDLERS = {
    "connect": connect,
    "message": lambda *arguments: emit("message-back", arguments),
    "message-with-ack": lambda *arguments: arguments,
    "join": join,
    "leave": leave,
    "to": lambda room, event, *arguments: emit(event, arguments, room=room, include_self=False),
    "in": lambda room, event, *arguments: emit(event, arguments, room=room),
    "broadcast": lambda event, *arguments: emit(event, arguments, broadcast=True, include_self=False),
    "all": lambda event, *arguments: emit(event, arguments, broadcast=True),
    "ask": lambda event, *arguments: emit(event, arguments, callback=lambda *answer: emit("asked", answer)),
    "burst": burst,
    "kick": lambda: disconnect(),
    "kick-all": lambda: socketio.server.eio.disconnect(request.sid),
}
for namespace in ("/", "/custom", "/auth"):
    for event, handler in HANDLERS.items():
        socketio.on_event(event, handler, namespace=namespace)

if __name__ == "__main__":
    socketio.run(app, "127.0.0.1", int(sys.argv[1]))
