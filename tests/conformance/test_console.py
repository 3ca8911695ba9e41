"""What a run looks like on a terminal: one line of progress, then failures in its width."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from conformance.running.progress_line import line
from conformance.telling.console import fitted
from conformance.verdicts import Verdict
from tests.servers import ROOT, start_command

WORDS = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1", "--ping-timeout", "3"]


def test_the_line_of_progress_counts_failures_first() -> None:
    counts = {Verdict.PASS: 200, Verdict.NOT_APPLICABLE: 4, Verdict.FAIL: 2, Verdict.INCONCLUSIVE: 1}
    assert line(counts, 385, 7.6) == (
        "207 of 385 cases judged, 8 s: 2 fail, 1 inconclusive, 200 pass, 4 not applicable"
    )
    assert line({}, 385, 0.0) == "0 of 385 cases judged, 0 s"


def test_a_transcript_breaks_under_its_own_column_and_a_command_stays_whole() -> None:
    entry = "       0.053 C→S polling   MESSAGE: data of EVENT is not an array   '42{}'"
    command = "  reproduce: sioprobe conform --url http://127.0.0.1:45769 -- -k 'test_closes[polling]'"
    lines = fitted(f"{entry}\n{command}\n  actual    short", 60).splitlines()
    assert lines[0] == "       0.053 C→S polling   MESSAGE: data of EVENT is not an"
    assert lines[1] == " " * 27 + "array   '42{}'"
    assert lines[2:] == [command, "  actual    short"]


def on_terminal(columns: int, folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of a run whose standard streams are a terminal of so many columns."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", *words],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "", "TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        output = b""
        try:
            while piece := os.read(ours, 65536):
                output += piece
        except OSError:  # how Linux ends a terminal that nobody writes to any more
            pass
    os.close(ours)
    return process.returncode, output.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_run_on_a_terminal_fits_it(columns: int, tmp_path: Path) -> None:
    with start_command([*WORDS, "--fault", "push-is-answered-in-capitals"]) as server:
        code, output = on_terminal(
            columns, tmp_path, "--url", server.url, "--id", "EIO-PL-01", "--id", "EIO-HS-05"
        )
    assert code == 1
    assert "\r\x1b[2K0 of 2 cases judged, 0 s" in output
    assert "[100%]" not in output
    lines = re.sub(r"\x1b\[[0-9;]*m", "", output.split("\x1b[2K")[-1]).splitlines()
    assert "  actual    body 'OK'" in lines
    long = [line for line in lines if len(line) > columns and "reproduce: " not in line]
    assert long == []
    assert any(len(line) > columns - 20 for line in lines)
