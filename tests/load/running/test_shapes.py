"""Load over time in whole runs of the locustfile: every stage is reported, locally and with workers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from load.scenarios import scenarios_with
from tests.servers import ROOT, Server, held_port, start_command

LOCUST = [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "load" / "swarm.py")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as started:
        yield started


def run(server: Server, file: Path, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            *LOCUST,
            "--headless",
            "--only-summary",
            "--host",
            server.url,
            "--summary-json",
            str(file),
            *options,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )
    summary: dict[str, Any] = json.loads(file.read_text())
    # On a busy machine the generator may be INVALID, and some operations come too late to be sent.
    assert done.returncode == 0 or summary["validity"]["verdict"] == "INVALID", done.stderr
    assert "  stage " in done.stderr
    return summary


def test_each_step_has_its_users_and_its_rate(server: Server, tmp_path: Path) -> None:
    summary = run(
        server,
        tmp_path / "summary.json",
        *("--shape", "steps", "--shape-users", "2,4", "--shape-rate", "20,100", "--shape-seconds", "5"),
    )

    first, second = summary["stages"]
    assert [stage["name"] for stage in (first, second)] == ["2 users, 20/s", "4 users, 100/s"]
    assert [stage["rate"] for stage in (first, second)] == [20, 100]
    assert 0 < first["operations"] < second["operations"]
    assert first["operations"] + second["operations"] <= summary["operations"]
    assert summary["schedule"]["sent"] == summary["operations"]
    if summary["validity"]["verdict"] != "INVALID":
        assert summary["schedule"]["due"] == summary["schedule"]["sent"]
    assert second["server_cpu_share"] is not None
    connects = next(series for series in summary["series"] if series["type"] == "SIO connect")
    assert connects["count"] == 4


def test_workers_are_told_of_each_stage_and_tell_what_they_counted(server: Server, tmp_path: Path) -> None:
    port = str(held_port())
    summary = run(
        server,
        tmp_path / "summary.json",
        *("--processes", "2", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
        *("--master-port", port, "--shape", "spike", "--shape-users", "2,6", "--shape-rate", "20,60"),
        *("--shape-seconds", "4,4,5"),
    )

    assert [stage["name"] for stage in summary["stages"]] == ["before", "spike", "after"]
    assert [stage["users"] for stage in summary["stages"]] == [2, 6, 2]
    assert all(stage["operations"] > 0 for stage in summary["stages"])
    assert sum(stage["operations"] for stage in summary["stages"]) <= summary["operations"]
    assert summary["processes"] == 2


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["--shape", "spikes"],
            "unknown shape 'spikes' (the nearest is 'spike'; valid are steps, ramp, spike, soak)",
        ),
        (["--shape", "ramp"], "ramp needs two levels, such as --shape-users 1,100 or --shape-rate 100,2000"),
        (
            ["--shape", "ramp", "--shape-rate", "1,2", "--scenario", "fanout"],
            "--shape-rate: fanout has no total rate; scenarios that have are "
            + ", ".join(scenarios_with("total_rate")),
        ),
    ],
)
def test_what_makes_no_shape_is_said_in_one_line(server: Server, options: list[str], line: str) -> None:
    done = subprocess.run(
        [*LOCUST, "--headless", "--loglevel", "ERROR", "--host", server.url, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"locust: error: {line}"]
