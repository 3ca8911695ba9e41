"""Ctrl-C while a server does not answer: one line and exit code 130, from every command that comes to one."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest

from tests.servers import ROOT


@pytest.mark.parametrize("module", ["conformance", "load", "load.capacity", "load.doctor", "load.survey"])
def test_ctrl_c_is_one_line(module: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", module, *([] if module == "load.doctor" else ["--url"]), url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        visit, _ = silent.accept()
        with visit:
            visit.recv(1)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)

    assert (process.returncode, stdout) == (130, "")
    (line,) = stderr.strip().split("\n")
    assert line.startswith(f"python -m {module}: stopped")
