"""The Flask application with its SocketIO object.

It starts as the Flask-SocketIO documentation shows:

    python server_under_test/app.py
    flask --app server_under_test.app run

`python -m server_under_test --mode MODE` starts it in a chosen async mode.
"""

from __future__ import annotations

import os
import secrets
import sys
from typing import NoReturn

if not __package__:
    # For a script Python puts this folder on the path, not the one that holds the package.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from server_under_test.queues.joining import arguments
from server_under_test.reference import contract, guide, page_events  # noqa: F401 - they register their handlers
from server_under_test.reference.extensions import socketio
from server_under_test.reference.flask_contract.apps import mounted
from server_under_test.reference.routes import blueprint
from server_under_test.starting.modes import MODES
from server_under_test.starting.options import Options

CHANNEL = "flask-socketio"


def create_app(options: Options | None = None) -> Flask:
    """The application. Without `options` it takes those of this process."""
    options = options or Options.from_environment()
    app = Flask("server_under_test.reference")  # where its templates are
    app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY") or secrets.token_hex()
    app.config["SERVER_OPTIONS"] = options
    app.register_blueprint(blueprint)
    # With None Flask-SocketIO chooses among the installed packages.
    async_mode = MODES[options.mode].async_mode if options.mode else None
    # Before init_app, so that requests for the main server do not pass through here.
    app.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, mounted(options, app.config, async_mode)
    )
    socketio.init_app(
        app,
        async_mode=async_mode,
        transports=list(options.transports),
        # Without this the handshake offers an upgrade that the server then refuses.
        allow_upgrades="websocket" in options.transports,
        ping_interval=options.ping_interval,
        ping_timeout=options.ping_timeout,
        max_http_buffer_size=options.max_payload,
        always_connect=options.always_connect,
        **arguments(options, CHANNEL),
        cors_allowed_origins="*",
    )
    return app


def _refuse(line: str) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(2)


def _port() -> int:
    """The port in the environment. Only `python -m server_under_test` takes options on the command line."""
    if sys.argv[1:]:
        _refuse(
            f"{sys.argv[0]} takes no options ({sys.argv[1]}): PORT=5001 in the environment chooses the port, "
            "python -m server_under_test --mode MODE the rest"
        )
    value = os.environ.get("PORT", "5000")
    if not (value.isdigit() and int(value) <= 65535):
        _refuse(f"PORT={value} is not a port (0 to 65535)")
    return int(value)


if __name__ == "__main__":
    port = _port()
    application = create_app()
    print(f"async mode: {socketio.async_mode}")
    try:
        socketio.run(application, port=port, allow_unsafe_werkzeug=True)
    except OSError as error:
        _refuse(f"cannot listen on port {port}: {error.strerror}")
