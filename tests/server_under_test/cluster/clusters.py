"""Clusters for the tests: started, played with, and seen to leave nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
import redis

from server_under_test.starting.children import is_alive
from tests.server_under_test.conftest import require_mode, require_redis
from tests.servers import Server, command_line_options, start_command

DEADLINE = 30.0


def start_cluster(mode: str, *, environment: Mapping[str, str] | None = None, **options: Any) -> Server:
    """Two servers behind a Redis; with `play=True`, `tell` plays."""
    require_redis()
    require_mode(mode)
    words = command_line_options({"mode": mode, "port": 0, "workers": 2, "queue": "redis", **options})
    command = [sys.executable, "-m", "server_under_test", *words]
    return start_command(command, environment=environment, stdin=subprocess.PIPE)


def tell(cluster: Server, command: str) -> dict[str, Any]:
    """Give a command, and wait for its answer."""
    stdin = cluster.process.stdin
    assert stdin is not None
    before = len(cluster.stdout_lines)
    stdin.write(command.encode() + b"\n")
    stdin.flush()
    until(lambda: len(cluster.stdout_lines) > before)
    answer: dict[str, Any] = json.loads(cluster.stdout_lines[before])
    return answer


def play(cluster: Server, *commands: str) -> None:
    """Give commands that make sense."""
    for command in commands:
        assert tell(cluster, command) == {"done": command}


def pids_of(cluster: Server, number: int) -> list[int]:
    """The process of this worker, and those that it has started."""
    return list(tell(cluster, "state")["workers"][number - 1]["pids"])


def until(happens: Callable[[], object]) -> None:
    """Wait for something that happens soon."""
    limit = time.monotonic() + DEADLINE
    while not happens():
        assert time.monotonic() < limit
        time.sleep(0.01)


def is_there(url: str) -> bool:
    """Whether somebody takes connections there."""
    address = urlsplit(url)
    with (
        suppress(ConnectionRefusedError),
        socket.create_connection((address.hostname or "", address.port or 0)),
    ):
        return True
    return False


def listeners(url: str) -> list[int]:
    """How many processes listen on the channel of each application."""
    with redis.Redis.from_url(url) as client:
        found = client.pubsub_numsub("flask-socketio", "flask", "flask-options", "flask-websocket")
    return [int(count) for _, count in found]


def members(cluster: Server) -> list[psutil.Process]:
    """The supervisor and everything it has started."""
    supervisor = psutil.Process(cluster.process.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def assert_gone(family: list[psutil.Process]) -> None:
    until(lambda: not any(is_alive(process) for process in family))
