"""The benchmark of the generator's cost: judgement, measuring, and a run. No figure is asserted."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from load.bench import artillery, history
from load.bench.__main__ import main
from load.bench.contenders import CONTENDERS
from load.bench.measuring import Failed, Plan, measure, server_command
from load.bench.rows import CONTRIB, FIRED, OURS, ROWS, TASKS, C, judge, render


def result(number: int, contender: str, us: float | None, row: str = "ack", **more: Any) -> dict[str, Any]:
    figures = {"operations": 100, "cpu_seconds": 0.1, "server_cpu_seconds": 0.1, "seconds": 1.0}
    figures |= {"failures": 0, "users": 5}
    figures |= {"us_per_operation": us, "rss_bytes": 1, "round": number, "row": row, "contender": contender}
    return figures | more


def verdict(judged: list[dict[str, Any]], subject: str, reference: str | None, row: str = "ack") -> Any:
    (goal,) = [g for g in judged if (g["row"], g["subject"], g["reference"]) == (row, subject, reference)]
    return goal["verdict"], goal["median"], goal["low"], goal["high"]


def test_a_ratio_is_taken_within_each_round() -> None:
    results = [
        *(result(number, OURS, us) for number, us in ((1, 10.0), (2, 20.0), (3, 10.0))),
        *(result(number, CONTRIB, us) for number, us in ((1, 160.0), (2, 200.0), (3, 300.0))),
        *(result(number, C, us) for number, us in ((1, 4.0), (2, 4.0), (3, 3.0))),
    ]

    judged = judge(results)

    assert verdict(judged, OURS, CONTRIB) == ("met", 16.0, 10.0, 30.0)
    assert verdict(judged, OURS, C) == ("missed", 10 / 3, 2.5, 5.0)
    assert verdict(judged, FIRED, CONTRIB) == ("not run", None, None, None)


def test_memory_is_judged_by_bytes() -> None:
    results = [
        result(1, OURS, None, "memory", bytes_per_user=20_001.0, rss_bytes=250_000_000),
        result(2, OURS, None, "memory", failed="no memory", rss_bytes=None),
    ]

    goals = {
        goal["quantity"]: goal
        for goal in judge(results)
        if goal["subject"] == OURS and goal["row"] == "memory"
    }

    assert goals["bytes_per_user"]["verdict"] == "missed"
    assert goals["rss_bytes"]["verdict"] == "met"


def test_a_call_is_judged_by_microseconds() -> None:
    results = [result(number, TASKS, us) for number, us in ((1, 14.0), (2, 15.0), (3, 90.0))]

    judged = judge(results)

    assert verdict(judged, TASKS, None) == ("met", 15.0, 14.0, 90.0)
    assert "sioprobe, tasks | 15.00 (14.00-90.00) µs | at most 15 µs | met |" in render(results, judged, {})


def test_an_open_loop_shows_its_rate_and_a_server_that_could_do_no_more() -> None:
    results = [
        result(1, OURS, 1000.0, "pace-1000", operations=998),
        result(1, C, 500.0, "pace-1000", operations=700, server_cpu_seconds=0.9),
    ]

    table = render(results, judge(results), {})

    assert "| sioprobe | 5 | 1000 µs | 998 of 1000 | 10% | 0 |" in table
    assert "| C epoll loop | 5 | 500 µs | 700 of 1000 | 10%; server full | 0 |" in table


def test_the_table_shows_what_was_not_run_and_what_failed() -> None:
    results = [
        result(1, OURS, 10.0, failures=3, cpu_seconds=0.95),
        result(1, CONTRIB, 170.0),
        {"round": 1, "row": "ack", "contender": C, "users": 5, "failed": "recv: reset"},
    ]

    table = render(results, judge(results), {"Artillery": "needs npm"})

    assert "| Artillery | | not run: needs npm |" in table
    assert "| C epoll loop | | failed: recv: reset |" in table
    assert "| sioprobe | 5 | 10.0 µs | 100 | 95% (full) | 3 |" in table
    assert (
        "times cheaper than locust.contrib.socketio | 17.00 (17.00-17.00) x | at least 15 x | met |" in table
    )
    assert "polling" not in table


def test_acks_have_a_server_that_does_not_set_the_pace() -> None:
    command = server_command(Plan("acks", "websocket", 5, 1.0))

    assert command is not None
    assert Path(command[0]).name == "null_server"
    assert server_command(Plan("acks", "polling", 5, 1.0)) is None
    assert server_command(Plan("connects", "websocket", 5, 1.0)) is None


@pytest.mark.parametrize("operation", ["acks", "deliveries"])
def test_the_c_loop_does_what_the_server_counts(operation: str) -> None:
    loop = CONTENDERS[C]

    window = measure(loop.start, loop.count_failures, Plan(operation, "websocket", 5, 0.5))

    assert window.operations > 0
    assert (window.failures, window.sessions) == (0, 5)
    assert window.cpu_seconds > 0
    assert window.server_cpu_seconds > 0
    assert window.us_per_operation


@pytest.mark.parametrize("name", [OURS, C, TASKS])
def test_an_open_loop_keeps_its_pace(name: str) -> None:
    contender = CONTENDERS[name]

    window = measure(contender.start, contender.count_failures, Plan("acks", "websocket", 5, 1.0, rate=50))

    assert 0 < window.operations < 2 * 50 * window.seconds
    assert window.failures == 0


def test_a_contender_that_ends_is_named_with_its_last_line() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such option')"]

    with pytest.raises(Failed, match=r"ended before it was measured: no such option"):
        measure(lambda *_: (command, {}), lambda folder: 0, Plan("acks", "websocket", 5, 0.5))


def test_more_connections_than_open_files_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1024))
    loop = CONTENDERS[C]

    with pytest.raises(Failed, match=r"1000 connections are more than the open files allowed here, 1024"):
        measure(loop.start, loop.count_failures, Plan(None, "websocket", 1000, 0.5))


def test_a_run_of_one_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Contrib, ours and the C loop, as `make bench` has them; recorded where it is asked for."""
    file = tmp_path / "history.jsonl"
    monkeypatch.setattr(history, "HISTORY", file)
    words = ["--row", "delivery", "--users", "5", "--seconds", "0.5", "--rounds", "1", "--json", "--record"]

    done = CliRunner().invoke(main, words)

    assert done.exit_code == 0, done.output
    run = json.loads(done.stdout)
    assert {r["contender"] for r in run["results"]} == {OURS, CONTRIB, C}
    for block in run["results"]:
        assert block.get("failed") is None, block
        assert block["operations"] > 0
        assert block["failures"] == 0
    (goal,) = [goal for goal in run["goals"] if goal["row"] == "delivery"]
    assert goal["median"] > 0
    (line,) = file.read_text().splitlines()
    entry = json.loads(line)
    assert entry["machine"]["cores"]
    assert set(entry["figures"]["delivery"]) == {OURS, CONTRIB, C}


