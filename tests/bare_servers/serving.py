"""How a Flask application of the tests is served: by Werkzeug, at a port of its own, without Nagle."""

import json
import os
import signal
import socket
import sys

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

__all__ = ["serve"]


def serve(app: Flask) -> None:
    """Print the READY line, and serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    WSGIRequestHandler.disable_nagle_algorithm = True
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno())
    print("READY " + json.dumps({"urls": [f"http://127.0.0.1:{port}"], "pids": [os.getpid()]}), flush=True)
    server.serve_forever()
