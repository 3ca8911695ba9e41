"""The examples of the documentation are judged as a newcomer would judge them."""

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


def test_the_client_in_perl_fails_as_its_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/judge/clients.md").read_text("utf-8").partition("## An example: ")[2]
    program, shown = page.partition("```perl\n")[2].partition("\n```\n")[::2]
    shown = shown.partition("```\n$ ")[2].partition("\n```\n")[0]
    (tmp_path / "client.pl").write_text(program)
    command = [sys.executable, "-m", "conformance", "--client", f"perl {tmp_path}/client.pl"]

    done = subprocess.run([*command, "--area", "CLI-CN", "--json"], cwd=ROOT, capture_output=True, text=True)

    cases = json.loads(done.stdout)["cases"]
    wrong = [case for case in cases if case["verdict"] in ("fail", "non-strict", "info")]
    assert {case["id"] for case in wrong} == set(re.findall(r"^ *(CLI-\w\w-\d\d) ", shown, re.MULTILINE))
    for case in wrong:
        assert case["actual"].replace(f"{tmp_path}/", "") in shown
    assert done.returncode == 1
