"""The reference server with one break of Flask-SocketIO, a process for each, and one without.

    python -m tests.conformance.flask_faults.servers

The application is imported once; then a child is forked for each fault, breaks it, and serves.
For the faults of a queue there are two, joined by one.
A READY line names them: `{"urls": [], "faults": {"name of the fault": ["http://127.0.0.1:port"]}}`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from server_under_test.app import create_app
from server_under_test.starting.options import Options
from tests.children import fork
from tests.conformance.flask_faults import FAULTS, QUEUE_FAULTS
from tests.conformance.flask_faults.breaking import nothing
from tests.conformance.flask_faults.queue import Channel, join

PING_SECONDS = 1
PONG_SECONDS = 4  # room for a busy machine
FAULTLESS = "faultless"
FAULTLESS_PAIR = "faultless pair"


def serve(app: Flask, listener: socket.socket, break_it: Callable[[], Any]) -> None:
    """In a child process: serve until killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A handler that fails writes its traceback; here many of them are expected.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    break_it()
    make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()
    os._exit(0)


def start(app: Flask, break_it: Callable[[], Any]) -> str:
    """The URL of a server in a process of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    if fork() == 0:
        serve(app, listener, break_it)
    port: int = listener.getsockname()[1]
    listener.close()
    return f"http://127.0.0.1:{port}"


def start_joined(app: Flask, break_it: Callable[[], Any]) -> list[str]:
    """The URLs of two servers with one queue, each broken in the same way."""
    flask, main = Channel(2), Channel(2)

    def join_and_break(number: int) -> None:
        join(flask, main, number)
        break_it()

    return [start(app, partial(join_and_break, number)) for number in range(2)]


def main() -> None:
    logging.disable(logging.CRITICAL)
    app = create_app(Options(mode="threading", ping_interval=PING_SECONDS, ping_timeout=PONG_SECONDS))
    urls = {FAULTLESS: [start(app, nothing)], FAULTLESS_PAIR: start_joined(app, nothing)}
    urls |= {name: [start(app, break_it)] for name, (break_it, _) in FAULTS.items()}
    urls |= {name: start_joined(app, break_it) for name, (break_it, _) in QUEUE_FAULTS.items()}
    print("READY " + json.dumps({"urls": [], "faults": urls}), flush=True)
    # The whole process group is ended from outside.
    signal.pause()


if __name__ == "__main__":
    main()
