"""python-socketio's AsyncServer as an ASGI application, for the web server that WEB_SERVER names."""

from __future__ import annotations

import os

import socketio

from server_under_test.foreign.python_socketio.about import describe, with_about
from server_under_test.foreign.python_socketio.contract import create_server
from server_under_test.starting.options import Options

_options = Options.from_environment()
app = with_about(
    socketio.ASGIApp(create_server("asgi", _options)), describe(os.environ["WEB_SERVER"], _options)
)
