"""What `tests.servers` owes every test: children end with the test, and a port stays the test's."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from tests.servers import ROOT, held_port

START = """
from tests.servers import start_server
server = start_server("gunicorn-gthread")
print(server.process.pid, flush=True)
input()
"""


def test_a_server_ends_with_the_process_that_started_it() -> None:
    command = [sys.executable, "-c", START]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        server = psutil.Process(int(starter.stdout.readline()))
        processes = [server, *server.children(recursive=True)]
        os.kill(starter.pid, signal.SIGKILL)

        _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []


def test_a_held_port_is_given_to_nobody_and_can_be_listened_at() -> None:
    port = held_port()

    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE
    # As every server does; `create_server` sets SO_REUSEADDR.
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)),
    ):
        assert server.accept()
