"""A Flask-SocketIO server that refuses whoever does not show its secrets, and repeats what it was shown.

`python -m tests.load.guarded_server [NAME ...]`; the secrets are those of `SECRETS`, all or those named.
"""

from __future__ import annotations

import json
import sys

from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO

from tests.bare_servers.serving import serve

SECRETS = {
    "auth": "auth-5b1f90",
    "header": "header-c03e77",
    "cookie": "cookie-9d2a64",
    "query": "query-e8f415",
}

app = Flask(__name__)
server = SocketIO(app, async_mode="threading")


@app.route("/about")
def about() -> dict[str, object]:
    """What makes the doctor call the event below."""
    return {"transports": ["polling", "websocket"]}


@server.on("connect")
def connect(auth: object = None) -> None:
    """Refuse, with all that was shown, unless it is right."""
    shown = {
        "auth": auth.get("token") if isinstance(auth, dict) else None,
        "header": request.headers.get("Authorization", "").removeprefix("Bearer "),
        "cookie": request.cookies.get("session"),
        "query": request.args.get("key"),
    }
    if any(shown[name] != SECRETS[name] for name in sys.argv[1:] or SECRETS):
        raise ConnectionRefusedError(f"not with {json.dumps(shown)}")


@server.on("message-with-ack")
def message_with_ack(*values: object) -> tuple[object, ...]:
    """What the scenario `ack` asks for."""
    return values


def main() -> None:
    """Serve until SIGTERM."""
    serve(app)


if __name__ == "__main__":
    main()
