"""The two Flask applications, as they are mounted below the main one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from server_under_test.flask_contract import (  # noqa: F401 - they register their handlers
    acknowledging,
    asking,
    classes,
    connecting,
    dispatching,
    emitting,
    leaving,
    rooms,
    sessions,
    with_options,
)
from server_under_test.flask_contract.extensions import options_socketio, socketio
from server_under_test.options import Options

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ALLOWED_ORIGIN = "http://allowed.example"
MAX_PAYLOAD = 70_000


def mounted(options: Options, config: dict[str, Any], async_mode: str | None) -> dict[str, WSGIApplication]:
    """Applications by the path below which they are mounted."""
    common = {
        "async_mode": async_mode,
        "transports": list(options.transports),
        "ping_timeout": options.ping_timeout,
        "message_queue": options.queue_url,
    }
    flask = _application("flask", config)
    socketio.init_app(flask, ping_interval=options.ping_interval, channel="flask", **common)
    flask_options = _application("flask-options", config)
    options_socketio.init_app(
        flask_options,
        path="/io",
        channel="flask-options",
        # The second number is added to what the client is told, not to what the server does.
        ping_interval=(options.ping_interval, 2),
        max_http_buffer_size=MAX_PAYLOAD,
        allow_upgrades=False,
        http_compression=False,
        cookie="io",
        cors_allowed_origins=[ALLOWED_ORIGIN],
        namespaces="*",
        always_connect=True,
        async_handlers=False,
        manage_session=False,
        **common,
    )
    return {"/flask": flask, "/flask-options": flask_options}


def _application(name: str, config: dict[str, Any]) -> Flask:
    app = Flask(name)
    app.config["SECRET_KEY"] = config["SECRET_KEY"]
    app.register_blueprint(sessions.blueprint)
    return app
