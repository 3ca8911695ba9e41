"""Turns this process into gunicorn's master. The mode in the options selects the worker class."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from server_under_test.starting.listener import listening_socket


def become_gunicorn(mode: str) -> NoReturn:
    options, listener = listening_socket(mode)
    os.environ.update(options.to_environment())
    listener.set_inheritable(True)
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "python:server_under_test.launchers.gunicorn_config",
    ]
    os.execv(sys.executable, command)
