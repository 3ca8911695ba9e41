"""Without a mode Flask-SocketIO chooses; and the ways of the guide to start the application work."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server_under_test.conftest import require_mode
from tests.server_under_test.peers import Peer, get_json
from tests.servers import ROOT, START_DEADLINE, held_port, hide, kill_group, start_server


@pytest.mark.parametrize(
    ("hidden", "mode"),
    [
        ((), "eventlet"),
        (("eventlet",), "gevent"),
        (("eventlet", "geventwebsocket"), "gevent-simple"),
        (("eventlet", "gevent"), "threading"),
    ],
)
def test_flask_socketio_detects_a_mode(hidden: tuple[str, ...], mode: str, tmp_path: Path) -> None:
    require_mode(mode)
    with start_server(None, environment=hide(tmp_path, *hidden)) as server, Peer(server.url, "/") as peer:
        assert (server.about["mode"], server.about["detected"]) == (mode, True)
        assert server.stderr == f"Flask-SocketIO detects mode {mode}\n"
        assert peer.call("message-with-ack", "hello", namespace="/") == ["hello"]
        page = urllib.request.urlopen(server.url, timeout=15).read().decode()
        assert f'<strong id="async-mode">{server.about["async_mode"]}</strong>' in page
        assert "detected by Flask-SocketIO" in page


def test_flask_run_serves_the_application() -> None:
    port = held_port()
    command = ["-m", "flask", "--app", "server_under_test.app", "run", "--port", str(port)]
    with started(command, port) as url, Peer(url, "/guide") as peer:
        assert get_json(url + "/about")["async_mode"] == "threading"
        assert peer.call("ack one", "hello", namespace="/guide") == ["hello"]


def test_the_application_is_a_program() -> None:
    port = held_port()
    with started(["server_under_test/app.py"], port) as url, Peer(url, "/guide") as peer:
        about = get_json(url + "/about")
        assert about["detected"] is True
        assert about["nagle"] is True
        assert peer.call("ack one", "hello", namespace="/guide") == ["hello"]


def test_a_launcher_is_a_program() -> None:
    """It binds a port by itself then; 5000, unless its options say another."""
    port = held_port()
    command = ["-m", "server_under_test.launchers.gevent_simple_mode"]
    with started(command, port, SERVER_UNDER_TEST=json.dumps({"port": port})) as url:
        about = get_json(url + "/about")
        assert (about["mode"], about["nagle"]) == ("gevent-simple", False)


@contextmanager
def started(arguments: list[str], port: int, **environment: str) -> Iterator[str]:
    """A program that prints no readiness line of ours, once it listens."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        limit = time.monotonic() + START_DEADLINE
        while True:
            assert process.poll() is None, f"{arguments} ended with {process.returncode}"
            assert time.monotonic() < limit
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        kill_group(process.pid)
        process.wait()
