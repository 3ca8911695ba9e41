"""`call`: events of somebody's application, against a server that does what a test wants."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest

from load.__main__ import main
from load.blocks.calibration import calibrate
from load.blocks.crowd import Crowd
from load.blocks.request import BlockRequest
from load.capacity.trials import _measure
from load.comparing.plan import read_profile
from load.playing import calling
from load.playing.messages import Message
from load.profiles.reading import ProfileError
from load.profiles.run_plan import read_run_plan
from load.running.outcome import hints
from load.running.scenario_arguments import add_scenario_arguments, options_of
from load.scenarios import ParameterError, make_options
from load.scenarios.call import CallScenario, as_life
from load.side_by_side.asking import LifeRequest
from sioprobe.engine import Connection, Target
from tests.in_process import run_here
from tests.load import lying_server
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import load
from tests.load.lying_server import LyingClient, LyingServer, lying
from tests.load.results import block, run_result
from tests.load.scenarios.test_scenarios import playing, timed, wait_for
from tests.servers import start_command

ACKED = {"event": "message-with-ack", "arguments": '["{n}", {user}, "xx"]'}
ECHOED = {"event": "message", "arguments": "[{n}]", "answer": "message-back"}
Received = list[tuple[LyingClient, list[Any]]]


@contextmanager
def recorded(fault: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LyingServer, Received]]:
    """A server with this fault, and the events that come to it: from whom, and their data."""
    received: Received = []
    receive = LyingClient.receive

    def record(client: LyingClient, packet: str) -> None:
        if packet.startswith("42"):
            received.append((client, json.loads(packet[packet.index("[") :])))
        receive(client, packet)

    monkeypatch.setattr(LyingClient, "receive", record)
    with lying(fault) as server:
        yield server, received


def others(crowd: Any, type: str) -> dict[str, int]:
    """How often something without a time was counted, by name."""
    return {
        series.name: sample.untimed
        for series, sample in crowd.engine.recorder.totals()
        if series.type == type and sample.untimed
    }


def test_no_two_messages_and_no_two_users_have_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded("", monkeypatch) as (server, received):
        with playing(server, scenario="call", timeout=30.0, numbering=[1, 3], **ACKED) as crowd:
            wait_for(lambda: len(received) > 50, "messages")
        errors = crowd.engine.recorder.errors()

    assert errors == {}
    numbers = [int(data[1]) for _, data in received]
    assert sorted(numbers) == list(range(2, 2 + 3 * len(numbers), 3))
    users = {client: data[2] for client, data in received}
    assert sorted(users.values()) == [2, 5, 8, 11]
    assert all(data == ["message-with-ack", data[1], users[client], "xx"] for client, data in received)
    assert timed(crowd, "SIO call") == {"message-with-ack": len(received)}


def test_who_comes_in_the_place_of_a_user_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        recorded("", monkeypatch) as (server, received),
        playing(server, scenario="call", timeout=30.0, connections=3, **ACKED) as crowd,
    ):
        wait_for(lambda: len({client for client, _ in received}) == 3, "all")
        server.drop(next(client for client, data in received if data[2] == 2))
        wait_for(lambda: any(player.state == "closed" for player in crowd.players), "the end of one")
        connection = Connection(crowd.engine, Target.from_url(server.url), "websocket")
        crowd.players.append(crowd.scenario.player(connection, crowd._tell))

        assert crowd.players[-1].user == 2  # type: ignore[attr-defined]
        crowd.players[-1].open()
        wait_for(lambda: crowd.players[-1].state == "ready", "ready")


@pytest.mark.parametrize("loop", [{}, {"rate": 50}, {"total_rate": 200, "schedule": "poisson"}])
@pytest.mark.parametrize(
    ("call", "fault", "kind"),
    [
        (ACKED, "lose", "timeout"),
        (ACKED, "double", "ack to nothing"),
        ({**ACKED, "match": "2=xx"}, "change", "wrong ack"),
        (ECHOED, "lose", "timeout"),
        ({**ECHOED, "match": "0={n}"}, "lose", "timeout"),
    ],
)
def test_what_a_server_does_wrong_is_noticed(
    call: dict[str, str], fault: str, kind: str, loop: dict[str, Any]
) -> None:
    timeout = 0.4 if kind == "timeout" else 30.0
    with lying(fault) as server, playing(server, scenario="call", timeout=timeout, **call, **loop) as crowd:
        wait_for(lambda: kind in crowd.engine.recorder.errors(), kind)

    assert crowd.scenario.at_rest
    if kind != "timeout":
        assert set(crowd.engine.recorder.errors()) == {kind}


@pytest.mark.parametrize("fault", ["", "respell"])
@pytest.mark.parametrize("call", [ACKED, ECHOED, {**ECHOED, "match": "0={n}"}])
def test_right_answers_in_any_json_are_right(call: dict[str, str], fault: str) -> None:
    with lying(fault) as server, playing(server, scenario="call", timeout=30.0, **call) as crowd:
        wait_for(lambda: sum(timed(crowd, "SIO call").values()) > 100, "answers")

    assert crowd.engine.recorder.errors() == {}


def test_what_others_are_told_answers_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # The server tells all of them `m`.
    call = {"event": "all", "arguments": '["m", "{n}"]', "answer": "m", "match": "0={n}"}
    with recorded("", monkeypatch) as (server, received):
        with playing(server, scenario="call", timeout=0.5, rate=50, **call) as crowd:
            wait_for(lambda: len(received) >= 40, "messages")
            # From here on one of them is told nothing. What the others are told is no answer to it.
            mute = received[0][0]
            monkeypatch.setattr(mute, "send", lambda packet: None, raising=False)
            wait_for(lambda: "timeout" in crowd.engine.recorder.errors(), "no answer")
            wait_for(lambda: others(crowd, "SIO event")["m"] > 100, "what others are told")
        asked = Counter(client for client, _ in received)

    assert crowd.engine.recorder.errors()["timeout"] <= asked[mute]
    assert timed(crowd, "SIO call")["all"] >= len(received) - asked[mute]


MIX = [
    {**ACKED, "weight": 3},
    {**ECHOED, "match": "0={n}", "weight": 6},
    {"event": "typing", "arguments": ["{user}"], "answer": "none", "weight": 3},
]


def test_several_events_come_as_often_as_they_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded("", monkeypatch) as (server, received):
        with playing(server, scenario="call", timeout=30.0, connections=1, events=MIX) as crowd:
            wait_for(lambda: len(received) >= 100, "messages")
            names = [data[0] for _, data in received[:100]]
        sent = Counter(data[0] for _, data in received)

    assert Counter(names) == {"message": 50, "message-with-ack": 25, "typing": 25}
    assert max(len(list(same)) for _, same in groupby(names)) < 20
    assert crowd.engine.recorder.errors() == {}
    answered = sent["message"] + sent["message-with-ack"]
    assert timed(crowd, "SIO call") == {
        "all events": answered,
        "message": sent["message"],
        "message-with-ack": sent["message-with-ack"],
        "typing": 0,
    }
    assert others(crowd, "SIO call") == {"typing": sent["typing"]}
    assert crowd.scenario.published == sent["typing"]
    assert crowd.scenario.state() == {"published": sent["typing"]}


def test_an_error_of_several_events_says_which() -> None:
    with lying("lose") as server, playing(server, scenario="call", timeout=0.4, events=MIX) as crowd:
        wait_for(lambda: len(crowd.engine.recorder.errors()) == 2, "both")

    assert set(crowd.engine.recorder.errors()) == {"message: timeout", "message-with-ack: timeout"}


def test_what_nobody_answers_keeps_its_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    call = {"event": "typing", "answer": "none", "total_rate": 100}
    with recorded("", monkeypatch) as (server, received):
        with playing(server, scenario="call", **call) as crowd:
            wait_for(lambda: len(received) >= 20, "messages")
        assert crowd.scenario.operation is None
        assert crowd.scenario.schedule is not None
        wait_for(lambda: len(received) == crowd.scenario.published, "the last of them")

    assert crowd.scenario.schedule.sent == crowd.scenario.published
    assert others(crowd, "SIO call") == {"typing": len(received)}


STARTS = ['join:["room-{user}"]', {"event": "message-with-ack", "arguments": "[{n}]"}]


def test_each_user_starts_in_order_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with recorded("", monkeypatch) as (server, received):
        with playing(server, scenario="call", timeout=30.0, on_start=STARTS, **ECHOED) as crowd:
            assert [data[0] for _, data in received].count("join") == 4
            wait_for(lambda: len(received) > 50, "messages")
        each = {client: [data for other, data in received if other is client] for client, _ in received}

    assert crowd.engine.recorder.errors() == {}
    assert timed(crowd, "SIO start") == {"join": 4, "message-with-ack": 4}
    assert sorted(data[0][1] for data in each.values()) == ["room-1", "room-2", "room-3", "room-4"]
    for data in each.values():
        assert [name for name, *_ in data[:3]] == ["join", "message-with-ack", "message"]


def test_a_start_that_is_not_acknowledged_does_not_keep_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "START_SECONDS", 0.05)
    with (
        recorded("", monkeypatch) as (server, received),
        playing(server, scenario="call", timeout=30.0, on_start="hello", **ECHOED) as crowd,
    ):
        wait_for(lambda: len(received) > 50, "messages")

    assert crowd.engine.recorder.errors() == {}
    assert others(crowd, "SIO start") == {"hello": 4}
    assert timed(crowd, "SIO start") == {"hello": 0}


def test_the_late_ack_of_a_start_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "START_SECONDS", 0.05)
    monkeypatch.setattr(lying_server, "EVERY", 1)
    with lying("hold") as server, playing(server, scenario="call", on_start=STARTS, **ECHOED) as crowd:
        # Every answer is held back: that of the first start comes before the first of these.
        wait_for(lambda: timed(crowd, "SIO call"), "an answer")

    assert crowd.engine.recorder.errors() == {}
    assert others(crowd, "SIO start") == {"join": 4, "message-with-ack": 4}
    assert timed(crowd, "SIO start") == {"join": 0, "message-with-ack": 0}


def test_a_user_that_is_lost_while_it_starts_does_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    due: list[Callable[[], None]] = []

    class Timer:
        def __init__(self, engine: Any) -> None: ...

        def set(self, seconds: float, function: Callable[[], None]) -> None:
            due.append(function)

        def cancel(self) -> None: ...

    monkeypatch.setattr(calling, "Later", Timer)
    with recorded("silent", monkeypatch) as (server, received):
        request = {"url": server.url, "connections": 1, "scenario": "call", "on_start": ["a", "b"], **ECHOED}
        crowd = Crowd(BlockRequest.from_json(request))
        crowd.engine.start()
        try:
            player = next(crowd._opening())
            crowd.players.append(player)
            player.open()
            wait_for(lambda: received, "the start")
            server.drop(received[0][0])
            wait_for(lambda: player.state == "closed", "the end")
            (give_up,) = due
            give_up()
        finally:
            crowd.close()

    assert player.state == "closed"
    assert [data[0] for _, data in received] == ["a"]
    assert others(crowd, "SIO start") == {}
    assert crowd.engine.internal_errors == 0


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "event: is missing: scenario call needs the event to send"),
        ({"events": []}, "event: is missing"),
        ({"event": "a", "events": [{"event": "b"}]}, "event: excludes events; give one of the two"),
        ({"match": "0=1", "events": [{"event": "b"}]}, "match: excludes events; give one of the two"),
        ({"event": "a", "arguments": {"b": 1}}, "arguments: {'b': 1} is not a JSON array"),
        ({"event": "a", "arguments": "b"}, "arguments: 'b' is not JSON"),
        (
            {"event": "a", "answer": "none"},
            "answer: none leaves nothing to wait for; give rate or total_rate",
        ),
        ({"event": "a", "rate": 1, "total_rate": 1}, "total_rate: excludes rate"),
        ({"event": "a", "on_start": ["b:{}"]}, "on_start: number 1: arguments: 'b:{}' needs a JSON array"),
        ({"events": [{"event": "a", "answer": "none"}]}, "answer: none leaves nothing to wait for"),
        (
            {"events": [{"event": "a"}, {"event": "b", "weight": -1}]},
            "events: number 2: weight: -1 is not a whole",
        ),
    ],
)
def test_what_cannot_be_played_is_one_line(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make_options("call", given)

    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--scenario", "call"], "--event: is missing: scenario call needs the event to send"),
        (["--event", "say"], "--event: scenario ack does not know it (call does)"),
        (
            ["--scenario", "call", "--event", "say", "--arguments", "[lobby]"],
            "--arguments: '[lobby]' is not JSON: Expecting value",
        ),
        (
            ["--scenario", "call", "--event", "say", "--match", "n=1"],
            "--match: 'n=1' is not PATH=VALUE, where PATH begins with the number of an argument,"
            " such as 0.n={n}",
        ),
        (
            ["--scenario", "call", "--event", "say", "--on-start", "a", "--on-start", "b:[c]"],
            "--on-start: number 2: arguments: '[c]' is not JSON: Expecting value",
        ),
    ],
)
def test_the_command_line_names_the_option(arguments: list[str], line: str) -> None:
    done = run_here(main, "sioprobe load", "--url", "http://x", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"sioprobe load: error: {line}"]


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        ([], "[]"),
        (["--on-start", "a"], "a"),
        (["--on-start", '["a", "b"]'], '["a", "b"]'),
        (["--on-start", "a", "--on-start", 'b:["c"]'], '["a","b:[\\"c\\"]"]'),
    ],
)
def test_the_locustfile_takes_an_option_several_times(words: list[str], starts: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenario")
    add_scenario_arguments(parser)

    options = options_of(parser.parse_args(["--scenario", "call", "--event", "say", *words]))

    assert options.on_start == starts


def test_a_profile_holds_tables_and_arrays(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[load]\nscenario = "call"\non_start = ["a", {event = "b", arguments = [1]}]\n'
        '[[load.events]]\nevent = "say"\narguments = ["{n}"]\n'
        '[[load.events]]\nevent = "ask"\narguments = "[{n}]"\nweight = 2\n'
    )

    plan = read_run_plan(str(path))

    assert make_options("call", plan.parameters).on_start == '["a",{"event":"b","arguments":[1]}]'
    assert json.loads(plan.parameters["events"])[1] == {"event": "ask", "arguments": "[{n}]", "weight": 2}


def test_a_comparison_asks_for_the_same_blocks(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[load]\nscenario = "call"\n[[load.events]]\nevent = "say"\narguments = ["{n}"]\n'
        '[[arms]]\nid = "gevent"\ntitle = "gevent"\nmode = "gevent"\n'
    )

    load = read_profile(str(path)).load
    request = BlockRequest.from_json({"url": "http://x", "scenario": load.scenario, **load.parameters})

    assert request.options is not None
    assert json.loads(request.options.events) == [{"event": "say", "arguments": ["{n}"]}]
    path.write_text(path.read_text().replace("event =", "evnt ="))
    with pytest.raises(ProfileError, match=r"mine.toml: load: events: number 1: event: unknown key 'evnt'"):
        read_profile(str(path))


def test_a_life_side_by_side_plays_the_same() -> None:
    given = {
        "namespace": "/chat",
        "on_start": ["join"],
        "events": [{"event": "a", "weight": 2}, {"event": "b"}],
    }

    life = LifeRequest.from_json(
        {"sides": [{"name": "a", "command": ["b"]}], **as_life(make_options("call", given))}
    )

    assert life.message == Message("a", weight=2, namespace="/chat")
    assert life.others == (Message("b", namespace="/chat"),)
    assert life.on_start == (Message("join", namespace="/chat"),)


def test_the_floor_has_the_same_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(
        "call", {"events": [{"event": "a", "arguments": [7], "answer": "b", "match": "0=1"}]}
    )
    floor = CallScenario.floor(options)

    assert json.loads(floor.events) == [
        {"event": "message-with-ack", "arguments": "[7]", "answer": "ack", "weight": 1}
    ]
    assert CallScenario.operation_of(floor) is not None
    # As a run asks for it.
    found = calibrate({"scenario": "call", "transport": "websocket", "connections": 4, **options})
    assert found.operations_per_second > 0


def test_generators_of_one_probe_have_numbers_of_their_own() -> None:
    asked: list[Any] = []

    class Generator:
        pid = 1

        def measure(self, request: dict[str, Any], deadline: float) -> Any:
            asked.append(request["numbering"])
            return block()

    _measure([Generator(), Generator()], {"warmup_seconds": 0, "seconds": 1})  # type: ignore[list-item]

    assert sorted(asked) == [(0, 2), (1, 2)]


def test_a_run_without_an_answer_says_what_to_look_at() -> None:
    connected = msgspec.structs.replace(run_result().series[1], type="SIO connect", name="websocket")
    (hint,) = hints(run_result(scenario="call", operations=0, series=[msgspec.to_builtins(connected)]))

    assert "--on-start" in hint


def test_two_processes_play_a_profile(tmp_path: Path) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = load(
            *("--url", server.url, "--no-calibrate", "--profile", "call"),
            *("--users", "6", "--processes", "2", "--json"),
            until={"SIO connect": 6, "SIO call": 20},
        )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    result = json.loads(done.stdout)
    counts = {series["name"]: series["count"] for series in result["series"] if series["type"] == "SIO call"}
    assert result["processes"] == 2
    assert result["errors"] == {}
    assert result["operation"] == ["SIO call", "all events"]
    assert counts["all events"] == counts["message"] + counts["message-with-ack"] == result["operations"] > 0
