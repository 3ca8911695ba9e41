"""The scenarios about the life of connections under Locust and in blocks: what they found is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.load.endings import assert_nothing_failed
from tests.load.locusts import headless, with_workers
from tests.servers import ROOT, held_port, start_command, start_server


def found_in(summary: Path) -> dict[str, Any]:
    return json.loads(summary.read_text())["found"]  # type: ignore[no-any-return]


def test_what_workers_found_is_added_up_and_the_server_is_looked_at(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    with start_server("gevent", ping_interval=1, ping_timeout=3) as server:
        done = headless(
            *("-u", "6", "-r", "6", "-t", "60s", "--host", server.url, "--scenario", "churn"),
            *("--transport", "upgrade", "--summary-json", str(summary), *with_workers(2)),
            until={"SIO life": 6},
        )

    assert_nothing_failed(done.returncode, done.stderr)
    found = found_in(summary)
    series = {each["type"]: each["count"] for each in json.loads(summary.read_text())["series"]}
    assert found["lives"] == series["SIO life"] == series["SIO close"] > 0
    assert found["failed"] == {}
    assert (found["leak"]["verdict"], found["leak"]["after"]["sessions"]) == ("clean", 0)
    assert f"  {found['words'][0]}" in done.stderr.splitlines()
    # Six lives or so are too few to say anything of memory.
    assert "the server kept no session, thread or open file: sessions 0" in done.stderr
    assert "too few lives to tell whether memory grows" in done.stderr


def test_memory_of_each_life_is_a_condition(tmp_path: Path) -> None:
    with start_command([sys.executable, "-m", "tests.load.lame_servers", "memory"]) as server:
        done = headless(
            *("-u", "10", "-r", "10", "-t", "60s", "--host", server.url, "--scenario", "churn"),
            *("--acks", "0", "--rate", "20"),
            *("--fail-if", "memory_per_life>10KB", "--fail-if", "memory_per_life>1MB"),
            until={"SIO life": 800},
        )

    assert done.returncode == 3
    assert "the server leaks: memory grew " in done.stderr
    assert "  --fail-if memory_per_life>10KB: broken, " in done.stderr
    assert "  --fail-if memory_per_life>1MB: kept, " in done.stderr


EXIT_CODE = """
import sys
from types import SimpleNamespace as Space

from load.running.director import Director
from tests.load.results import run_result

runner = Space(state="stopped", exceptions={})
options = Space(headless=True, fail_if=[sys.argv[1]], exit_code_on_error=1)
director = object.__new__(Director)
director.environment = Space(runner=runner, parsed_options=options, process_exit_code=None)
director.attachment = Space(is_worker=False, close=lambda: None)
director._server = Space(found=lambda: {"leak": {"rss_bytes_per_life": 20_000.0}})
director._found, director._warnings = None, []
director.result = lambda: run_result(scenario="churn", found=director._found)
director.test_is_over()
print(director.environment.process_exit_code)
"""


@pytest.mark.parametrize(("condition", "code"), [("memory_per_life>10KB", 3), ("memory_per_life>1MB", 0)])
def test_locust_waits_for_the_cool_down_before_it_makes_such_an_exit_code(condition: str, code: int) -> None:
    words = [sys.executable, "-c", EXIT_CODE, condition]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert (done.stdout.split(), done.returncode) == ([str(code)], 0), done.stderr


def test_a_storm_restarts_the_server_that_the_run_started(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    port = str(held_port())
    done = headless(
        *("-u", "4", "-r", "4", "-t", "60s", "--host", f"http://127.0.0.1:{port}", "--scenario", "storm"),
        *("--drop", "server", "--waves", "1", "--calm", "0.5", "--summary-json", str(summary)),
        *("--server-command", f"{sys.executable} -m load.blocks.null_server --port {port}"),
        until={"SIO back": 4},
    )

    assert_nothing_failed(done.returncode, done.stderr)
    (wave,) = found_in(summary)["waves"]
    assert (wave["dropped"], wave["back"]) == (4, 4)
    assert wave["attempts"] == 4 + sum(wave["errors"].values())
    assert "wave 1: 4 dropped, back after the drop: first " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--scenario", "upgrade"], "--scenario upgrade needs --transport upgrade"),
        (
            ["--fail-if", "memory_per_life>10KB"],
            "argument --fail-if: 'memory_per_life>10KB': scenario ack does not measure it (churn does)",
        ),
        (["--server-command", "nonesuch"], "--server-command: nonesuch: No such file or directory"),
        (["--server-command", "sh -c 'echo no; exit 3'"], "--server-command: the server ended with 3: no"),
    ],
    ids=["transport", "figure", "command", "ends"],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = headless("-u", "1", "-t", "1s", "--loglevel", "ERROR", "--host", "http://127.0.0.1:1", *arguments)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"locust: error: {line}")


def test_a_block_holds_what_its_scenario_found() -> None:
    requests = [
        {"scenario": "upgrade", "transport": "upgrade"},
        {"scenario": "churn", "transport": "polling", "acks": 1},
        {"scenario": "upgrade", "transport": "polling"},
        {"scenario": "ack"},
    ]
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        more = {"url": server.url, "server_pids": server.about["pids"], "connections": 3, "seconds": 0.5}
        lines = "".join(json.dumps({**more, **request}) + "\n" for request in requests)
        done = subprocess.run(
            [sys.executable, "-m", "load.blocks"],
            cwd=ROOT,
            input=lines,
            capture_output=True,
            text=True,
            timeout=120,
        )

    upgrade, churn, refused, ack = map(json.loads, done.stdout.splitlines())
    assert (upgrade["found"]["failed_share"], upgrade["ledger"]["lost"]) == (0.0, 0)
    assert upgrade["operations"] > 0
    assert churn["found"]["lives"] >= churn["operations"] > 0
    assert churn["found"]["leak"]["verdict"] == "clean"
    assert refused == {"error": "transport: scenario upgrade needs upgrade"}
    assert ack["found"] is None
