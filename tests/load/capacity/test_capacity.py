"""`sioprobe capacity`: who is to blame for a probe, what is claimed, and a search of a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from load.capacity import trials
from load.capacity.__main__ import main
from load.capacity.document import document, render
from load.capacity.search import Capacity, Probe
from load.capacity.trials import SearchPlan, full_objective, merged, probe_of
from load.running.fail_if import Condition
from load.scenarios import scenarios_with
from sioprobe.results.loads import Block, Floor
from sioprobe.results.validate import validate
from tests.in_process import run_here
from tests.load.results import ack_latency, block
from tests.servers import ROOT, start_command

OBJECTIVE = full_objective([Condition.parse("p99<50ms")])


CLEAN = {"reach": 1.0, "lost": 0, "duplicated": 0, "reordered": 0}


def slow(**changes: Any) -> Block:
    """One whose operations took 60 ms."""
    return block(ack_latency(*[60.0] * 200), **changes)


def finding(cause: str, verdict: str = "INVALID") -> dict[str, Any]:
    reason = f"of {cause}"
    findings = [{"verdict": verdict, "cause": cause, "reason": reason}]
    return {"verdict": verdict, "reasons": [reason], "findings": findings}


def test_defaults_fill_what_the_objective_does_not_name() -> None:
    def texts(*given: str) -> list[str]:
        return [condition.text for condition in full_objective([Condition.parse(text) for text in given])]

    assert texts() == ["p99<100ms", "reach>=100%", "errors<=0"]
    assert texts("p99.9<1s", "errors<1%") == ["p99.9<1s", "errors<1%", "reach>=100%"]


@pytest.mark.parametrize(
    ("made", "blame"),
    [
        (block(), ""),
        (slow(), "server"),
        (block(errors=1), "server"),
        (block(connections=20, connected=8), "server"),
        # Of 100/s that were asked for, 90 were carried, however fast.
        (block(operations=180), "server"),
        (block(published=180, ledger=CLEAN), "server"),
        # Of `call`: what is answered, and what nobody answers.
        (block(operations=180, published=20), ""),
        (block(operations=90, published=90), "server"),
        (block(ledger={"reach": 0.99, "lost": 1, "duplicated": 0, "reordered": 0}), "server"),
        (block(validity=finding("cpu")), "generator"),
        (block(validity=finding("run delay", "SUSPECT")), ""),
        (block(validity=finding("run delay")), "machine"),
        (block(validity=finding("send lag")), "generator"),
        (slow(validity=finding("cpu", "SUSPECT")), "generator"),
        (slow(validity=finding("errors")), "server"),
        (slow(validity=finding("neighbour", "SUSPECT")), "machine"),
        # A server that used its whole core had it, whoever else was there.
        (
            slow(validity=finding("neighbour", "SUSPECT"), server={"cpu_seconds": 1.95}),
            "server",
        ),
    ],
)
def test_the_blame_is_put_where_it_belongs(made: Block, blame: str) -> None:
    probe = probe_of(made, 100.0, "doubling", OBJECTIVE)

    assert probe.blame == blame
    assert probe.met is (blame == "")
    assert bool(probe.why) is bool(blame)


def test_an_objective_on_memory_that_a_probe_was_too_short_for_is_not_met() -> None:
    objective = full_objective([Condition.parse("memory_per_life<10KB")])

    probe = probe_of(block(found={"leak": {"rss_bytes_per_life": None}}), 100.0, "doubling", objective)

    assert (probe.met, probe.why) == (False, "memory_per_life<10KB not met: not measured")


def test_an_unseen_server_is_given_no_cpu() -> None:
    assert (
        probe_of(block(server={"cpu_seconds": None}), 100.0, "doubling", OBJECTIVE).server_cpu_share is None
    )


def test_generators_of_one_probe_are_no_neighbours_of_each_other() -> None:
    class Generator:
        def __init__(self, pid: int) -> None:
            self.pid = pid

        def measure(self, request: dict[str, Any], deadline: float) -> Block:
            asked.append(request["generator_pids"])
            return block()

    asked: list[list[int]] = []
    request = {"warmup_seconds": 1.0, "seconds": 1.0}

    trials._measure([Generator(7), Generator(8)], request)  # type: ignore[list-item]

    assert asked == [[7, 8], [7, 8]]


def test_a_probe_without_all_connections_is_not_met_whatever_the_objective_allows() -> None:
    objective = full_objective([Condition.parse("errors<50%")])
    both = merged([block(), block(connected=6)])

    probe = probe_of(both, 200.0, "doubling", objective)

    assert (probe.met, probe.why) == (False, "16 of 20 connections were opened")


def test_blocks_of_several_generators_are_one_probe() -> None:
    both = merged(
        [
            block(),
            slow(validity=finding("cpu"), generator={"max_cpu_share": 0.95}),
        ]
    )
    probe = probe_of(both, 200.0, "doubling", OBJECTIVE)

    assert (probe.achieved, probe.blame, probe.generator_cpu_share) == (200.0, "generator", 0.95)
    assert probe.server_cpu_share == 0.5
    assert probe.p99_us == pytest.approx(60_000, rel=0.01)


def found(limit: str, confirmed: int = 3, server_cpu: float | None = 0.95) -> dict[str, Any]:
    """The document of a search that ended at 800/s."""
    probes = tuple(
        probe_of(
            block(operations=1600, server={"cpu_seconds": server_cpu and server_cpu * 2}),
            800.0,
            phase,
            OBJECTIVE,
        )
        for phase in ("doubling", "confirming", "confirming", "confirming")
    )
    plan = SearchPlan(
        {"urls": ["http://x"], "transport": "websocket", "scenario": "ack"}, 10, objective=OBJECTIVE
    )
    floor = Floor(
        connections=10,
        rate=800.0,
        seconds=1.0,
        operations_per_second=800.0,
        p50_us=200.0,
        p99_us=400.0,
        cpu_us_per_operation=12.0,
    )
    return document(Capacity(probes[-1], confirmed, limit, probes), plan, floor, 60.0, {})


@pytest.mark.parametrize(
    ("limit", "confirmed", "server_cpu", "words"),
    [
        (
            "server",
            3,
            0.95,
            "capacity 800/s with p99<50ms and reach>=100% and errors<=0: the server used 95% of a core",
        ),
        ("server", 3, 0.3, "the server's CPU is not the limit: it used only 30% of a core"),
        ("server", 3, None, "the server's CPU is not the limit: its CPU was not seen"),
        ("generator", 3, 0.3, "at least 800/s with"),
        ("generator", 3, 0.3, "the generator is the limit, not the server"),
        ("machine", 3, 0.3, "beyond it other processes of this machine took the CPU"),
        ("budget", 1, 0.3, "the time was over before the search had ended (confirmed 1 of 3 times)"),
        ("budget", 0, 0.3, "the time was over before the search had ended (confirmed 0 of 3 times)"),
    ],
)
def test_no_more_is_claimed_than_was_seen(
    limit: str, confirmed: int, server_cpu: float | None, words: str
) -> None:
    result = found(limit, confirmed, server_cpu)

    validate(result, "capacity", "result")
    assert result["latency_limits_us"] == {"p99<50ms": 50_000.0}
    assert words in result["statement"]
    assert result["statement"].startswith("capacity") is (limit == "server" and server_cpu == 0.95)
    assert "floor (null server" in render(result)
    assert ("in the confirmations" in render(result)) is (confirmed > 0)


def test_a_knee_says_messages_a_second_and_core() -> None:
    knee = found("server", server_cpu=0.5)["knee"]

    assert (knee["messages_per_second"], knee["messages_per_second_and_core"]) == (200.0, 400.0)


def test_a_search_without_any_rate_says_why() -> None:
    probe: Probe = probe_of(slow(), 1.5, "halving", OBJECTIVE)
    plan = SearchPlan(
        {"urls": ["http://x"], "transport": "websocket", "scenario": "ack"}, 10, objective=OBJECTIVE
    )
    result = document(Capacity(None, 0, "nothing", (probe,)), plan, None, 5.0, {})

    validate(result, "capacity", "result")
    assert result["statement"].startswith("no rate met p99<50ms")
    assert "floor: not calibrated" in render(result)


def capacity(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "load.capacity", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.mark.parametrize("scenario", [["ack"], ["fanout", "--room-size", "2"]], ids=["ack", "fanout"])
def test_a_search_ends_within_its_budget_with_a_result_and_a_figure(
    tmp_path: Path, scenario: list[str]
) -> None:
    """Which rate it finds is the machine's business."""
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = capacity(
            *("--url", server.url, "--users", "4", "--scenario", *scenario),
            *("--budget", "8", "--probe-seconds", "0.5", "--no-calibrate", "--json"),
            *("--report", str(tmp_path / "capacity.json"), "--figure", str(tmp_path / "knee.svg")),
        )

    assert done.returncode in (0, 3), done.stderr
    result = json.loads(done.stdout)
    assert json.loads((tmp_path / "capacity.json").read_text()) == result
    assert result["probes"][0]["rate"] == 100.0
    assert result["probes"][0]["achieved"] > 0
    assert result["probes"][0]["server_cpu_share"] > 0
    assert result["statement"]
    assert "<svg" in (tmp_path / "knee.svg").read_text()
    assert (done.returncode == 0) is (result["confirmed"] > 0)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--objective", "p99"], "--objective 'p99' is no condition such as 'p99>50ms' or 'errors>0'"),
        (
            ["--scenario", "idle"],
            "--scenario idle has no rate to search for; valid are " + ", ".join(scenarios_with("rate")),
        ),
        (
            ["--scenario", "upgrade", "--transport", "polling"],
            "--scenario upgrade needs --transport upgrade",
        ),
        (["--rate", "5"], "--rate: the search finds it; --start-rate says where it begins"),
        (
            ["--profile", "ack-open"],
            "total_rate of --profile ack-open: the search finds it; --start-rate says where it begins",
        ),
        (["--budget", "1"], "--budget: 1 is less than 5"),
        (["--figure", "knee.gif"], "--figure knee.gif: ends in neither .png nor .svg"),
        (["--figure", "nowhere/knee.svg"], "--figure nowhere/knee.svg: there is no folder nowhere"),
        ([], "nothing listens at http://127.0.0.1:1"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = run_here(main, "sioprobe capacity", "--url", "http://127.0.0.1:1", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"sioprobe capacity: error: {line}"]