@pytest.mark.parametrize("operation", ["acks", None], ids=str)
def test_the_swarm_is_measured_at_what_no_other_test_asks_for(operation: str | None) -> None:
    ours = CONTENDERS[OURS]

    window = measure(ours.start, ours.count_failures, Plan(operation, "websocket", 3, 0.3))

    assert window.failures == 0
    assert (window.operations > 0) == (operation is not None)


def test_a_wrong_row_gets_the_nearest() -> None:
    done = CliRunner().invoke(main, ["--row", "poling"])

    assert done.exit_code == 2
    assert "unknown row 'poling' (the nearest is 'polling'; valid are ack, pace-1000, " in done.stderr


def test_every_contender_of_a_row_exists() -> None:
    assert {name for row in ROWS for name in row.contenders} == set(CONTENDERS)


def test_artillery_asks_for_the_same(tmp_path: Path) -> None:
    script = artillery.script_of("http://127.0.0.1:1", Plan("acks", "polling", 7, 1.0, payload_bytes=3))
    (tmp_path / "stdout").write_text(
        "Metrics for period to: 10\n"
        "errors.timeout: ...... 2\nvusers.failed: ... 2\nerrors.xhr poll error: . 1\n"
    )

    assert script["config"]["phases"] == [{"duration": 1, "arrivalCount": 7}]
    assert script["config"]["socketio"] == {"transports": ["polling"]}
    (loop,) = script["scenarios"][0]["flow"]
    assert loop["loop"][0]["emit"] == ["message-with-ack", 1, "xxx"]
    assert artillery.count_failures(tmp_path) == 3
    (tmp_path / "stdout").write_text("Test run id: t\n")
    assert artillery.count_failures(tmp_path) is None


def test_the_npm_lock_names_no_registry() -> None:
    lock = (artillery.FOLDER / "package-lock.json").read_text()

    assert "resolved" not in lock
    assert json.loads(lock)["packages"][""]["dependencies"] == {"artillery": "2.0.34"}
