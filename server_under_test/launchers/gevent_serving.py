"""Runs pywsgi until a signal. Both gevent launchers use it, and patch before they import it."""

from __future__ import annotations

import signal
from typing import Any

import gevent
from gevent.pywsgi import WSGIServer

from server_under_test.app import create_app
from server_under_test.reference.about import announce
from server_under_test.reference.extensions import socketio
from server_under_test.reference.farewell import tell_clients
from server_under_test.starting.listener import listening_socket


def serve(mode: str, **server_options: Any) -> None:
    options, listener = listening_socket(mode)
    app = create_app(options)
    server = WSGIServer(listener, app, log=None, **server_options)

    def stop() -> None:
        try:
            tell_clients(socketio)
        finally:
            # Do not wait for running requests: they are polls and WebSockets of clients that know already.
            server.stop(timeout=0.1)

    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop)
    announce(options)
    server.serve_forever()
