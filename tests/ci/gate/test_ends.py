"""However a gate ends, it says why in one line, and leaves no process and no folder."""

from __future__ import annotations

import contextlib
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sioprobe.results.files import read_gate
from tests.ci.gate.test_gating import REFERENCE, SIOPROBE, gate, left_behind, own_temp, repository

__all__ = ["own_temp", "repository"]

ONLY_LIVES = ("--no-conformance", "--no-counters")
ONE_CELL = ("--base-command", REFERENCE, "--head-command", REFERENCE, "--cell", "websocket")


class Running:
    """A gate of equal servers, which does not come to an answer by itself."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [SIOPROBE, "gate", *ONE_CELL, "--budget", "5m", "--tolerance", "0.001%", *options],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def until(self, words: str) -> None:
        """Read what it says up to a line with these words."""
        assert self.process.stderr is not None
        assert any(words in line for line in self.process.stderr)

    def part(self, module: str) -> psutil.Process:
        """The process of the gate's that runs this module, once it is there."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if module in child.cmdline():
                        return child
            time.sleep(0.05)
        raise AssertionError(f"no process runs {module}")

    def end(self) -> str:
        """Standard error to the end."""
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        self.process.wait(60)
        self.process.stderr.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return said


def wait_until_gone(folder: Path) -> list[str]:
    """What is left after at most half a minute."""
    end = time.monotonic() + 30
    while (left := left_behind(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_gate_keeps_what_it_has_and_is_no_pass(
    tmp_path: Path, own_temp: Path, number: signal.Signals
) -> None:
    running = Running(tmp_path, *ONLY_LIVES)
    running.until("1 lives")

    running.process.send_signal(number)
    running.end()

    found = read_gate(tmp_path / "gate-out" / "gate.json")
    assert running.process.returncode == 130
    assert found["interrupted"]
    assert found["verdict"] == "INCONCLUSIVE"
    assert found["cells"][0]["lives"] >= 1
    assert (tmp_path / "gate-out" / "gate.html").exists()
    assert wait_until_gone(own_temp) == []


def test_a_killed_gate_leaves_nothing(tmp_path: Path, own_temp: Path) -> None:
    running = Running(tmp_path, *ONLY_LIVES)
    running.until("1 lives")

    running.process.kill()
    running.end()

    assert wait_until_gone(own_temp) == []


def test_a_killed_sweeper_changes_nothing(tmp_path: Path, own_temp: Path) -> None:
    running = Running(tmp_path, *ONLY_LIVES)
    running.until("1 lives")

    running.part("ci.gate.children").kill()
    running.process.send_signal(signal.SIGINT)
    running.end()

    assert running.process.returncode == 130
    assert wait_until_gone(own_temp) == []


@pytest.mark.parametrize(
    ("options", "part", "line"),
    [
        (ONLY_LIVES, "load.side_by_side", "load.side_by_side ended with -9"),
        (("--no-conformance",), "load.counting", "load.counting ended with -9"),
        (("--no-counters",), "conformance", "application could not be judged (exit code -9)"),
    ],
    ids=["driver", "counting", "judge"],
)
def test_a_killed_part_is_an_error(
    tmp_path: Path, own_temp: Path, options: tuple[str, ...], part: str, line: str
) -> None:
    running = Running(tmp_path, *options)

    running.part(part).kill()
    said = running.end()

    assert running.process.returncode == 2
    assert line in said.splitlines()[-1]
    assert read_gate(tmp_path / "gate-out" / "gate.json")["verdict"] == "ERROR"
    assert wait_until_gone(own_temp) == []


def test_a_server_that_is_killed_in_a_later_life_is_an_error(tmp_path: Path, own_temp: Path) -> None:
    running = Running(tmp_path, *ONLY_LIVES, "--budget", "40s")
    running.until("1 lives")

    # The servers of the first life are gone, so it is one of the second.
    running.part("server_under_test").kill()
    said = running.end()

    assert running.process.returncode == 2
    assert "the server ended with -9" in said.splitlines()[-1]
    assert read_gate(tmp_path / "gate-out" / "gate.json")["cells"][0]["lives"] == 1
    assert wait_until_gone(own_temp) == []


HANGS = """
import json, socket, time
listener = socket.create_server(("127.0.0.1", 0))
print("READY", json.dumps({"urls": [f"http://127.0.0.1:{listener.getsockname()[1]}"]}), flush=True)
time.sleep(600)
"""


def test_a_server_that_hangs_after_ready_is_an_error(tmp_path: Path, own_temp: Path) -> None:
    hangs = shlex.join([sys.executable, "-c", HANGS])

    # The counts of the base would take longer than the judge needs to see it.
    done = gate("--base-command", REFERENCE, "--head-command", hangs, "--cell", "websocket", cwd=tmp_path)

    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("sioprobe gate: error: head-application could not be judged")
    assert "accepts connections and does not answer" in line
    assert left_behind(own_temp) == []


def test_a_port_in_use_is_an_error(tmp_path: Path, own_temp: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"{REFERENCE.removesuffix('0')}{holder.getsockname()[1]}"
        done = gate(
            "--base-command",
            REFERENCE,
            "--head-command",
            taken,
            "--cell",
            "websocket",
            *ONLY_LIVES,
            cwd=tmp_path,
        )

    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("sioprobe gate: error: head: the server ended with 2: ")
    assert "in use" in line
    assert left_behind(own_temp) == []


MOUNTS = next(
    (
        words
        for words in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"])
        if subprocess.run([*words, "mount", "-t", "tmpfs", "t", "/mnt"], capture_output=True).returncode == 0
    ),
    None,
)


@pytest.mark.skipif(MOUNTS is None, reason="this user may not mount a small disk")
@pytest.mark.parametrize(
    ("full", "used", "line"),
    [
        # A folder can be made, and no checkout.
        ("temp", 8192, "No space left on device"),
        ("out", 16384, "lives.jsonl: cannot be written: No space left on device"),
    ],
    ids=["temp", "out"],
)
def test_a_full_disk_is_an_error(
    repository: Path, own_temp: Path, tmp_path: Path, full: str, used: int, line: str
) -> None:
    (tmp_path / "out").mkdir()
    script = (
        f'mount -t tmpfs -o size=16k small "{tmp_path}/{full}" || exit 99\n'
        f'head -c {used} /dev/zero > "{tmp_path}/{full}/fill"\n'
        '"$@"; code=$?\n'
        f'find "{own_temp}" -mindepth 1 -not -name fill | sed "s/^/LEFT /"; exit $code'
    )
    assert MOUNTS is not None

    done = subprocess.run(
        [
            *MOUNTS, "sh", "-c", script, "sh", SIOPROBE, "gate", "--base", "HEAD~1", *ONLY_LIVES,
            "--out", str(tmp_path / "out"), "--budget", "10s",
        ],
        cwd=repository, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert "LEFT" not in done.stdout
    assert left_behind(own_temp) == []
