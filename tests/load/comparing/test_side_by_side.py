"""The lives of a comparison: what is asked for, what is kept, and what happens where an arm fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from load.comparing import side_by_side
from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan, Profile, SideBySidePlan
from load.comparing.progress import Progress
from load.comparing.side_by_side import comparable, measure_lives, played, told
from load.servers.processes import ChildError
from sioprobe.commandline.connection_options import ConnectionOptions

ARMS = tuple(ArmPlan(name, name, "gevent") for name in ("a", "b", "c"))
PROFILE = Profile("mine", ARMS, LoadPlan(transports=("polling", "websocket")), SideBySidePlan(lives=3))

CONNECTION = ConnectionOptions()
Answer = Callable[[dict[str, Any]], dict[str, Any]]


def lived(request: dict[str, Any]) -> dict[str, Any]:
    sides = [side["name"] for side in request["sides"]]

    def over(transport: str) -> dict[str, Any]:
        return {"sides": sides, "transport": transport, "slices": []}

    return {**over(request["transport"]), "also": [over(transport) for transport in request["also"]]}


class Stage:
    """A driver that answers what one likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.requests: list[dict[str, Any]] = []
        self.drivers = 0
        self.answer: Answer = lived
        self.folder = folder
        stage = self

        class Driver:
            def __init__(self, module: str) -> None:
                assert module == "load.side_by_side"
                stage.drivers += 1

            def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
                stage.requests.append(request)
                return stage.answer(request)

            def close(self) -> None:
                stage.drivers -= 1

        monkeypatch.setattr(side_by_side, "Driver", Driver)

    def measure(self, profile: Profile = PROFILE, arms: Sequence[ArmPlan] = ARMS) -> list[dict[str, Any]]:
        """The lines of lives.jsonl afterwards; no driver is left."""
        measure_lives(profile, arms, self.folder, Progress(), lambda: None, CONNECTION)
        assert self.drivers == 0
        path = self.folder / "lives.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return Stage(monkeypatch, tmp_path)


def asked(stage: Stage) -> list[str]:
    return ["".join(side["name"] for side in request["sides"]) for request in stage.requests]


def test_every_life_has_all_arms_and_gives_a_line_for_each_transport(stage: Stage) -> None:
    lines = stage.measure()

    assert asked(stage) == ["abc"] * 3
    assert [line["number"] for line in lines] == [1, 1, 2, 2, 3, 3]
    assert {frozenset((one["transport"], *one["also"])) for one in stage.requests} == {
        frozenset(("polling", "websocket"))
    }
    assert len({request["seed"] for request in stage.requests}) == 3
    assert lines[0]["message"] == {"event": "message-with-ack", "answer": None}
    assert list(stage.requests[0]["sides"][0]["command"])[1:] == [
        "-m", "server_under_test", "--port", "0", "--mode", "gevent",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "arms"),
    [
        (replace(PROFILE, side_by_side=SideBySidePlan(lives=0)), ARMS),
        (PROFILE, ARMS[:1]),
        (replace(PROFILE, load=LoadPlan(scenario="upgrade", transports=("upgrade",))), ARMS),
    ],
    ids=["no lives", "one arm", "no transport that a life can play"],
)
def test_where_there_is_nothing_to_compare_no_server_is_started(
    stage: Stage, plan: Profile, arms: Sequence[ArmPlan]
) -> None:
    assert stage.measure(plan, arms) == []
    assert stage.requests == []


def test_a_life_in_which_an_arm_fails_is_measured_again_without_it(stage: Stage) -> None:
    def b_fails_once(request: dict[str, Any]) -> dict[str, Any]:
        return {"error": "b: no memory", "side": "b"} if len(stage.requests) == 1 else lived(request)

    stage.answer = b_fails_once

    lines = stage.measure()

    assert asked(stage) == ["abc", "ac", "abc", "abc"]
    assert lines[0] == {"number": 1, "arm": "b", "problem": "b: no memory"}
    assert [line["number"] for line in lines[1:]] == [1, 1, 2, 2, 3, 3]


def test_after_its_second_failure_an_arm_is_left_out(stage: Stage) -> None:
    def b_fails(request: dict[str, Any]) -> dict[str, Any]:
        sides = [side["name"] for side in request["sides"]]
        return {"error": "b: no memory", "side": "b"} if "b" in sides else lived(request)

    stage.answer = b_fails

    assert sum("problem" in line for line in stage.measure()) == 2
    assert asked(stage) == ["abc", "ac", "abc", "ac", "ac"]


def test_a_driver_that_dies_costs_a_life_and_is_started_again(stage: Stage) -> None:
    def dies_first(request: dict[str, Any]) -> dict[str, Any]:
        if len(stage.requests) == 1:
            raise ChildError("load.side_by_side ended with -9: no message")
        return lived(request)

    stage.answer = dies_first

    lines = stage.measure()

    assert lines[0] == {
        "number": 1, "arm": None, "problem": "load.side_by_side ended with -9: no message",
    }  # fmt: skip
    assert [line["number"] for line in lines[1:]] == [1, 1, 2, 2, 3, 3]


def test_where_lives_are_lost_again_and_again_the_comparison_goes_on_without(stage: Stage) -> None:
    stage.answer = lambda request: {"error": "too slow: 2 rounds of turns in 30 s", "side": None}

    assert len(stage.measure()) == 2


def test_a_run_that_goes_on_measures_the_lives_that_are_missing(stage: Stage) -> None:
    stage.measure(replace(PROFILE, side_by_side=SideBySidePlan(lives=2)))

    lines = stage.measure()

    assert [line["number"] for line in lines] == [1, 1, 2, 2, 3, 3]
    assert len({request["seed"] for request in stage.requests}) == 3


def test_the_budget_ends_them_after_the_fewest(stage: Stage) -> None:
    plan = SideBySidePlan(lives=9, minimum_lives=4, budget_seconds=0)

    assert stage.measure(replace(PROFILE, side_by_side=plan))[-1]["number"] == 4


def test_what_is_sent_is_that_of_the_scenario() -> None:
    calls = LoadPlan(
        scenario="call", parameters={"event": "say", "arguments": '["hello {n}"]', "answer": "said"}
    )
    tasks = LoadPlan(locustfile="/home/somebody/people.py")

    assert told(LoadPlan(scenario="echo")) == {"event": "message", "answer": "message-back"}
    assert told(LoadPlan(scenario="ack")) == {"event": "message-with-ack", "answer": None}
    assert told(replace(calls, parameters={"event": "say"})) == {"event": "say", "answer": None}
    assert told(calls) == {"event": "say", "answer": "said"}
    assert played(calls)["message"]["arguments"] == '["hello {n}"]'
    assert played(tasks) == {"locustfile": "/home/somebody/people.py"}
    assert told(tasks) == {"locustfile": "people.py"}


def test_only_servers_that_can_be_started_and_know_the_event_are_alive_together() -> None:
    reference, several = (
        ArmPlan(id="a", mode="gevent"),
        ArmPlan(id="b", mode="gevent", workers=2, queue="redis"),
    )
    own, at_url = ArmPlan(id="c", command="python app.py"), ArmPlan(id="d", url="http://127.0.0.1:5000")
    arms = [reference, several, own, at_url]

    assert comparable(arms, LoadPlan(scenario="call", parameters={"event": "say"})) == [reference, own]
    assert comparable(arms, LoadPlan(scenario="binary")) == [reference]
