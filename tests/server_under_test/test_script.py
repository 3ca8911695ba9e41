"""`python server_under_test/app.py`, as the guide starts an application: what it is told and refuses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from tests.servers import ROOT


def complaint(*arguments: str, port: str = "5000") -> str:
    done = subprocess.run(
        [sys.executable, "server_under_test/app.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PORT": port},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_an_option_is_refused_with_the_command_that_takes_it() -> None:
    line = complaint("--mode", "gevent")

    assert "takes no options (--mode)" in line
    assert "python -m server_under_test --mode MODE" in line


def test_what_is_no_port_is_named() -> None:
    assert complaint(port="abc") == "PORT=abc is not a port (0 to 65535)"
    assert complaint(port="65536") == "PORT=65536 is not a port (0 to 65535)"


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert complaint(port=str(port)) == f"cannot listen on port {port}: Address already in use"
