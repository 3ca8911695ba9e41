"""`sioprobe survey`: what counts as clean, which runs there are, and runs of whole servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click
import psutil
import pytest
from click.testing import CliRunner, Result

from load.scenarios import SCENARIOS, make_options
from load.survey import __main__ as command
from load.survey import short_runs
from load.survey.__main__ import main
from load.survey.short_runs import (
    RUNS,
    RunOutcome,
    ShortRun,
    code_of,
    heartbeat_of,
    later_runs,
    render,
    row,
    runs,
)
from sioprobe.engine import TRANSPORTS
from sioprobe.results.loads import Finding, Validity, to_json
from tests.load.results import block
from tests.servers import ROOT, Server, start_command, start_server

ACK = RUNS[0]


NOTHING_DONE = Finding(verdict="INVALID", cause="operations", reason="no operation was completed")


def ledger(**changes: int) -> dict[str, int]:
    return {"lost": 0, "duplicated": 0, "reordered": 0, "late": 0, **changes}


def slow(**changes: Any) -> dict[str, Any]:
    """What the scenario of that name found."""
    ledger = changes.pop("ledger", {"duplicated": 0, "reordered": 0})
    found = {
        "dropped_kinds": {},
        "backlog_of_those_who_stayed": 10,
        "backlog_got_of_those_who_stayed": 10,
        **changes,
    }
    return {"found": {"slow": found, "slow_ledger": ledger}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, "clean"),
        ({"ledger": ledger()}, "clean"),
        ({"connections": 12, "connected": 11}, "11 of 12 connections opened"),
        ({"error_kinds": {"timeout": 3, "wrong ack": 1}}, "timeout 3, wrong ack 1"),
        ({"ledger": ledger(lost=2)}, "lost 2"),
        ({"ledger": ledger(late=2), "error_kinds": {"late": 2}}, "late 2"),
        ({"generator": {"unconfirmed_closes": 4}}, "closes not answered 4"),
        (
            {"validity": to_json(Validity.of([NOTHING_DONE])), "operations": 0},
            "no operation",
        ),
        ({"found": {"unconfirmed_closes": 5}}, "closes not answered 5"),
        ({"found": {"leak": {"verdict": "leaks", "kept": {"sessions": 7}}}}, "leaks sessions 7"),
        ({"found": {"leak": {"verdict": "leaks", "kept": {}, "memory": "grows"}}}, "leaks memory"),
        (
            {"found": {"leak": {"verdict": "leaks", "kept": {"threads": 9}, "memory": "grows"}}},
            "leaks threads 9, memory",
        ),
        ({"found": {"leak": {"verdict": "inconclusive", "kept": {"threads": 3}}}}, "clean"),
        ({"found": {"overdue": 2}}, "pings overdue 2"),
        ({"found": {"waves": [{"errors": {}}], "planned": 2}}, "1 of 2 waves came"),
        (
            {"found": {"waves": [{"errors": {"http 400": 3}}], "planned": 1}},
            "attempts failed: http 400 3",
        ),
        (slow(dropped_kinds={"connection closed": 3, "http 400": 1}), "clean"),
        (slow(dropped_kinds={"malformed input": 2}), "malformed input to the slow 2"),
        (slow(backlog_got_of_those_who_stayed=7), "lost to the slow who stayed 3"),
        (slow(ledger={"duplicated": 1, "reordered": 0}), "duplicated to the slow 1"),
    ],
)
def test_what_is_not_clean_is_named(changes: dict[str, Any], problem: str) -> None:
    outcome = RunOutcome.of_block(ACK, "polling", block(**changes))

    assert row(outcome).splitlines()[0].split("  ")[-1] == problem
    assert outcome.clean == (problem == "clean")
    assert code_of([outcome]) == (0 if outcome.clean else 1)


def test_what_did_not_take_place_is_neither_clean_nor_a_failure() -> None:
    clean = RunOutcome.of_block(ACK, "polling", block())
    skipped = RunOutcome(ACK, "upgrade", skipped="a reason")

    assert not skipped.clean
    assert row(skipped).endswith("not run: a reason")
    assert render([clean, skipped]).splitlines()[0] == "1 of 1 run clean; 1 not run"
    assert code_of([clean, skipped]) == 0


def test_what_could_not_be_measured_is_a_failure() -> None:
    outcomes = [
        RunOutcome.of_block(ACK, "polling", block()),
        RunOutcome(ACK, "websocket", problems=("not measured: no connection",)),
    ]

    assert render(outcomes).splitlines() == [
        "1 of 2 runs clean",
        "not clean: ack websocket",
        "the generator was VALID 1",
    ]
    assert code_of(outcomes) == 1


def test_every_scenario_runs_over_every_transport_that_it_takes() -> None:
    asked = {(run.scenario, transport) for run, transport in runs(TRANSPORTS)}

    assert asked == {(name, transport) for name, kind in SCENARIOS.items() for transport in kind.transports}
    assert {transport for _, transport in runs(("polling",))} == {"polling"}


LATER = [run for run, _, _ in later_runs(("websocket",), 1.0, 7.0)]


@pytest.mark.parametrize("run", [*RUNS, *LATER], ids=lambda run: run.title)
def test_parameters_of_the_runs_are_the_scenarios(run: ShortRun) -> None:
    make_options(run.scenario, run.parameters)


def test_the_heartbeat_is_what_idle_was_told() -> None:
    found = {"ping_interval_seconds": 1.0, "ping_timeout_seconds": 2.0}

    assert heartbeat_of(RunOutcome.of_block(ACK, "polling", block(found=found))) == (1.0, 2.0)
    assert heartbeat_of(RunOutcome.of_block(ACK, "polling", block())) is None


@pytest.mark.parametrize(
    ("heartbeat", "taking_place"),
    [
        ((1.0, 2.0), {("slow, 6 s", transport) for transport in TRANSPORTS}),
        ((25.0, 20.0), {("slow, 6 MB", "websocket"), ("slow, 6 MB", "upgrade")}),
        ((0.0, 0.0), set()),
    ],
)
def test_how_long_some_do_not_read_is_chosen_by_the_heartbeat(
    heartbeat: tuple[float, float], taking_place: set[tuple[str, str]]
) -> None:
    found = list(later_runs(TRANSPORTS, *heartbeat))

    assert {(run.title, transport) for run, transport, why_not in found if not why_not} == taking_place
    assert len(found) == 5
    for run, _, why_not in found:
        if not why_not:
            phase = run.parameters["phase_seconds"]
            assert run.seconds > 2 * phase
            # Either long after the server should have given up, or well before it may.
            assert phase == 2 * sum(heartbeat) or phase < heartbeat[1]


# Whole runs


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as started:
        yield started


@pytest.fixture
def keep_signals() -> Iterator[None]:
    """What the command does to SIGTERM is for its own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def no_later_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take half a minute."""
    slow = ShortRun("slow, longer", "slow")
    monkeypatch.setattr(
        command,
        "later_runs",
        lambda transports, *_: [(slow, transport, "a reason") for transport in transports],
    )


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def short(*names: str) -> tuple[ShortRun, ...]:
    """Those of the runs, as short as they can be."""
    return tuple(replace(run, connections=3, seconds=0.3) for run in RUNS if run.title in names)


@pytest.mark.usefixtures("keep_signals", "no_later_runs")
def test_runs_one_after_the_other_and_says_what_each_was(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_runs, "RUNS", short("ack", "idle", "upgrade"))

    done = invoke("--url", server.url)

    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines() if not line.startswith(" ")]
    told = [(line[0], line[1], line[-1]) for line in lines[1:-2] if line[0] != "slow,"]
    assert told == [
        *(("ack", transport, "clean") for transport in TRANSPORTS),
        *(("idle", transport, "clean") for transport in TRANSPORTS),
        ("upgrade", "upgrade", "clean"),
    ]
    assert done.stdout.count("not run: a reason") == 3
    assert "7 of 7 runs clean; 3 not run" in done.stdout


@pytest.mark.usefixtures("keep_signals", "no_later_runs")
def test_one_transport_users_and_namespace_go_to_every_run(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_runs, "RUNS", short("ack", "idle"))

    done = invoke(
        *("--url", server.url, "--transport", "websocket", "--users", "2", "--namespace", "/x", "--json")
    )

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["runs"]
    assert [each["transport"] for each in found] == ["websocket"] * 3
    assert [each["block"]["connections"] for each in found if each["block"]] == [2, 2]
    assert found[-1]["skipped"] == "a reason"


@pytest.mark.usefixtures("keep_signals", "no_later_runs")
def test_a_transport_that_the_server_has_not_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_runs, "RUNS", short("ack"))
    with start_server("threading", transports=["polling"]) as server:
        done = invoke("--url", server.url)
        refused = invoke("--url", server.url, "--namespace", "/nobody")
        welcome = ("--namespace", "/auth", "--auth", '{"token": "good"}', "--transport", "polling")
        let_in = invoke("--url", server.url, *welcome)

    assert let_in.exit_code == 0, let_in.output
    assert refused.exit_code == 2
    assert f"{server.url} refuses the namespace: " in refused.stderr
    assert done.exit_code == 1, done.output
    assert "1 of 3 runs clean; 3 not run" in done.stdout
    assert "not clean: ack websocket; ack upgrade" in done.stdout
    assert f"not measured: no connection to {server.url}: " in done.stdout


@pytest.mark.usefixtures("keep_signals")
def test_later_runs_are_chosen_by_what_the_server_announced(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def later(transports: tuple[str, ...], *heartbeat: float) -> Iterator[tuple[ShortRun, str, str]]:
        asked.append(heartbeat)
        yield replace(short("ack")[0], title="made"), "polling", ""
        yield replace(short("ack")[0], title="not made"), "polling", "a reason"

    monkeypatch.setattr(short_runs, "RUNS", short("idle"))
    monkeypatch.setattr(command, "later_runs", later)

    done = invoke("--url", server.url, "--transport", "polling", "--json")

    assert done.exit_code == 0, done.output
    assert [(run["title"], run["clean"], run["skipped"]) for run in json.loads(done.stdout)["runs"]] == [
        ("idle", True, None),
        ("made", True, None),
        ("not made", False, "a reason"),
    ]
    assert asked == [(25.0, 20.0)]


def test_ctrl_c_says_what_was_measured_and_leaves_nothing_behind(server: Server) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "load.survey", "--url", server.url, "--users", "2"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    head, first = process.stdout.readline(), process.stdout.readline()
    children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert head.split()[:3] == ["scenario", "transport", "operations"]
    assert first.split()[:2] == ["ack", "polling"]
    assert " clean" in rest.splitlines()[-2]
    assert children
    assert psutil.wait_procs(children, timeout=60)[1] == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "nothing listens at http://127.0.0.1:1"),
        (["--users", "0"], "--users: 0 is less than 1"),
        (
            ["--transport", "websockt"],
            "unknown transport 'websockt' (the nearest is 'websocket';"
            " valid are polling, websocket, upgrade)",
        ),
        (["--server-pid", "x"], "--server-pid 'x' is no process id (valid are a number, auto and none)"),
        (["--namespace", "chat"], "--namespace: 'chat' does not start with '/' (the nearest is '/chat')"),
    ],
)
def test_bad_input_gets_one_line(arguments: list[str], line: str) -> None:
    done = CliRunner().invoke(main, ["--url", "http://127.0.0.1:1", *arguments], standalone_mode=False)

    assert isinstance(done.exception, click.UsageError)
    assert done.exception.format_message() == line
    assert done.output == ""
