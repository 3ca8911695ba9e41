"""`python -m load`, the front that `sioprobe load` runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from load.__main__ import main
from load.profiles.reading import built_in_profiles
from sioprobe.results.validate import validate
from tests.in_process import run_here
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import load
from tests.servers import ROOT, Server, start_command


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as started:
        yield started


def test_the_locustfile_can_be_found_wherever_it_is_installed() -> None:
    done = load("--locustfile")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(ROOT / "load" / "swarm.py")]


def test_prints_figures_and_a_verdict(server: Server) -> None:
    done = load("--url", server.url, "--users", "5", until={"SIO connect": 5, "SIO ack": 5})

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    assert "SIO ack message-with-ack" in done.stdout
    assert "  verdict: " in done.stdout
    assert "  floor (null server, 5 connections, closed loop): " in done.stdout


def test_ctrl_c_before_anything_was_measured_is_one_line_and_130(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("load.__main__.run", lambda *arguments: (130, ""))

    done = run_here(main, "sioprobe load", "--url", "http://127.0.0.1:1")

    assert done.returncode == 130
    [line] = done.stderr.splitlines()
    assert line.endswith(": stopped before anything was measured")


def test_a_broken_threshold_is_shown_and_is_exit_code_3(server: Server) -> None:
    done = load(
        *("--url", server.url, "--users", "2", "--rate", "10", "--no-calibrate"),
        *("--fail-if", "p50>1us", "--fail-if", "errors>0", "--fail-if", "reach<100%"),
        until={"SIO connect": 2, "SIO ack": 1},
    )

    assert done.returncode == 3, done.stderr
    assert "  --fail-if p50>1us: broken, " in done.stdout
    assert "  --fail-if errors>0: kept, 0" in done.stdout
    assert "  --fail-if reach<100%: broken, not measured" in done.stdout
    assert "  floor: not calibrated" in done.stdout


def test_refused_clients_come_and_go_too() -> None:
    words = ["--scenario", "churn", "--expect", "refused", "--users", "3"]
    with start_command([sys.executable, "-m", "tests.load.lame_servers", "refusing"]) as refusing:
        done = load("--url", refusing.url, *words, "--no-calibrate", "--json", until={"SIO life": 3})

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    result = json.loads(done.stdout)
    assert result["errors"] == {}
    assert result["operations"] > 0
    assert result["found"]["words"][0].endswith(" from connect to refusal")


def test_a_server_that_refuses_nobody_is_told_before_the_run(server: Server) -> None:
    done = load("--url", server.url, "--scenario", "churn", "--expect", "refused", "--seconds", "2")

    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"python -m load: error: {server.url} lets this client in, and should refuse it: ")


def test_json_is_clean_on_stdout(server: Server) -> None:
    done = load(
        *(
            "--url",
            server.url,
            "--users",
            "4",
            "--processes",
            "2",
            "--json",
            "--no-calibrate",
        ),
        *("--scenario", "fanout", "--room-size", "2", "--transport", "polling"),
        until={"SIO connect": 4, "SIO deliver": 10},
    )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    result = json.loads(done.stdout)
    validate(result, "load", "stdout")
    assert result["operations"] > 0
    assert result["processes"] == 2
    assert result["ledger"]["reach"] == 1.0
    assert (result["scenario"], result["transport"]) == ("fanout", "polling")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "--url is missing"),
        (["--url", "http://127.0.0.1:1"], "nothing listens at http://127.0.0.1:1"),
        (
            ["--url", "http://x", "--transport", "websockt"],
            "unknown transport 'websockt' (the nearest is 'websocket';"
            " valid are polling, websocket, upgrade)",
        ),
        (
            ["--url", "http://x", "--fail-if", "p99>50"],
            "--fail-if 'p99>50': p99 has the unit 'us', 'ms', 's', not none",
        ),
        (
            ["--url", "http://x", "--fail-if", "memory_per_life>10KB"],
            "--fail-if 'memory_per_life>10KB': scenario ack does not measure it (churn does)",
        ),
        (
            ["--url", "http://x", "--scenario", "churn", "--expect", "refusal"],
            "--expect: unknown expect 'refusal' (the nearest is 'refused'; valid are connected, refused)",
        ),
        (["--url", "http://x", "--shape-users", "1,2"], "--shape-users needs --shape"),
        (["--url", "http://x", "--users", "0"], "--users: 0 is less than 1"),
        (["--url", "http://x", "--seconds", "inf"], "--seconds: 'inf' is not a number"),
        (["--url", "http://x", "--rate", "nan"], "--rate: nan is not a number"),
        (
            ["--url", "http://x/path"],
            "http://x/path has a path; give that of the Socket.IO endpoint with --path",
        ),
        (
            ["--url", "http://x", "--namespace", "chat"],
            "--namespace: 'chat' does not start with '/' (the nearest is '/chat')",
        ),
        (
            ["--url", "http://x", "--room-size", "5"],
            "--room-size: scenario ack does not know it (fanout, slow do)",
        ),
        (
            ["--url", "http://x", "--profile", "fanout", "--scenario", "ack"],
            "room_size of --profile fanout: scenario ack does not know it (fanout, slow do)",
        ),
        (
            ["--url", "http://x", "--seconds", "10s"],
            "--seconds: '10s' is not a number",
        ),
        (
            ["--url", "http://x", "--users", "2.5"],
            "--users: '2.5' is not a whole number",
        ),
        (
            ["--url", ""],
            "--url is empty: give the server's, such as http://127.0.0.1:5000",
        ),
        (
            ["--url", "http://x", "--profile", "fanuot"],
            "--profile: no profile or file 'fanuot' (the nearest is 'fanout'; valid are "
            + ", ".join(built_in_profiles(compares=False))
            + ")",
        ),
        (
            ["--url", "http://x", "--profile", "upgrade", "--transport", "polling"],
            "--scenario upgrade needs --transport upgrade",
        ),
        (["--url", "ftp://x"], "'ftp://x' is not http://host:port or https://host:port"),
    ],
    ids=[
        "no url",
        "nothing listens",
        "transport",
        "threshold",
        "figure of another scenario",
        "expectation",
        "shape",
        "users",
        "seconds",
        "rate",
        "path",
        "namespace",
        "parameter",
        "profile",
        "seconds with a unit",
        "half a user",
        "empty url",
        "no profile",
        "transport of a scenario",
        "scheme",
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = run_here(main, "sioprobe load", *arguments)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"sioprobe load: error: {line}"]
    assert done.stdout == ""


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that no earlier run has left connections with."""
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as started:
        yield started


def test_ctrl_c_still_prints_the_figures_and_leaves_nothing_behind(own_server: Server) -> None:
    descriptors = f"/proc/{own_server.about['pids'][0]}/fd"
    before = len(os.listdir(descriptors))
    process = subprocess.Popen(
        [sys.executable, "-m", "load", "--url", own_server.url, "--users", "3", "--seconds", "60", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 50
    while len(os.listdir(descriptors)) < before + 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert json.loads(stdout)["operations"] >= 0
    deadline = time.monotonic() + 30
    while len(os.listdir(descriptors)) > before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_load_leaves_nothing_behind(own_server: Server) -> None:
    descriptors = f"/proc/{own_server.about['pids'][0]}/fd"
    before = len(os.listdir(descriptors))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "load", "--url", own_server.url, "--users", "4", "--seconds", "600"),
            *("--processes", "2", "--no-calibrate"),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 50
    while len(os.listdir(descriptors)) < before + 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()

    assert len(family) == 3
    assert psutil.wait_procs(family, timeout=60)[1] == []
