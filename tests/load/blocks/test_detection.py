"""The generator notices when its figures are its own: overloaded, paused, beside others on its core.

Nothing here asserts a speed. A machine that is busy with something else may add reasons, and takes none away.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers import ROOT, Server, held_port, start_command

LOCUST = [str(Path(sys.executable).with_name("locust")), "--headless", "--only-summary"]
SWARM = str(ROOT / "load" / "swarm.py")
DEADLINE = 120.0


@pytest.fixture
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as started:
        yield started


@contextlib.contextmanager
def running(*command: str, core: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process group on one core, ended afterwards."""

    def begin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=begin,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def causes(summary: dict[str, Any]) -> set[str]:
    return {found["cause"] for found in summary["validity"]["findings"]}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {DEADLINE} s"
        time.sleep(0.02)


def a_core() -> int:
    return max(os.sched_getaffinity(0))


def test_an_overloaded_generator_is_noticed(server: Server, tmp_path: Path) -> None:
    """Beside what the swarm needs, a task wants a whole core."""
    file = tmp_path / "summary.json"
    files = f"{SWARM},{ROOT / 'tests' / 'load' / 'burner.py'}"
    options = ("-u", "5", "-r", "5", "-t", "3s", "--rate", "20", "--summary-json", str(file))
    with running(*LOCUST, "-f", files, "--host", server.url, *options, core=a_core()) as process:
        code = process.wait(DEADLINE)

    summary = json.loads(file.read_text())
    assert summary["validity"]["verdict"] != "VALID"
    assert causes(summary) & {"cpu", "run delay"}, summary["validity"]
    # It had the core, or others had it and kept the generator from it: either says so.
    if summary["max_cpu_share"] >= 0.9:
        assert summary["validity"]["verdict"] == "INVALID"
        # What could not be sent in time may have failed as well, which comes first.
        assert code == (1 if summary["errors"] else 3)


def test_a_worker_that_was_paused_is_noticed(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    port = str(held_port())
    options = ["-f", SWARM, "--host", server.url, "-u", "4", "-r", "4", "--rate", "20", "--processes", "2"]
    options += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    descriptors = f"/proc/{server.about['pids'][0]}/fd"
    before = len(os.listdir(descriptors))
    with running(*LOCUST, *options, "--summary-json", str(file)) as process:
        wait_for(lambda: len(os.listdir(descriptors)) >= before + 4, "four connections")
        worker = psutil.Process(process.pid).children()[0]
        go_through_its_loop(worker)
        worker.suspend()
        wait_for(lambda: worker.status() == psutil.STATUS_STOPPED, "a stopped worker")
        time.sleep(0.5)
        worker.resume()
        go_through_its_loop(worker)
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE)

    summary = json.loads(file.read_text())
    stalls = [found for found in summary["validity"]["findings"] if found["cause"] == "stall"]
    assert stalls, summary["validity"]
    assert summary["validity"]["verdict"] != "VALID"
    assert summary["longest_stall_seconds"] >= 0.4


def go_through_its_loop(process: psutil.Process) -> None:
    """Wait until it has gone to sleep and woken up some times: its pulse has beaten."""
    before = process.num_ctx_switches().voluntary
    wait_for(lambda: process.num_ctx_switches().voluntary >= before + 20, "a running worker")


def test_others_on_the_generators_core_are_noticed(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    options = (
        "-f",
        SWARM,
        "--host",
        server.url,
        "-u",
        "20",
        "-r",
        "20",
        "-t",
        "3s",
        "--summary-json",
        str(file),
    )
    core = a_core()
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(running(sys.executable, "-c", "while True: pass", core=core))
        stack.enter_context(running(*LOCUST, *options, core=core)).wait(DEADLINE)

    summary = json.loads(file.read_text())
    assert summary["validity"]["verdict"] != "VALID"
    assert "run delay" in causes(summary), summary["validity"]
