"""Ctrl-C while a server does not answer: one line and exit code 130, from every command that comes to one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

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


SLOW = """
import time

def wait(**_):
    try:
        print("here", flush=True)
        time.sleep(60)
    finally:
        print("ended", flush=True)

"""
RUN = "from sioprobe.commandline.one_line import run_command\nrun_command(wait, 'sioprobe slow')"


@pytest.mark.parametrize(("then", "stdout"), [("wait()", ""), (RUN, "ended\n")])
def test_ctrl_c_is_one_line_while_a_command_is_imported_too(tmp_path: Path, then: str, stdout: str) -> None:
    """Then nothing was begun; later a command ends what it has begun."""
    (tmp_path / "slow.py").write_text(SLOW + then)
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    process = subprocess.Popen(
        [sys.executable, "-m", "sioprobe.commandline.starting", "slow"],
        env={**os.environ, "PYTHONPATH": paths, "SIOPROBE_PROG": "sioprobe slow"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=60) == (stdout, "sioprobe slow: stopped\n")
    assert process.returncode == 130
