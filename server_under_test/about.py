"""What this server process is: the object after READY on standard output and under GET /about."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from server_under_test.extensions import socketio
from server_under_test.modes import MODES
from server_under_test.options import Options

LIBRARIES = ("flask-socketio", "python-socketio", "python-engineio", "flask", "werkzeug")


def describe(options: Options) -> dict[str, Any]:
    """The process in JSON: addresses, process id, mode, transports and versions."""
    mode = MODES.get(options.mode or socketio.async_mode)
    return {
        "urls": [f"http://{options.host}:{options.port}"],
        "pids": [os.getpid()],
        "mode": mode.name if mode else socketio.async_mode,
        "async_mode": socketio.async_mode,
        "detected": options.detected or options.mode is None,
        "transports": list(options.transports),
        "always_connect": options.always_connect,
        # A server started by hand (`flask run`) listens on a socket of its own, which has Nagle's algorithm.
        "nagle": options.nagle or options.listen_fd is None,
        "workers": options.workers,
        "queue": options.queue,
        "queue_url": options.queue_url,
        "versions": versions(mode.packages if mode else ()),
    }


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions by distribution name, those of the mode after the common ones."""
    found = {"python": platform.python_version()}
    for name in (*LIBRARIES, *packages):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def announce(options: Options) -> None:
    """Print the readiness line; whoever started this process waits for it."""
    line = "READY " + json.dumps(describe(options))
    if options.ready_fd is None:
        print(line, flush=True)
    else:
        os.write(options.ready_fd, line.encode() + b"\n")
