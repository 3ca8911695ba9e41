"""`python -m tests.bare_servers.flask_socketio`: Flask-SocketIO without a handler, of contract level 0.

What a person has who points the judge at an application of their own.
"""

import json
import signal
import socket
import sys
from importlib.metadata import version

from flask import Flask
from flask_socketio import SocketIO
from werkzeug.serving import WSGIRequestHandler, make_server

app = Flask(__name__)
socketio = SocketIO(
    app, async_mode="threading", cors_allowed_origins="*", ping_interval=1, ping_timeout=3
)  # fmt: skip


@app.route("/about")
def about() -> dict[str, object]:
    """What makes the judge know the deviations of this version."""
    return {"mode": "threading", "versions": {"flask-socketio": version("flask-socketio")}}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    WSGIRequestHandler.disable_nagle_algorithm = True
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno())
    port = listener.getsockname()[1]
    print("READY " + json.dumps({"urls": [f"http://127.0.0.1:{port}"]}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
