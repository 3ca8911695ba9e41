"""`sioprobe faults`: bad input, and one real fault on a real cluster."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from load.faults.catalogue import FAULTS
from tests.server_under_test.conftest import require_mode, require_redis

SIOPROBE = Path(sys.executable).with_name("sioprobe")


def faults(*arguments: str, seconds: float = 300.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SIOPROBE, "faults", *arguments], capture_output=True, text=True, timeout=seconds)


def test_a_real_cluster_loses_what_others_emit_while_its_links_are_cut(tmp_path: Path) -> None:
    require_mode("threading")
    require_redis()
    words = ["--mode", "threading", "--fault", "links-cut", "--repeat", "1", "--out", str(tmp_path), "--json"]

    done = faults(*words)

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document == json.loads((tmp_path / "faults.json").read_text("utf-8"))
    (cell,) = document["faults"]
    (run,) = cell["runs"]
    assert run["well_after_mend_s"] is not None
    assert cell["versions"]["python-socketio"]
    assert [one["lost"] for one in run["directions"] if one["own"]] == [0, 0]
    for one in run["directions"]:
        assert one["sent"] == one["received"] + one["lost"]
        if not one["own"]:
            assert one["lost"] > 0
            assert one["deaf_s"] > 0.5
    assert "Cannot receive from redis" in run["log"][0]["text"]
    before, played = done.stderr.splitlines()
    assert before.startswith("runs: 1 (faults: 1, repetitions: 1, modes with a queue: 1). They take 1 min or")
    assert played.startswith("threading, redis, links-cut, 1 of 1: well ")
    assert "links-cut" in (tmp_path / "faults.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--mode", "gevent", "--fault", "links-cat"],
            "unknown fault 'links-cat' (the nearest is 'links-cut'",
        ),
        (["--mode", "gevnt"], "unknown mode 'gevnt' (the nearest is 'gevent'; "),
        (["--fault", "links-cut"], "--mode is missing"),
        (["--mode", "gevent", "--repeat", "0"], "--repeat: 0 is less than 1"),
        (
            ["--mode", "gevent", "--queue", "rediss", "--repeat", "1"],
            "unknown queue 'rediss' (the nearest is 'redis'",
        ),
        (["--mode", "gevent", "--out", __file__], f"{__file__}' is a file"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], line: str, tmp_path: Path) -> None:
    out = [] if "--out" in arguments else ["--out", str(tmp_path)]

    done = faults(*arguments, *out)

    assert done.returncode == 2, done.stderr
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_the_faults_are_listed() -> None:
    done = faults("--fault", "list")

    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(FAULTS)


def test_nothing_is_left_when_it_is_killed(tmp_path: Path) -> None:
    require_mode("threading")
    require_redis()
    command = [SIOPROBE, "faults", "--mode", "threading", "--fault", "queue-paused-8", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        family: list[psutil.Process] = []
        # The supervisor, two workers, the links and the queue, which is paused by then.
        while not any(map(is_stopped, family)):
            assert started.poll() is None
            family = psutil.Process(started.pid).children(recursive=True)
            time.sleep(0.1)
        os.kill(started.pid, signal.SIGKILL)

    assert len(family) >= 5
    _, alive = psutil.wait_procs(family, timeout=60.0)
    assert alive == []


def is_stopped(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() == psutil.STATUS_STOPPED)
    return False
