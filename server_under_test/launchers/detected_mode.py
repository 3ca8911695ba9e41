"""Asks Flask-SocketIO which async mode it detects, says so, and becomes the launcher of that mode."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from dataclasses import replace

# The question alone imports eventlet, which warns that it is deprecated.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

from flask import Flask  # noqa: E402 - after the filter
from flask_socketio import SocketIO  # noqa: E402

from server_under_test.starting.command import become  # noqa: E402
from server_under_test.starting.options import Options  # noqa: E402


def detected_mode() -> str:
    """The mode of a plain `SocketIO(app)`."""
    async_mode: str = SocketIO(Flask("detection")).async_mode
    if async_mode == "gevent" and importlib.util.find_spec("geventwebsocket") is None:
        return "gevent-simple"
    return async_mode


def main() -> None:
    mode = detected_mode()
    print(f"Flask-SocketIO detects mode {mode}", file=sys.stderr, flush=True)
    become(replace(Options.from_environment(), mode=mode, detected=True))


if __name__ == "__main__":
    main()
