"""The description of this server process: the object after READY and under GET /about."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from server_under_test.queues import hello
from server_under_test.reference.extensions import socketio
from server_under_test.reference.flask_contract import extensions as flask_contract
from server_under_test.starting.modes import MODES
from server_under_test.starting.options import Options, without_password
from server_under_test.starting.readiness import write_line

LIBRARIES = ("flask-socketio", "python-socketio", "python-engineio", "flask", "werkzeug")


def describe(options: Options) -> dict[str, Any]:
    """The process in JSON: addresses, process id, async mode, transports and versions."""
    mode = MODES.get(options.mode or socketio.async_mode)
    return {
        "urls": [f"http://{options.host}:{options.port}"],
        "pids": [os.getpid()],
        "server": "flask-socketio",
        "mode": mode.name if mode else socketio.async_mode,
        "async_mode": socketio.async_mode,
        "detected": options.detected or options.mode is None,
        "transports": list(options.transports),
        "always_connect": options.always_connect,
        "message_queue": options.queue_url is not None,
        # The applications of `flask_contract`, with which judges test Flask-SocketIO's own behaviours.
        "flask_contract": True,
        "cluster_events": True,
        # A server started by hand (`flask run`) has a socket of its own, with Nagle's algorithm.
        "nagle": options.nagle or options.listen_fd is None,
        "workers": options.workers,
        "queue": options.queue,
        "queue_url": without_password(options.queue_url) if options.queue_url else None,
        "versions": versions(mode.packages if mode else ()),
    }


@cache
def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions by distribution name: the common ones, then those of the mode."""
    found = {"python": platform.python_version()}
    for name in (*LIBRARIES, *packages):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def announce(options: Options) -> None:
    """Listen to the queue, if there is one, and print the READY line."""
    if options.queue_url is not None:
        others = (flask_contract.socketio, flask_contract.options_socketio, flask_contract.websocket_socketio)
        hello.listen([each.server for each in (socketio, *others)], without_password(options.queue_url))
    write_line(describe(options), options.ready_fd)
