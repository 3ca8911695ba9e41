"""Each figure of the ledger can fail: a cluster that does one thing wrong shows in this figure alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from load.faults.catalogue import Fault
from load.faults.playing import Timing
from load.faults.rounds import Plan, cells_of, play_all
from sioprobe.results.faults import Direction, FaultRun, PlayedFault, Sender
from sioprobe.results.validate import validate
from tests.load.faults.fake_cluster import WRONGS

FAKE = Path(__file__).with_name("fake_cluster.py")
GONE = Fault("queue-killed-3", "the queue is gone for a second", "kill queue", 1.0, "start queue")
SHORT = Timing(calm=0.4, start=20.0, well=0.6, limit=6.0, drain=1.0, acks=0.5)


@pytest.fixture(scope="module")
def cells() -> dict[str, PlayedFault]:
    """What was found, by what the cluster does wrong. All clusters ran at the same time."""
    plan = Plan(
        modes=list(WRONGS), queues=["fake"], faults=[GONE], proxy="none", repeat=1, at_once=len(WRONGS),
        timing=SHORT, command=lambda wrong, queue, workers, proxy: [sys.executable, str(FAKE), wrong],
    )  # fmt: skip
    found = cells_of(plan)
    play_all(plan, found, lambda cell: None)
    return {cell["mode"]: cell for cell in found}


def run_of(cell: PlayedFault) -> FaultRun:
    (run,) = cell["runs"]
    assert run["problem"] is None, run["problem"]
    return run


def figures(run: FaultRun, figure: Callable[[Direction], object]) -> dict[tuple[int, int], object]:
    """The figure of each direction in which it is not zero, None or False."""
    found = {(one["sender"], one["receiver"]): figure(one) for one in run["directions"]}
    return {direction: value for direction, value in found.items() if value}


def senders(run: FaultRun, figure: Callable[[Sender], object]) -> dict[int, object]:
    found = {one["worker"]: figure(one) for one in run["senders"]}
    return {worker: value for worker, value in found.items() if value}


COUNTS: tuple[Callable[[Direction], object], ...] = (
    lambda one: one["lost"],
    lambda one: one["doubled"],
    lambda one: one["reordered"],
    lambda one: one["away"],
    lambda one: one["late"],
    lambda one: one["deaf_s"],
    lambda one: one["deaf_for_ever"],
)


def test_a_cluster_that_does_nothing_wrong_has_a_clean_ledger(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["nothing"])

    for count in COUNTS:
        assert figures(run, count) == {}
    assert [one["sent"] for one in run["directions"]] == [one["received"] for one in run["directions"]]
    assert len(run["directions"]) == 4
    assert [one["own"] for one in run["directions"]] == [True, False, False, True]
    assert senders(run, lambda one: one["unanswered"] or one["cut_off"] or one["blocked"]) == {}
    assert [one["acked"] for one in run["senders"]] == [one["sent"] for one in run["senders"]]
    assert (run["well_after_mend_s"], run["deaf_workers"], run["tracebacks"]) == (0.0, [], 0)
    assert [line["count"] for line in run["log"]] == [1]
    assert cells["nothing"]["versions"] == {"fake": "1.0"}


def test_lost_events_are_counted(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["lose"])

    lost = figures(run, lambda one: one["lost"])
    # Every tenth of both publishers: which of the two it is depends on how they meet.
    assert lost.keys() <= {(1, 2), (2, 1)}
    assert sum(int(str(count)) for count in lost.values()) >= 5
    assert all(one["sent"] == one["received"] + one["lost"] for one in run["directions"])
    assert figures(run, lambda one: one["doubled"] or one["reordered"] or one["late"]) == {}


def test_doubled_events_are_counted(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["double"])

    assert figures(run, lambda one: one["doubled"]).keys() == {(1, 2), (2, 1)}
    assert figures(run, lambda one: one["lost"] or one["reordered"]) == {}


def test_reordered_events_are_counted(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["reorder"])

    assert figures(run, lambda one: one["reordered"]).keys() == {(1, 2)}
    assert figures(run, lambda one: one["lost"] or one["doubled"]) == {}


def test_what_is_kept_back_is_late_and_not_lost(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["delay"])

    assert figures(run, lambda one: one["late"]).keys() == {(1, 2), (2, 1)}
    assert figures(run, lambda one: one["deaf_s"] >= 0.5).keys() == {(1, 2), (2, 1)}
    assert figures(run, lambda one: one["lost"]) == {}


def test_deafness_ends_with_the_first_event_that_comes_again(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["deaf"])
    (deaf,) = [one for one in run["directions"] if one["deaf_s"]]

    assert (deaf["sender"], deaf["receiver"]) == (2, 1)
    assert deaf["deaf_until_s"] is not None
    assert deaf["deaf_until_mend_s"] is not None
    assert deaf["lost"] > 0
    # Both counted from their own moment, to the same one.
    assert run["mend_s"] is not None
    assert deaf["deaf_until_s"] - deaf["deaf_until_mend_s"] == pytest.approx(run["mend_s"], abs=0.01)
    assert deaf["deaf_until_mend_s"] >= 0
    assert run["well_after_mend_s"] is not None
    assert run["deaf_workers"] == []


def test_a_worker_that_stays_deaf_is_named(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["deaf-for-ever"])

    assert figures(run, lambda one: one["deaf_for_ever"]).keys() == {(2, 1)}
    assert run["deaf_workers"] == [1]
    assert run["well_after_mend_s"] is None


def test_emits_that_wait_are_seen_by_their_sender(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["block"])

    assert senders(run, lambda one: one["blocked"]).keys() == {1, 2}
    assert senders(run, lambda one: (one["slowest_ack_s"] or 0) > 0.5).keys() == {1, 2}
    assert senders(run, lambda one: one["unanswered"]) == {}
    assert figures(run, lambda one: one["lost"] or one["late"]) == {}


def test_emits_that_raise_are_never_acknowledged(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["raise"])

    unanswered = senders(run, lambda one: one["unanswered"])
    assert unanswered.keys() == {1, 2}
    assert run["tracebacks"] == sum(int(str(count)) for count in unanswered.values())
    assert run["log"][0] == {"text": "OSError: no queue", "count": run["tracebacks"]}
    assert figures(run, lambda one: one["lost"]) == {}


def test_what_is_sent_while_a_receiver_is_away_is_not_lost(cells: dict[str, PlayedFault]) -> None:
    run = run_of(cells["cut"])

    away = figures(run, lambda one: one["away"]).keys()
    # Publisher 1 may be back before its receiver.
    assert {(2, 1)} <= away <= {(1, 1), (2, 1)}
    assert sorted(one["client"] for one in run["lost_connections"]) == ["publisher 1", "receiver 1"]
    assert {one["reason"].partition(":")[0] for one in run["lost_connections"]} == {"connection closed"}
    assert all(one["sent"] == one["received"] + one["lost"] + one["away"] for one in run["directions"])
    assert run["deaf_workers"] == []


def test_a_fault_that_cannot_be_played_is_not_run(cells: dict[str, PlayedFault]) -> None:
    cell = cells["refuse"]

    assert (cell["status"], cell["reason"]) == ("not run", "kill queue: this queue has no links")
    assert cell["runs"] == []


def test_a_cluster_that_ends_is_a_problem_of_the_run(cells: dict[str, PlayedFault]) -> None:
    (run,) = cells["die"]["runs"]

    assert run["problem"] == "out of memory"
    assert run["directions"] == []


def test_every_result_is_one_of_its_kind(cells: dict[str, PlayedFault]) -> None:
    document = {
        "schema": 1, "kind": "faults", "sioprobe": "0", "command": "", "environment": {},
        "started_at": "2026-11-29T12:00:00+00:00", "finished_at": None, "interrupted": False, "workers": 2,
        "transport": "websocket", "rate": 50.0, "late_seconds": 0.5, "limit_seconds": 6.0, "repeat": 1,
        "at_once": len(WRONGS), "faults": list(cells.values()),
    }  # fmt: skip

    validate(document, "faults", "faults.json")
