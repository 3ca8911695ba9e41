"""A life of real servers: what it measures, and what it says when a server does not play along."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from load.side_by_side.priority import Priority, highest_allowed
from tests.load.driver import Driver
from tests.servers import ROOT

INJECTED = ROOT / "ci" / "gate" / "injected"
SERVER = [sys.executable, "-m", "server_under_test", "--mode", "threading", "--port", "0"]


def side(name: str, command: list[str] = SERVER, **more: Any) -> dict[str, Any]:
    environment = {"PYTHONPATH": os.pathsep.join((str(INJECTED), str(ROOT)))}
    return {"name": name, "command": command, "environment": environment, **more}


def burdened(name: str, burden: str) -> dict[str, Any]:
    one = side(name)
    one["environment"]["SIOPROBE_INJECT"] = burden
    return one


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_server_with_more_to_do_costs_more_in_nearly_every_turn(driver: Driver, transport: str) -> None:
    life = driver.ask(
        sides=[burdened("light", "none"), burdened("heavy", "spin:60000")], transport=transport, seed=3
    )

    assert life.get("error") is None
    assert life["sides"] == ["light", "heavy"]
    slices = life["slices"]
    # A random order, played backwards.
    orders = [[entry[0] for entry in slices[start : start + 4]] for start in range(0, len(slices), 4)]
    assert {tuple(order) for order in orders} == {(0, 1, 1, 0), (1, 0, 0, 1)}
    turns = [{entry[0]: entry for entry in slices[start : start + 2]} for start in range(0, len(slices), 2)]
    heavier = sum(turn[1][1] > turn[0][1] for turn in turns)
    assert heavier > 0.9 * len(turns)
    # Sixteen messages in four connections, each with a loop of some hundred microseconds at least.
    assert all(0 < p50 * 1000 < wall for _, _, wall, p50 in slices)


@pytest.mark.parametrize(
    ("answer", "event"), [(None, "message-with-ack"), ("message-back", "message")], ids=["ack", "event"]
)
def test_an_answer_is_an_ack_or_an_event(driver: Driver, answer: str | None, event: str) -> None:
    message = {"event": event, "arguments": [1, "x"], "answer": answer}

    life = driver.ask(sides=[side("one")], message=message, seconds=0.1, realtime_seconds=0.1)

    assert len(life["slices"]) >= 12


def test_an_answer_that_others_get_too_is_found_in_a_room_joined_before(driver: Driver) -> None:
    message = {"event": "in", "arguments": '["lobby", "told", {n}]', "answer": "told", "match": "0={n}"}
    start = {"event": "join", "arguments": ["lobby"]}

    life = driver.ask(
        sides=[side("one")], message=message, on_start=[start], seconds=0.1, realtime_seconds=0.1
    )

    assert life.get("error") is None
    assert len(life["slices"]) >= 12


def test_of_several_events_each_is_sent(driver: Driver) -> None:
    other = {"event": "no-such-event", "weight": 1}

    unanswered = driver.ask(sides=[side("one")], message={"weight": 20}, others=[other])

    assert unanswered["error"].startswith(
        "one: the server did not answer 'message-with-ack' or 'no-such-event' within 10 s"
    )


def test_messages_above_max_payload_are_named_before_the_first(driver: Driver) -> None:
    small = [*SERVER, "--max-payload", "2000"]
    message = {"event": "message-with-ack", "arguments": [1, "x" * 3000]}

    refused = driver.ask(sides=[side("one", small)], message=message)

    assert refused["error"] == (
        "one: a client sends messages of 3,006 bytes and more; the server takes 2,000 (maxPayload),"
        " and ends the session of a client that sends more"
    )


def test_an_ack_that_does_not_match_is_named(driver: Driver) -> None:
    message = {"event": "message-with-ack", "arguments": [1, "x"], "match": "1=y"}

    wrong = driver.ask(sides=[side("one")], message=message)

    assert wrong["error"] == "one: an ack of 'message-with-ack' does not match"


def test_the_same_servers_play_other_transports_afterwards(driver: Driver) -> None:
    nice = psutil.Process(driver.process.pid).nice()
    life = driver.ask(
        sides=[side("one"), side("two")], transport="polling", also=["websocket"], most_rounds=7, seconds=60,
        realtime_seconds=60, realtime=False, nice=True,
    )  # fmt: skip

    [other] = life["also"]
    assert (life["transport"], other["transport"]) == ("polling", "websocket")
    assert life["seed"] == other["seed"]
    assert life["seconds_to_start"] == other["seconds_to_start"]
    assert life["realtime"] is other["realtime"] is False
    assert life["priority"] == highest_allowed(Priority.NICE).value
    assert psutil.Process(driver.process.pid).nice() == nice
    # Seven rounds of two turns, long before the seconds are over; sooner than that it would not end.
    assert len(life["slices"]) == len(other["slices"]) == 7 * 2 * 2


def test_a_server_that_ends_is_told_with_its_last_line(driver: Driver) -> None:
    ended = driver.ask(sides=[side("base"), side("head", program("import sys; sys.exit('no such table')"))])

    assert ended == {"error": "head: the server ended with 1: no such table", "side": "head", "ended": True}


def test_a_program_that_is_not_there_is_named(driver: Driver) -> None:
    absent = driver.ask(sides=[side("base", ["/no/such/program"])])

    assert absent["error"] == "base: /no/such/program: No such file or directory"
    assert (absent["side"], absent["ended"]) == ("base", False)


def test_a_server_that_is_never_ready_is_given_up(driver: Driver) -> None:
    silent = driver.ask(
        sides=[side("base", program("print('starting', flush=True); import time; time.sleep(600)"))],
        start_seconds=1,
    )

    assert silent["side"] == "base"
    assert silent["error"] == (
        "base: not ready in time (no line that begins with READY); its last line: starting"
    )


def test_a_server_that_hangs_after_ready_is_given_up(driver: Driver) -> None:
    hung = (
        "import json, socket, time\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "url = f'http://127.0.0.1:{listener.getsockname()[1]}'\n"
        "print('READY', json.dumps({'urls': [url]}), flush=True)\n"
        "time.sleep(600)\n"
    )

    silent = driver.ask(sides=[side("base", program(hung))], start_seconds=2)

    assert silent["side"] == "base"
    assert "base: " in silent["error"]


def test_an_event_that_nobody_answers_is_named(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    unanswered = driver.ask(sides=[side("base")], message={"event": "message", "answer": "no-such-event"})

    assert unanswered["error"].startswith("base: the server did not answer 'message' within 10 s")


def test_a_port_in_use_is_the_server_s_last_line(driver: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        used = driver.ask(sides=[side("base", [*SERVER[:-1], str(port)])])

    assert used["side"] == "base"
    assert "in use" in used["error"]


def test_ready_by_port_and_by_a_path(driver: Driver) -> None:
    for ready in ("port", "/"):
        command = [*SERVER[:-1], "{port}"]
        life = driver.ask(sides=[side("one", command, ready=ready)], seconds=0.1, realtime_seconds=0.1)

        assert life.get("error") is None


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({"sides": []}, "a life needs servers with commands"),
        ({"sides": [side("a")], "transport": "carrier pigeon"}, "unknown transport 'carrier pigeon'"),
        ({"sides": [side("a")], "speed": 3}, "a life has no 'speed'"),
        ({}, "this is no life: 'sides'"),
        ({"sides": [side("a")], "message": {"answer": "none"}}, "answer: none leaves nothing to measure"),
        (
            {"sides": [side("a")], "message": {"evnt": "a"}},
            "event: unknown key 'evnt' (the nearest is 'event'",
        ),
        ({"sides": [side("a")], "on_start": [{"event": ""}]}, "event: is empty: give the name of an event"),
    ],
)
def test_a_request_that_is_none_is_one_line(driver: Driver, request_: dict[str, Any], line: str) -> None:
    assert driver.ask(**request_)["error"].startswith(line)


def test_servers_end_with_their_driver(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        driver = Driver("load.side_by_side")
        driver.send(json.dumps({"sides": [side("a"), side("b")], "seconds": 60, "realtime_seconds": 60}))
        family = _wait_for_family(driver.process.pid)
        driver.process.send_signal(number)
        driver.process.wait(30)

        gone, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []
        assert gone
        assert driver.process.stdout is not None
        driver.process.stdout.close()


def _wait_for_family(pid: int) -> list[psutil.Process]:
    """The children of the driver, once both servers listen."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        family = psutil.Process(pid).children(recursive=True)
        if sum(bool(child.net_connections("inet")) for child in family) == 2:
            return family
        time.sleep(0.05)
    raise AssertionError("the servers did not start")
