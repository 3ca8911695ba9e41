"""Runs on a server that has room for some of the users only: the others have failed, and are told of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from load.running.child import WARNING, run
from sioprobe.measured.arrivals import SO_FAR
from sioprobe.results.validate import validate
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import DEADLINE, headless, load, started, with_workers
from tests.servers import ROOT, Server, start_command

SEATS, USERS = 8, 20


def narrow(*step: str) -> Server:
    return start_command([sys.executable, "-m", "tests.load.narrow_server", str(SEATS), *step])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with narrow() as started:
        yield started


def asked_for(server: Server, summary: Path, *more: str) -> list[str]:
    return ["-u", "20", "-r", "20", "-t", "60s", "--host", server.url, "--summary-json", str(summary), *more]


@pytest.mark.parametrize(("scenario", "processes"), [("ack", 1), ("idle", 1), ("idle", 2)])
def test_who_never_got_in_has_failed_and_no_figure_is_divided_by_them(
    server: Server, tmp_path: Path, scenario: str, processes: int
) -> None:
    summary = tmp_path / "summary.json"
    more = with_workers(processes) if processes > 1 else []

    done = headless(
        *asked_for(server, summary, "--scenario", scenario, "--fail-if", "errors>0", *more),
        until={"SIO connect": SEATS},
    )

    assert done.returncode == 1, done.stderr
    result = json.loads(summary.read_text())
    validate(result, "load", "summary")
    assert (result["users"], result["connected"]) == (USERS, SEATS)
    assert result["errors"] == {"not connected": USERS - SEATS}
    assert result["validity"]["verdict"] == "INVALID"
    [reason] = [found["reason"] for found in result["validity"]["findings"] if "users" in found["reason"]]
    assert reason.startswith("12 of 20 users were not connected after ")
    assert "  error: SIO connect websocket: not connected: 12" in done.stderr.splitlines()
    assert "sioprobe: 8 of 20 connections, " in done.stderr, done.stderr
    told = done.stderr[done.stderr.index("sioprobe: 8 of 20 connections, ") :]
    assert f"    INVALID: {reason}" in told.splitlines()
    assert "  --fail-if errors>0: broken, 12" in told.splitlines()

    used = result["server"]
    assert used["connections"] == used["series"][-1]["connections"] == SEATS
    assert used["fds_per_connection"] is not None
    assert "(8 of 20 connections)" in told
    assert used["window"] == ("all users started" if processes == 1 else "whole run")
    if scenario == "idle":
        assert result["found"]["connections"] == SEATS


def test_who_cannot_join_a_room_is_connected_and_has_failed(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    with narrow("join") as server:
        done = headless(
            *asked_for(server, summary, "--scenario", "fanout", "--room-size", "4"),
            until={"SIO connect": USERS, "SIO deliver": 1},
        )

    assert done.returncode == 1, done.stderr
    result = json.loads(summary.read_text())
    assert (result["users"], result["connected"]) == (USERS, USERS)
    assert result["errors"] == {"not ready": USERS - SEATS}
    assert "12 of 20 users were connected, but not ready to begin, after " in done.stderr
    assert f"({USERS} connections)" in done.stderr


def test_what_has_no_answer_at_the_end_makes_a_run_suspect_and_fails_nothing(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    with narrow("ack") as server:
        done = headless(*asked_for(server, summary), until={"SIO connect": USERS, "SIO ack": 1})

    assert_nothing_failed(done.returncode, done.stderr)
    result = json.loads(summary.read_text())
    assert result["errors"] == {}
    reason = "12 operations were under way at the end, and got no answer within 3 s"
    assert {"verdict": "SUSPECT", "cause": "errors", "reason": reason} in result["validity"]["findings"]


def test_users_who_get_in_by_turns_have_not_failed(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    with narrow("connect") as server:
        done = headless(
            *asked_for(server, summary, "--scenario", "churn", "--acks", "1", "--cool-down", "0"),
            until={"SIO life": 500},
        )

    assert_nothing_failed(done.returncode, done.stderr)
    result = json.loads(summary.read_text())
    assert (result["users"], result["connected"], result["errors"]) == (USERS, USERS, {})


SOURCE = """
    import gevent
    from locust import constant, task
    from sioprobe import SocketIOUser


    class Guest(SocketIOUser):
        wait_time = constant(0.1)
        began = inside = 0

        def on_start(self):
            Guest.began += 1
            self.connect()
            Guest.inside += 1
            if Guest.inside == SEATS:
                gevent.spawn(self.end)

        def end(self):
            while Guest.began < 20:
                gevent.sleep(0.05)
            self.environment.runner.quit()

        @task
        def nothing(self):
            pass
"""


def test_users_of_a_locustfile_that_never_got_in_have_failed(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "guests.py"
    file.write_text(textwrap.dedent(SOURCE).replace("SEATS", str(SEATS)))
    words = ["--headless", "--only-summary", "-u", "20", "-r", "20", "-t", "60s", "--host", server.url]

    done = subprocess.run(
        [str(Path(sys.executable).with_name("locust")), "-f", str(file), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 1, done.stderr
    assert "sioprobe: 8 of 20 connections, " in done.stderr, done.stderr
    told = done.stderr[done.stderr.index("sioprobe: 8 of 20 connections, ") :]
    assert "  error: SIO connect websocket: not connected: 12" in told.splitlines()
    assert "    INVALID: 12 of 20 users were not connected after " in told


@pytest.mark.parametrize("processes", [1, 2])
def test_it_is_told_while_the_run_goes_on(server: Server, processes: int) -> None:
    words = ["--headless", "--only-summary", "-u", "20", "-r", "20", "--scenario", "idle"]
    words += with_workers(processes) if processes > 1 else []
    with started(*words, "--host", server.url) as locust:
        end = time.monotonic() + DEADLINE
        while SO_FAR not in locust.stderr:
            assert time.monotonic() < end, locust.stderr
            time.sleep(0.1)
        assert locust.process.poll() is None
        locust.process.send_signal(signal.SIGTERM)
        locust.wait()
        told = locust.stderr

    [line] = [line for line in told.splitlines() if line.startswith(SO_FAR)]
    assert line.startswith("sioprobe: so far 12 of 20 users were not connected after ")
    assert line.endswith(" s, and nobody got in for 3 s")


@pytest.mark.parametrize("head", [SO_FAR, WARNING])
def test_sioprobe_load_shows_what_its_locust_says_meanwhile(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child waits until the line is shown."""
    shown = tmp_path / "shown"

    def show(console: Console, *parts: object, **how: object) -> None:
        if isinstance(parts[0], str):
            shown.write_text(parts[0])

    monkeypatch.setattr(Console, "print", show)
    program = f"""
import pathlib, sys, time
print("not for people", file=sys.stderr)
print("{head}nobody", file=sys.stderr, flush=True)
end = time.monotonic() + {DEADLINE}
while not pathlib.Path({str(shown)!r}).exists():
    assert time.monotonic() < end
    time.sleep(0.01)
print("all of it", file=sys.stderr)
"""
    code, errors = run([sys.executable, "-c", program], "a run")

    assert code == 0, errors
    assert shown.read_text() == f"{head}nobody"
    assert errors.splitlines() == ["not for people", f"{head}nobody", "all of it"]


def test_sioprobe_load_ends_with_1_and_names_them(server: Server) -> None:
    words = ["--url", server.url, "--users", "20", "--seconds", "2", "--no-calibrate", "--scenario", "idle"]
    done = load(*words, "--json")

    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["connected"] < result["users"] == USERS
