"""However a run of tests ends, no process of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.servers import ROOT, kill_group
from tests.starts_everything import STARTED

FILE = "tests/starts_everything.py"
DEADLINE = 240.0


@pytest.mark.parametrize(
    ("number", "whom"),
    [(signal.SIGKILL, "pytest"), (signal.SIGINT, "pytest"), (signal.SIGTERM, "its worker")],
)
def test_nothing_is_left_of_a_run_that_a_signal_ends(
    number: signal.Signals, whom: str, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", FILE],
        cwd=ROOT,
        env={**os.environ, STARTED: str(started)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + DEADLINE
        while not started.exists():
            assert run.poll() is None, run.communicate()[0].decode()
            assert time.monotonic() < end
            time.sleep(0.05)
        (worker,) = psutil.Process(run.pid).children()
        family = [worker, *worker.children(recursive=True)]
        assert len(family) > 40

        os.kill(run.pid if whom == "pytest" else worker.pid, number)
        run.communicate(timeout=DEADLINE)

        _, alive = psutil.wait_procs(family, timeout=60)
        assert alive == []
    finally:
        kill_group(run.pid)
        run.wait()
