"""`python -m load`, the front that `sioprobe load` runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.servers import ROOT, Server, start_command


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.null_server"]) as started:
        yield started


def load(*arguments: str, program: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "load", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SIOPROBE_PROG": program},
    )


def test_prints_figures_and_a_verdict(server: Server) -> None:
    done = load("--url", server.url, "--users", "5", "--seconds", "1")

    assert done.returncode == 0, done.stderr
    assert "SIO ack message-with-ack" in done.stdout
    assert "  verdict: " in done.stdout


def test_json_is_clean_on_stdout(server: Server) -> None:
    done = load(
        *("--url", server.url, "--users", "4", "--seconds", "1", "--processes", "2", "--json"),
        *("--scenario", "fanout", "--room-size", "2", "--transport", "polling"),
    )

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["operations"] > 0
    assert result["processes"] == 2
    assert result["ledger"]["reach"] == 1.0
    assert (result["scenario"], result["transport"]) == ("fanout", "polling")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "Missing option '--url'."),
        (["--url", "http://127.0.0.1:1"], "nothing listens at http://127.0.0.1:1"),
        (
            ["--url", "http://x", "--transport", "websockt"],
            "unknown transport 'websockt' (the nearest is 'websocket';"
            " valid are polling, websocket, upgrade)",
        ),
        (["--url", "http://x", "--users", "0"], "Invalid value for '--users': 0 is not in the range x>=1."),
        (["--url", "ftp://x"], "'ftp://x' is not http://host:port or https://host:port"),
    ],
    ids=["no url", "nothing listens", "transport", "users", "scheme"],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = load(*arguments, program="sioprobe load")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"sioprobe load: error: {line}"]
    assert done.stdout == ""


def test_ctrl_c_still_prints_the_figures_and_leaves_nothing_behind(server: Server) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "load", "--url", server.url, "--users", "3", "--seconds", "60", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    descriptors = f"/proc/{server.about['pids'][0]}/fd"
    before = len(os.listdir(descriptors))
    deadline = time.monotonic() + 20
    while len(os.listdir(descriptors)) < before + 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert json.loads(stdout)["operations"] >= 0
    deadline = time.monotonic() + 10
    while len(os.listdir(descriptors)) > before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
