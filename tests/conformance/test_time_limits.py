"""A server that soon closes who joins no namespace gets the verdicts of one that waits: socket.io on Node."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from server_under_test.starting.programs import find_node
from tests.server_under_test.conftest import require_foreign
from tests.servers import ROOT, start_command

SERVER = ROOT / "server_under_test/foreign/node/server.mjs"

# Whose sessions are open for longer than a second, and whose limits they are.
LONG = ("EIO-HB-01", "EIO-HB-02", "EIO-HB-03", "EIO-HB-07", "EIO-HB-09", "EIO-HB-10", "EIO-PL-19")
LIMITS = ("EIO-UP-09", "SIO-CN-05")


def test_a_connect_timeout_of_one_second_breaks_nothing(tmp_path: Path) -> None:
    """The server declares its limits at /about, so the cases about them are asked."""
    require_foreign("node")
    words = [
        "--ping-interval",
        "1",
        "--ping-timeout",
        "2",
        "--connect-timeout",
        "1",
        "--upgrade-timeout",
        "1",
    ]
    asked = [word for id_ in (*LONG, *LIMITS) for word in ("--id", id_)]
    with start_command([find_node() or "node", str(SERVER), "--port", "0", *words]) as server:
        command = [
            sys.executable,
            "-m",
            "conformance",
            "--url",
            server.url,
            *asked,
            "--report",
            "result.json",
        ]
        done = subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    cases = json.loads((tmp_path / "result.json").read_text())["cases"]
    assert {case["id"] for case in cases} == {*LONG, *LIMITS}
    # A busy server may close a silent client late, which is not strict.
    assert {case["verdict"] for case in cases} <= {"pass", "non-strict"}, done.stdout
    assert {case["verdict"] for case in cases if case["id"] in LIMITS} == {"pass"}, done.stdout
