"""The agent of the contract that fetches its commands: in Node, and in a page of a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.chromium import DEADLINE
from tests.chromium import browser as browser
from tests.servers import ROOT

CONTRACT = (ROOT / "conformance/CLIENT_CONTRACT.md").read_text("utf-8")
PROGRAM = (
    CONTRACT.partition("## An agent that no command starts")[2].partition("```js\n")[2].partition("```")[0]
)
MODULES = ROOT / "conformance/agents/js/node_modules"
# Over polling, WebSocket and the upgrade; and whether the process lives.
IDS = ("CLI-CN-01", "CLI-EV-01", "CLI-SV-01")


@contextmanager
def judging(file: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    """The URL to which an agent comes, and what the run prints; the result goes into `file`."""
    command = [sys.executable, "-m", "conformance", "--client-listen", "0", "--report", str(file)]
    command += [word for id_ in IDS for word in ("--id", id_)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as run:
        assert run.stderr is not None
        invitation = run.stderr.readline()
        (url,) = set(re.findall(r"http://127\.0\.0\.1:\d+", invitation))
        assert f"curl '{url}/next?agent=me'" in invitation
        try:
            yield url, lambda: "".join(run.communicate())
        finally:
            run.kill()
    assert run.returncode == 0


def expect_passes(file: Path, output: str) -> None:
    result = json.loads(file.read_text("utf-8"))
    assert result["target"]["command"] == "--client-listen 0"
    assert result["target"]["contract_level"] == 1
    assert {case["verdict"] for case in result["cases"]} == {"pass"}, output
    assert {case["transport"] for case in result["cases"]} >= {"polling", "websocket", "upgraded"}


def test_an_agent_in_node_is_judged(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    (tmp_path / "node_modules").symlink_to(MODULES)
    with judging(tmp_path / "r.json") as (url, output):
        (tmp_path / "a.mjs").write_text(PROGRAM.replace("http://127.0.0.1:8900", url), "utf-8")
        with subprocess.Popen([node, str(tmp_path / "a.mjs")]) as agent:
            printed = output()
            agent.kill()

    expect_passes(tmp_path / "r.json", printed)


def test_an_agent_in_a_page_is_judged(tmp_path: Path, browser: Browser) -> None:
    with judging(tmp_path / "r.json") as (url, output):
        script = f'<script src="file://{MODULES}/socket.io-client/dist/socket.io.min.js"></script>'
        program = PROGRAM.replace("http://127.0.0.1:8900", url)
        (tmp_path / "p.html").write_text(f'{script}<script type="module">{program}</script>', "utf-8")
        page = browser.new_page()
        page.goto(f"file://{tmp_path}/p.html", timeout=DEADLINE)
        printed = output()
        page.close()

    expect_passes(tmp_path / "r.json", printed)
