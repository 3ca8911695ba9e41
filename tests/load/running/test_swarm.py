"""The locustfile in processes of its own: counts reconcile, files are written, the web page answers."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.endings import assert_nothing_failed
from tests.load.locusts import LOCUST, headless, with_workers
from tests.servers import ROOT, Server, held_port, start_command, start_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_server("gevent") as started:
        yield started


def counts_of_locust(stdout: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Requests, failures and untimed requests by type and name; workers print an empty list before."""
    start = stdout.index("[\n    {")
    return {
        (entry["method"], entry["name"]): (
            entry["num_requests"],
            entry["num_failures"],
            entry["num_none_requests"],
        )
        for entry in json.loads(stdout[start:])
    }


def counts_of_ours(path: Path) -> dict[tuple[str, str], tuple[int, int, int]]:
    counts = {}
    for series in json.loads(path.read_text())["series"]:
        failed = sum(series["errors"].values())
        counts[series["type"], series["name"]] = (series["count"], failed, series["untimed"] + failed)
    return counts


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(("scenario", "transport"), [("ack", "polling"), ("fanout", "upgrade")])
def test_counts_reconcile_with_locusts(
    server: Server, tmp_path: Path, processes: int, scenario: str, transport: str
) -> None:
    summary = tmp_path / "summary.json"
    operation = ("SIO ack", "message-with-ack") if scenario == "ack" else ("SIO deliver", "m")
    arguments = ["-u", "10", "-r", "10", "-t", "60s", "--host", server.url, "--json"]
    arguments += ["--scenario", scenario, "--transport", transport]
    arguments += ["--room-size", "5"] if scenario == "fanout" else []
    arguments += ["--summary-json", str(summary)]
    if processes > 1:
        arguments += with_workers(processes)

    done = headless(*arguments, cwd=tmp_path, until={"SIO connect": 10, "SIO poll": 1, operation[0]: 1})

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    ours = counts_of_ours(summary)
    assert counts_of_locust(done.stdout) == ours
    assert ours[operation][0] > 0
    assert ours["SIO connect", transport] == (10, 0, 0)
    assert ours["SIO poll", transport][0] == ours["SIO poll", transport][2] > 0
    result = json.loads(summary.read_text())
    assert result["processes"] == processes
    assert result["errors"] == {}
    if scenario == "fanout":
        assert (result["ledger"]["reach"], result["ledger"]["lost"]) == (1.0, 0)
        assert result["ledger"]["received"] == ours[operation][0]
        assert "reach 100.0000%" in done.stderr
    assert "verdict: " in done.stderr


