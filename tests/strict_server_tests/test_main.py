"""The strict server as a process."""

import json
import signal
import subprocess
import sys
import urllib.request
from typing import Any

import pytest

from tests.servers import ROOT, start_command

COMMAND = [sys.executable, "-m", "tests.strict_server"]
DEADLINE = 40.0


def open_data(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/socket.io/?EIO=4&transport=polling", timeout=DEADLINE) as answer:
        data: dict[str, Any] = json.loads(answer.read()[1:])
        return data


def test_it_says_when_it_is_ready_and_stops_on_sigterm() -> None:
    with start_command(
        [*COMMAND, "--ping-interval", "1", "--ping-timeout", "2", "--max-payload", "500"]
    ) as server:
        assert (server.about["mode"], server.about["versions"]["strict-server"]) == ("strict", "1")
        data = open_data(server.url)
        assert (data["pingInterval"], data["pingTimeout"], data["maxPayload"]) == (1000, 2000, 500)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert server.stderr == ""


def test_it_starts_with_a_fault() -> None:
    with start_command([*COMMAND, "--fault", "open-data-lacks-max-payload"]) as server:
        assert "maxPayload" not in open_data(server.url)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "never-ping"], "unknown fault 'never-ping'; the nearest is 'never-pings'\n"),
        (["--port", "99999"], "the port must be from 0 to 65535, not 99999\n"),
        (["--ping-interval", "0"], "--ping-interval must be more than 0, not 0.0\n"),
    ],
)
def test_bad_arguments_end_in_one_line(arguments: list[str], message: str) -> None:
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr, done.stdout) == (2, message, "")


def test_a_taken_port_ends_in_one_line() -> None:
    with start_command(COMMAND) as server:
        port = server.url.rpartition(":")[2]
        done = subprocess.run(
            [*COMMAND, "--port", port], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert done.stderr.count("\n") == 1


def test_it_lists_its_faults() -> None:
    done = subprocess.run(
        [*COMMAND, "--list-faults"], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE
    )
    assert "EIO-HB-01  never-pings: the server sends no ping" in done.stdout.splitlines()
