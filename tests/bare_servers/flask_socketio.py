"""`python -m tests.bare_servers.flask_socketio`: Flask-SocketIO without a handler, of contract level 0.

What a person has who points the judge at an application of their own.
"""

from importlib.metadata import version

from flask import Flask
from flask_socketio import SocketIO

from tests.bare_servers.serving import serve

app = Flask(__name__)
socketio = SocketIO(
    app, async_mode="threading", cors_allowed_origins="*", ping_interval=1, ping_timeout=3
)  # fmt: skip


@app.route("/about")
def about() -> dict[str, object]:
    """What makes the judge know the deviations of this version."""
    return {"mode": "threading", "versions": {"flask-socketio": version("flask-socketio")}}


def main() -> None:
    """Serve until SIGTERM."""
    serve(app)


if __name__ == "__main__":
    main()
