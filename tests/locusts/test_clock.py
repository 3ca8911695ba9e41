"""Processes of one host have one monotonic clock, in a network namespace too."""

from __future__ import annotations

import subprocess
import sys

from sioprobe.locusts.clock import clock_id
from tests.load.hosts import some_hosts
from tests.servers import ROOT

PROGRAM = "from sioprobe.locusts.clock import clock_id; print(clock_id())"


def test_the_clock_of_another_process_here_is_the_same() -> None:
    with some_hosts(1) as found:
        done = subprocess.run(
            found.hosts[0].command(sys.executable, "-c", PROGRAM),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    assert done.stdout.strip() == clock_id() != ""


def test_where_nothing_names_the_clock_a_process_is_alone_with_it() -> None:
    program = "from pathlib import Path\ndef fail(*_, **__): raise OSError\nPath.read_text = fail\n" + PROGRAM
    command = [sys.executable, "-c", program]
    answers = {
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
        for _ in range(2)
    }
    assert len(answers) == 2
