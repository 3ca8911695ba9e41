"""The Flask applications below the main one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_socketio import SocketIO

from server_under_test.queues.joining import arguments
from server_under_test.reference.flask_contract import (  # noqa: F401 - they register their handlers
    acknowledging,
    asking,
    classes,
    connecting,
    dispatching,
    emitting,
    leaving,
    other_program,
    rooms,
    sessions,
    with_options,
)
from server_under_test.reference.flask_contract.extensions import (
    options_socketio,
    socketio,
    websocket_socketio,
)
from server_under_test.starting.options import Options

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ALLOWED_ORIGIN = "http://allowed.example"
MAX_PAYLOAD = 70_000
CHANNEL = "flask"


def mounted(options: Options, config: dict[str, Any], async_mode: str | None) -> dict[str, WSGIApplication]:
    """The applications by their path."""
    common = {
        "async_mode": async_mode,
        "ping_timeout": options.ping_timeout,
    }
    flask = _application("flask", config)
    socketio.init_app(
        flask,
        transports=list(options.transports),
        ping_interval=options.ping_interval,
        **arguments(options, CHANNEL),
        **common,
    )
    flask.extensions["other process"] = other_process(options, async_mode)
    flask.extensions["other program"] = partial(other_program.run, options, CHANNEL)
    flask_options = _application("flask-options", config)
    options_socketio.init_app(
        flask_options,
        path="/io",
        transports=list(options.transports),
        **arguments(options, "flask-options"),
        # The second number changes what the client reads, not what the server does.
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
    flask_websocket = _application("flask-websocket", config)
    websocket_socketio.init_app(
        flask_websocket,
        transports=["websocket"],
        ping_interval=options.ping_interval,
        **arguments(options, "flask-websocket"),
        **common,
    )
    return {"/flask": flask, "/flask-options": flask_options, "/flask-websocket": flask_websocket}


def other_process(options: Options, async_mode: str | None) -> SocketIO | None:
    """The SocketIO object of a process without clients, which only emits through the queue."""
    if options.queue is None:
        return None
    return SocketIO(**arguments(options, CHANNEL, write_only=True), async_mode=async_mode)


def _application(name: str, config: dict[str, Any]) -> Flask:
    app = Flask(name)
    app.config["SECRET_KEY"] = config["SECRET_KEY"]
    app.register_blueprint(sessions.blueprint)
    return app
