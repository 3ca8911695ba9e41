"""Werkzeug's server: a thread for each connection, WebSocket from simple-websocket, no patching."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from werkzeug.serving import make_server

from server_under_test.app import create_app
from server_under_test.reference.about import announce
from server_under_test.reference.extensions import socketio
from server_under_test.reference.farewell import tell_clients
from server_under_test.starting.listener import listening_socket


def main() -> None:
    options, listener = listening_socket("threading")
    app = create_app(options)
    # A log line for each request would be part of the measurement.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # socketio.run() does the same, but binds the port itself and does not run without a terminal.
    server = make_server(options.host, options.port, app, threaded=True, fd=listener.fileno())

    def stop() -> None:
        try:
            tell_clients(socketio)
        finally:
            server.shutdown()

    def on_signal(number: int, frame: FrameType | None) -> None:
        # The main thread still accepts: a polling client fetches its last packet on a new connection.
        threading.Thread(target=stop, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    announce(options)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
