"""The server of fifteen lines that the contract shows is judged as a newcomer would judge it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.servers import ROOT, Server, start_command

SERVE = """
import json
import socket

import uvicorn

listener = socket.create_server(("127.0.0.1", 0))
print("READY", json.dumps({"urls": [f"http://127.0.0.1:{listener.getsockname()[1]}"]}), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    contract = (ROOT / "conformance/CONTRACT.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", contract, re.DOTALL | re.MULTILINE)
    (tmp_path / "example.py").write_text(example + SERVE)
    with start_command([sys.executable, str(tmp_path / "example.py")]) as server:
        yield server


def test_the_example_of_the_contract_has_level_1_and_only_known_deviations(server: Server) -> None:
    library = ["--target-library", "python-socketio", "--target-version", version("python-socketio")]
    areas = ["--area", "SIO-AK", "--area", "SIO-EV", "--area", "SIO-CN"]
    command = [sys.executable, "-m", "conformance", "--url", server.url, "--json", *library, *areas]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    result = json.loads(done.stdout)
    assert result["target"]["contract_level"] == 1
    verdicts = {case["case"]: case["verdict"] for case in result["cases"]}
    assert {"pass", "known deviation", "not applicable"} <= set(verdicts.values())
    assert [name for name, verdict in verdicts.items() if verdict in ("fail", "unexpected pass")] == []
    assert done.returncode == 0
