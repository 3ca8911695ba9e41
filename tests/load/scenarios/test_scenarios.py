"""The scenarios' accounts: a server that loses, doubles, swaps or holds back is noticed; others are clean."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest

from load.blocks.measuring import BlockRequest, Crowd, measure
from load.scenarios import SCENARIOS
from load.scenarios.fanout.scenario import FanoutPlayer
from sioprobe.measured import Ledger
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import load
from tests.load.lying_server import LyingServer, lying
from tests.servers import Server, start_command, start_foreign, start_server

DEADLINE = 60.0


@contextmanager
def playing(server: LyingServer, **request: Any) -> Iterator[Crowd]:
    """A crowd at play, in this process; it comes to rest and closes at the end."""
    crowd = Crowd(BlockRequest.from_json({"url": server.url, "connections": 4, **request}))
    crowd.engine.start()
    try:
        players = crowd.connect()
        assert len(players) == len(crowd.players)
        for player in players:
            player.begin()
        yield crowd
        crowd.drain()
    finally:
        crowd.close()


def wait_for(condition: Any, what: str) -> None:
    with gevent.Timeout(DEADLINE, AssertionError(f"not within {DEADLINE} s: {what}")):
        while not condition():
            gevent.sleep(0.01)


def timed(crowd: Crowd, type: str) -> dict[str, int]:
    """How many durations the series of that type have, by name."""
    totals = crowd.engine.recorder.totals()
    return {series.name: sample.timed for series, sample in totals if series.type == type}


FANOUTS: dict[str, dict[str, Any]] = {"fanout": {"room_size": 4}, "broadcast": {}}
TRIPS = [
    *((scenario, fault) for scenario in ("ack", "echo") for fault in ("lose", "double", "change", "hold")),
    # The text before attachments is left as it is, or the fault would be one of the protocol.
    ("binary", "change"),
]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("scenario", FANOUTS)
@pytest.mark.parametrize(
    ("fault", "account"),
    [("lose", "lost"), ("double", "duplicated"), ("swap", "reordered"), ("hold", "late")],
)
def test_the_ledger_notices_what_a_server_does_wrong(
    scenario: str, fault: str, account: str, transport: str
) -> None:
    with lying(fault) as server:
        # Deadlines that only the fault misses, where it is no matter of time.
        timeout = 0.5 if fault in ("lose", "hold") else 30.0
        request = {"rate": 60, "timeout": timeout, **FANOUTS[scenario]}
        with playing(server, scenario=scenario, transport=transport, **request) as crowd:
            ledger = crowd.scenario.ledger
            assert ledger is not None
            wait_for(lambda: ledger.published >= 20 and (fault != "hold" or ledger.late), "deliveries")
        errors = crowd.engine.recorder.errors()

    assert getattr(ledger, account) > 0
    assert errors[account] == getattr(ledger, account)
    assert not ledger.clean
    assert ledger.received + ledger.lost == ledger.expected
    assert timed(crowd, "SIO deliver") == {"m": ledger.received}
    if fault == "double":
        assert ledger.lost == ledger.late == 0


@pytest.mark.parametrize("scenario", FANOUTS)
def test_a_sound_server_has_a_clean_ledger(scenario: str) -> None:
    request = {"scenario": scenario, "timeout": 30.0, **FANOUTS[scenario]}
    with lying("") as server, playing(server, **request) as crowd:
        ledger = crowd.scenario.ledger
        assert ledger is not None
        wait_for(lambda: ledger.published >= 50, "deliveries")
    assert ledger.clean
    assert ledger.reach == 1.0
    assert timed(crowd, "SIO fan-out") == dict.fromkeys(
        ("first delivery", "median delivery", "last delivery"), ledger.published
    )


@pytest.mark.parametrize("scenario", FANOUTS)
def test_a_closed_loop_gives_up_what_is_lost_and_goes_on(scenario: str) -> None:
    request = {"scenario": scenario, "timeout": 0.4, **FANOUTS[scenario]}
    with lying("lose") as server, playing(server, **request) as crowd:
        ledger = crowd.scenario.ledger
        assert ledger is not None
        # Of each member every seventh is lost.
        wait_for(lambda: ledger.published >= 20, "numbers after those that were lost")

    assert ledger.lost > 0
    assert ledger.received + ledger.lost == ledger.expected
    assert timed(crowd, "SIO deliver") == {"m": ledger.received}


def test_deliveries_are_counted_before_the_last_member_has_the_number() -> None:
    request = {"scenario": "fanout", "room_size": 4, "timeout": 30.0}
    with lying("lose") as server, playing(server, **request) as crowd:
        mute, *others = crowd.players
        for player in others:
            server.clients[str(player.connection.session.id)].fault = ""
        # The seventh number of the mute one is lost, and the loop stands.
        wait_for(lambda: timed(crowd, "SIO fan-out").get("last delivery") == 6, "six complete numbers")
        wait_for(lambda: timed(crowd, "SIO deliver") == {"m": 6 * 4 + 3}, "three of the seventh")
        ledger = crowd.scenario.ledger
        assert ledger is not None
        assert ledger.received == 6 * 4 + 3
        mute.leave()
        wait_for(lambda: ledger.published > 7, "the next number")

    assert ledger.clean
    assert timed(crowd, "SIO deliver") == {"m": ledger.received}


@pytest.mark.parametrize("payload_bytes", [0, 1000])
@pytest.mark.parametrize("scenario", FANOUTS)
def test_a_delivery_that_repeats_anothers_frame_is_not_taken_apart_again(
    scenario: str, payload_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    decode = FanoutPlayer._tap
    monkeypatch.setattr(
        FanoutPlayer, "_tap", lambda player, text: parsed.append(text) or decode(player, text)
    )
    request = {"timeout": 30.0, "connections": 10, "room_size": 10, "payload_bytes": payload_bytes}
    if scenario == "broadcast":
        del request["room_size"]
    with lying("") as server, playing(server, scenario=scenario, **request) as crowd:
        ledger = crowd.scenario.ledger
        assert ledger is not None
        wait_for(lambda: ledger.published >= 100, "deliveries")

    assert ledger.clean
    # One of ten, and those that a read brought together with something else.
    assert len(parsed) < ledger.received / 3


@pytest.mark.parametrize("loop", [{}, {"rate": 50}, {"total_rate": 200, "schedule": "poisson"}])
@pytest.mark.parametrize(("scenario", "fault"), TRIPS)
def test_round_trips_notice_what_a_server_does_wrong(scenario: str, fault: str, loop: dict[str, Any]) -> None:
    answer = "answer" if scenario == "echo" else "ack"
    kind = {"double": f"{answer} to nothing", "change": f"wrong {answer}"}.get(fault, "timeout")
    with lying(fault) as server:
        timeout = 0.4 if kind == "timeout" else 30.0
        with playing(server, scenario=scenario, timeout=timeout, **loop) as crowd:
            wait_for(lambda: kind in crowd.engine.recorder.errors(), kind)
        errors = crowd.engine.recorder.errors()

    assert errors[kind] > 0
    assert crowd.scenario.at_rest


@pytest.mark.parametrize("scenario", ["ack", "echo"])
def test_the_right_answer_in_other_json_is_right(scenario: str) -> None:
    with lying("respell") as server, playing(server, scenario=scenario, timeout=30.0) as crowd:
        wait_for(lambda: sum(timed(crowd, f"SIO {scenario}").values()) > 100, "answers")

    assert crowd.engine.recorder.errors() == {}


def test_an_open_loop_does_not_wait_and_counts_what_it_cannot_send() -> None:
    with lying("silent") as server:
        request = {"rate": 100, "max_outstanding": 5, "timeout": 30.0}
        with playing(server, scenario="ack", **request) as crowd:
            schedule = crowd.scenario.schedule
            assert schedule is not None
            wait_for(lambda: schedule.unsent.get("too many outstanding", 0) > 10, "unsent")
            # Five each, though none was answered.
            assert schedule.sent == 4 * 5
            server.drop(next(iter(server.clients.values())))
            wait_for(lambda: schedule.unsent.get("no connection", 0) > 10, "no connection")
            lost = next(player for player in crowd.players if player.state == "closed")
            # Another takes the place, and the schedule of the first one ends.
            crowd.players.append(crowd.scenario.player(_connection(crowd, server), crowd._tell))
            crowd.players[-1].open()
            wait_for(lambda: crowd.players[-1].state == "ready", "ready")
            crowd.players[-1].begin()
            before = schedule.unsent["no connection"]
            wait_for(lambda: schedule.sent == 5 * 5, "the new one sends")
            assert schedule.unsent["no connection"] == before
            lost.leave()
        errors = crowd.engine.recorder.errors()

    assert schedule.due == schedule.sent + sum(schedule.unsent.values())
    assert errors["not sent: no connection"] == schedule.unsent["no connection"]
    assert errors["not sent: too many outstanding"] == schedule.unsent["too many outstanding"]


def _connection(crowd: Crowd, server: LyingServer) -> Any:
    from sioprobe.engine import Connection, Target

    return Connection(crowd.engine, Target.from_url(server.url), "websocket")


def test_a_total_rate_is_shared_by_all_connections() -> None:
    with lying("") as server, playing(server, scenario="ack", total_rate=50, timeout=30.0) as crowd:
        schedule = crowd.scenario.schedule
        assert schedule is not None
        started = gevent.get_hub().loop.now()
        wait_for(lambda: schedule.due >= 20, "turns")
        gevent.get_hub().loop.update_now()
        passed = gevent.get_hub().loop.now() - started
        numbers = [player.number for player in crowd.players]  # type: ignore[attr-defined]

        # Each turn goes to the next connection, and none comes before its time.
        assert max(numbers) - min(numbers) <= 1
        assert schedule.due <= 50 * passed + 2


def test_what_is_published_while_a_member_is_away_is_missed_and_not_lost() -> None:
    with (
        lying("") as server,
        playing(server, scenario="fanout", room_size=4, rate=100, timeout=30.0) as crowd,
    ):
        ledger = crowd.scenario.ledger
        assert ledger is not None
        wait_for(lambda: ledger.published > 5, "numbers")
        server.drop(list(server.clients.values())[-1])
        wait_for(lambda: ledger.missed_away > 10, "missed")
        crowd.players.append(crowd.scenario.player(_connection(crowd, server), crowd._tell))
        crowd.players[-1].open()
        wait_for(lambda: crowd.players[-1].state == "ready", "ready")
        missed, published = ledger.missed_away, ledger.published
        wait_for(lambda: ledger.published > published + 5, "numbers")

        assert ledger.missed_away == missed
        assert missed <= published
    assert ledger.received + ledger.lost == ledger.expected
    assert (ledger.duplicated, ledger.reordered, ledger.late) == (0, 0, 0)


@pytest.mark.parametrize("size", [0, 1, 8, 9, 300])
def test_the_first_byte_of_an_attachment_takes_every_value(size: int) -> None:
    """python-engineio on uWSGI tells text from binary by it."""
    request = {"url": "http://127.0.0.1:1", "scenario": "binary", "attachments": 2, "payload_bytes": size}
    crowd = Crowd(BlockRequest.from_json(request))
    contents = [crowd.scenario.content(number)[1:] for number in range(1, 257)]  # type: ignore[attr-defined]

    assert {len(part) for content in contents for part in content} == {size}
    if size:
        for place in range(2):
            assert {content[place][0] for content in contents} == set(range(256))


@pytest.mark.parametrize("scenario", ["ack", "echo", "binary", "namespaces"])
def test_connections_that_the_server_ends_are_no_fault_of_ours(scenario: str) -> None:
    with lying("silent") as server, playing(server, scenario=scenario, timeout=30.0) as crowd:
        wait_for(lambda: not crowd.scenario.at_rest, "operations under way")  # none is answered
        for client in list(server.clients.values()):
            server.drop(client)
        wait_for(lambda: all(player.state == "closed" for player in crowd.players), "the end")

    assert crowd.scenario.at_rest
    assert crowd.engine.internal_errors == 0
    assert "internal error: SwarmError" not in crowd.engine.recorder.errors()


def test_namespaces_are_left_and_joined_again() -> None:
    with lying("") as server, playing(server, scenario="namespaces", visit=3) as crowd:
        rejoins = crowd.engine.recorder.series("SIO rejoin", "namespace")
        wait_for(lambda: rejoins.recent.timed + rejoins.total.timed > 20, "rejoins")
    assert crowd.engine.recorder.errors() == {}
    assert crowd.scenario.at_rest


@pytest.fixture(scope="module")
def references() -> Iterator[dict[str, Server]]:
    with start_foreign("node") as node, start_server("gevent") as gevent:
        yield {"node": node, "gevent": gevent}


MORE: dict[str, dict[str, Any]] = {
    "ack": {"rate": 20, "schedule": "poisson"},
    "echo": {},
    "binary": {"attachments": 3, "payload_bytes": 300},
    "fanout": {"room_size": 4, "publishers": 2},
    "broadcast": {},
    "namespaces": {"visit": 2},
    "call": {
        "on_start": ['join:["room-{user}"]'],
        "events": [
            {"event": "message-with-ack", "arguments": '[{n}, "{user}"]', "match": "0={n}", "weight": 2},
            {"event": "message", "arguments": ["{n}"], "answer": "message-back", "match": "0={n}"},
        ],
    },
}


# Each scenario meets both transports and both references, and each transport both references.
PAIRS = [
    (scenario, transport, ("gevent", "node")[(place + turn) % 2])
    for place, scenario in enumerate(MORE)
    for turn, transport in enumerate(("polling", "upgrade"))
]


@pytest.mark.parametrize(("scenario", "transport", "reference"), PAIRS)
def test_each_scenario_is_clean_against_the_references(
    references: dict[str, Server], scenario: str, transport: str, reference: str
) -> None:
    block = measure(
        BlockRequest.from_json(
            {
                "url": references[reference].url,
                "scenario": scenario,
                "transport": transport,
                "connections": 8,
                "warmup_seconds": 0.0,
                "seconds": 0.5,
                "timeout": 30.0,
                # python-engineio drops a POST of more, and a machine that stands still lets packets wait.
                "max_packets_per_post": 16,
                **MORE[scenario],
            }
        )
    )

    assert block.error_kinds == {}
    assert block.operations > 0
    if block.ledger is not None:
        assert block.ledger.reach == 1.0
        assert not any(Ledger.of(block.ledger).problems.values())
    if block.schedule is not None:
        assert block.schedule.unsent == {}


@pytest.mark.parametrize(
    ("scenario", "more", "enough"),
    [("broadcast", [], {"SIO deliver": 60}), ("echo", ["--total-rate", "40"], {"SIO echo": 40})],
    ids=["broadcast", "echo"],
)
def test_accounts_of_two_processes_add_up(scenario: str, more: list[str], enough: dict[str, int]) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = load(
            *("--url", server.url, "--no-calibrate", "--scenario", scenario, "--json"),
            *("--users", "6", "--processes", "2", *more),
            until={"SIO connect": 6, **enough},
        )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    result = json.loads(done.stdout)
    assert result["processes"] == 2
    assert result["errors"] == {}
    if scenario == "broadcast":
        ledger = result["ledger"]
        counts = {series["type"]: series["count"] for series in result["series"]}
        assert ledger["received"] == ledger["expected"] == counts["SIO deliver"]
        # Each number reaches the members of both processes.
        assert ledger["received"] > 3 * ledger["published"]
    else:
        schedule = result["schedule"]
        assert schedule["due"] == schedule["sent"] > 0
        assert schedule["due"] <= 40 * (result["seconds"] + 1)


def test_every_scenario_is_described() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/scenarios.md").read_text(encoding="utf-8")

    for name in SCENARIOS:
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"<!-- parameters: {name} -->" in section
