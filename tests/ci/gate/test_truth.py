"""The gate says the truth about servers whose difference is known; `python -m ci.gate.truth` asks more."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from ci.gate.truth import INJECTED, table
from tests.servers import ROOT

SIOPROBE = Path(sys.executable).with_name("sioprobe")
ROUNDS = 1000
"""Of an empty loop: about 10 % of what a message costs in either cell, measured by `ci.gate.truth`."""


def gate(folder: Path, burden: str) -> dict[str, Any]:
    """One gate over two cells; `{mode}` makes them the reference server's."""
    path = os.pathsep.join((str(INJECTED), str(ROOT)))
    base, head = (
        f"env SIOPROBE_INJECT={how} PYTHONPATH={shlex.quote(path)} {shlex.quote(sys.executable)}"
        " -m server_under_test --mode {mode} --port 0"
        for how in ("none", burden)
    )
    done = subprocess.run(
        [
            SIOPROBE, "gate", "--base-command", base, "--head-command", head, "--mode", "gevent",
            "--mode", "threading", "--no-conformance", "--no-counters", "--budget", "40s", "--json",
        ],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    assert [cell["id"] for cell in found["cells"]] == ["gevent:websocket", "threading:websocket"]
    assert all(cell["lives"] >= 2 for cell in found["cells"]), done.stderr
    assert done.returncode == found["exit_code"]
    return found


def test_equal_code_is_no_regression(tmp_path: Path) -> None:
    found = gate(tmp_path, "none")

    assert found["verdict"] in ("PASS", "INCONCLUSIVE"), found["sentence"]
    assert "REGRESSION" not in [cell["verdict"] for cell in found["cells"]]


def test_a_tenth_more_is_no_pass(tmp_path: Path) -> None:
    found = gate(tmp_path, f"spin:{ROUNDS}")

    assert found["verdict"] in ("REGRESSION", "INCONCLUSIVE"), found["sentence"]
    assert "PASS" not in [cell["verdict"] for cell in found["cells"]]
    assert all(cell["cpu"]["estimate"] > 0.03 for cell in found["cells"])


def test_the_table_counts_verdicts() -> None:
    line = {"burden": "plus10", "cell": "gevent:websocket", "condition": "SCHED_RR, 0 hogs", "seconds": 30.0}
    lines = [
        {**line, "verdict": "REGRESSION", "estimate": 0.101, "smallest_visible": 0.035},
        {**line, "verdict": "INCONCLUSIVE", "estimate": None, "smallest_visible": None},
    ]

    rows = table(lines).splitlines()

    cells = "+10 % of CPU per message | gevent:websocket | SCHED_RR, 0 hogs | 2 | 1 | 0 | 1 | 0"
    assert rows[2] == f"| {cells} | +10.1 % | +3.5 % | 0.5 |"
    assert rows[-1] == "+10 % of CPU per message: 2 gates: 1 INCONCLUSIVE, 1 REGRESSION."