def test_failures_reconcile_and_are_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.strict_server", "--fault", "acks-twice"]
    summary = tmp_path / "summary.json"
    with start_command(command) as server:
        done = headless(
            *("-u", "3", "-r", "3", "-t", "60s", "--host", server.url, "--json"),
            *("--summary-json", str(summary), "--csv", str(tmp_path / "run")),
            until={"SIO ack": 10},
        )

    ours = counts_of_ours(summary)
    assert done.returncode == 1
    assert counts_of_locust(done.stdout) == ours
    requests, failures, untimed = ours["SIO ack", "message-with-ack"]
    assert requests > failures == untimed > 0
    with (tmp_path / "run_failures.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "run_stats.csv").open() as file:
        counts = {row["Type"]: int(row["Request Count"]) for row in csv.DictReader(file)}
    assert counts["SIO ack"] == requests
    assert [(row["Error"], int(row["Occurrences"])) for row in rows] == [("ack to nothing", failures)]


def test_csv_and_html_are_written(server: Server, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    done = headless(
        *("-u", "5", "-r", "5", "-t", "60s", "--host", server.url, "--scenario", "idle"),
        *("--csv", str(tmp_path / "run"), "--html", str(tmp_path / "run.html")),
        *("--summary-json", str(summary)),
        until={"SIO connect": 5},
    )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    with (tmp_path / "run_stats.csv").open() as file:
        rows = {row["Type"]: row for row in csv.DictReader(file)}
    assert rows["SIO connect"]["Request Count"] == "5"
    assert rows[""]["Request Count"] == "5"
    assert "SIO connect" in (tmp_path / "run.html").read_text()
    assert json.loads(summary.read_text())["server"]["rss_bytes_per_connection"] is not None
    assert "  per connection: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--host", "http://127.0.0.1:1"], "locust: error: nothing listens at http://127.0.0.1:1"),
        (
            ["--host", "http://127.0.0.1:1", "--transport", "websokcet"],
            "locust: error: argument --transport: unknown transport 'websokcet' (the nearest is 'websocket';"
            " valid are polling, websocket, upgrade)",
        ),
        (
            ["--host", "http://127.0.0.1:1", "--room-size", "0"],
            "locust: error: argument --room-size: 0 is less than 1",
        ),
        (
            ["--host", "http://127.0.0.1:1", "--room-size", "5"],
            "locust: error: argument --room-size: scenario ack does not know it (fanout, slow do)",
        ),
        ([], "locust: error: --host is missing: the server's URL, such as http://127.0.0.1:5000"),
        (
            ["--host", "http://127.0.0.1:1", "--schedule", "poisson", "--rate", "0"],
            "locust: error: argument --schedule: needs --rate, --total-rate or --shape-rate",
        ),
        (
            ["--host", "http://127.0.0.1:1", "--summary-json", "no/such/folder.json"],
            "locust: error: --summary-json no/such/folder.json: there is no folder no/such",
        ),
        (
            ["--host", "http://127.0.0.1:1", "--source-addresses", "192.0.2.1"],
            "locust: error: --source-addresses: source address 192.0.2.1 is not one of this machine"
            " (Cannot assign requested address)",
        ),
    ],
    ids=[
        "nothing listens",
        "transport",
        "number",
        "parameter",
        "no host",
        "a schedule of nothing",
        "no folder",
        "no address of ours",
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = headless("-u", "1", "-t", "1s", "--loglevel", "ERROR", *arguments)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [line]


def test_a_wrong_server_ends_the_workers_too() -> None:
    started = time.monotonic()
    done = headless(
        *("-u", "2", "-t", "1s", "--host", "http://127.0.0.1:1"),
        *with_workers(2),
    )

    assert done.returncode == 2
    # Workers left alone look for their master for 60 s.
    assert time.monotonic() - started < 60


def test_the_web_page_starts_a_swarm_and_shows_its_figures(server: Server) -> None:
    port = held_port()
    process = subprocess.Popen(
        [*LOCUST, "--web-host", "127.0.0.1", "--web-port", str(port), "--host", server.url],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        page = fetch(f"http://127.0.0.1:{port}/").decode()
        for option in ("transport", "scenario", "namespace", "payload_bytes", "room_size", "rate"):
            assert re.search(rf'\\?"{option}\\?"', page), option
        assert "upgrade" in page
        form = b"user_count=4&spawn_rate=4&transport=polling&scenario=ack&payload_bytes=8"
        answer = json.loads(fetch(f"http://127.0.0.1:{port}/swarm", form))
        assert answer["success"] is True
        stats = wait_for_requests(port, "SIO ack", "SIO connect", "SIO poll")
        fetch(f"http://127.0.0.1:{port}/stop", b"")
        # A second start begins from nothing, with other options.
        fetch(
            f"http://127.0.0.1:{port}/swarm", b"user_count=2&spawn_rate=2&transport=websocket&scenario=fanout"
        )
        stats = wait_for_requests(port, "SIO deliver")
        assert "SIO poll" not in {entry["method"] for entry in stats}
        fetch(f"http://127.0.0.1:{port}/stop", b"")
        # What cannot be played is told on the page, and the next start is not the worse for it.
        unplayable = {
            b"rate=ten&transport=websocket": "argument rate: 'ten' is not a number",
            b"rate=&scenario=upgrade&transport=polling": "argument transport: scenario upgrade needs upgrade",
        }
        for starts, (form, told) in enumerate(unplayable.items(), start=3):
            fetch(f"http://127.0.0.1:{port}/swarm", b"user_count=1&spawn_rate=1&" + form)
            end = time.monotonic() + 60
            # Locust does not hear a stop between the start of a test and that of its users.
            while (messages_of(port), starts_of(port)) != ([told], starts) and time.monotonic() < end:
                time.sleep(0.1)
            assert (messages_of(port), starts_of(port)) == ([told], starts)
            fetch(f"http://127.0.0.1:{port}/stop", b"")
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        kill_group(process.pid)
    assert "Traceback" not in errors
    assert errors.count("verdict: ") == 2, errors


def messages_of(port: int) -> list[str]:
    """What stands on the page's tab of exceptions."""
    told = json.loads(fetch(f"http://127.0.0.1:{port}/exceptions"))["exceptions"]
    return [exception["msg"] for exception in told]


def starts_of(port: int) -> int:
    """How often all users of a test have started, by the page's log. Its state may be two seconds old."""
    return fetch(f"http://127.0.0.1:{port}/logs").count(b"All users spawned")


def wait_for_requests(port: int, *types: str) -> list[dict[str, Any]]:
    """The statistics, once there are requests of each of these types."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        stats = json.loads(fetch(f"http://127.0.0.1:{port}/stats/requests"))["stats"]
        if set(types) <= {entry["method"] for entry in stats if entry["num_requests"]}:
            return list(stats)
        time.sleep(0.1)
    raise AssertionError(f"not all of {types} within 60 s: {stats}")


def fetch(url: str, body: bytes | None = None) -> bytes:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, body, timeout=10) as answer:
                return answer.read()  # type: ignore[no-any-return]
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
