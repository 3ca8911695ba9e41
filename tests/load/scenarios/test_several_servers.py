"""Each scenario on two servers: each line of a server has what happened there, and together they are all."""

from __future__ import annotations

from typing import Any

import pytest

from sioprobe.measured.process_state import ProcessState
from sioprobe.measured.rendering import render
from sioprobe.measured.summary import summarise
from sioprobe.results.loads import RunResult
from tests.load.lame_servers import LameServer
from tests.load.stage import Stage

PLAYERS = 4
EVENTS = {"event": "message-with-ack", "arguments": "[1]"}


def result_of(stage: Stage) -> RunResult:
    """What a run would say now."""
    stage.engine.recorder.take()
    ledger = stage.scenario.ledger
    state = ProcessState("a")
    if ledger is not None:
        parts = {url: part.figures() for url, part in ledger.parts.items()}
        state = ProcessState("a", ledger=ledger.figures(), ledgers=parts)
    return summarise(stage.engine.recorder, [state], 1.0, stage.scenario.operation)


def assert_lines_are_the_whole(result: RunResult) -> None:
    figures = result.urls.values()
    assert sum(each.operations for each in figures) == result.operations
    assert sum(each.errors for each in figures) == sum(result.errors.values())
    if result.ledger is not None:
        parts = [each.ledger for each in figures if each.ledger is not None]
        for name in ("expected", "received", "lost", "duplicated", "reordered", "late", "missed_away"):
            assert sum(getattr(part, name) for part in parts) == getattr(result.ledger, name), name


@pytest.mark.parametrize(
    ("scenario", "transport", "options"),
    [
        ("ack", "websocket", {}),
        ("echo", "polling", {}),
        ("binary", "websocket", {}),
        ("call", "websocket", EVENTS),
        ("namespaces", "websocket", {"visit": 2}),
        ("churn", "websocket", {"acks": 1}),
        ("storm", "websocket", {"waves": 1, "calm": 0.1}),
        ("upgrade", "upgrade", {}),
    ],
)
def test_operations_belong_to_the_server_that_answered(
    scenario: str, transport: str, options: dict[str, Any]
) -> None:
    with LameServer() as one, LameServer() as other:
        urls = f"{one.url},{other.url}"
        with Stage(urls, scenario, transport, PLAYERS, **options) as stage:
            stage.wait(
                lambda: [each.operations > 0 for each in result_of(stage).urls.values()] == [True, True],
                "operations on both servers",
            )
            assert_lines_are_the_whole(result_of(stage))


@pytest.mark.parametrize(
    ("scenario", "options"),
    [
        ("fanout", {"room_size": PLAYERS, "rate": 20.0}),
        ("broadcast", {"rate": 20.0}),
        ("slow", {"room_size": PLAYERS, "slow_share": 0.0, "calm": 0.1, "payload_bytes": 10}),
    ],
)
def test_what_a_server_did_not_deliver_is_lost_in_its_own_line(
    scenario: str, options: dict[str, Any]
) -> None:
    """No queue joins the two: what is published on one does not come to clients of the other."""
    with LameServer() as one, LameServer() as other:
        urls = f"{one.url},{other.url}"
        with Stage(urls, scenario, "websocket", PLAYERS, **options) as stage:
            parts = stage.scenario.ledger.parts
            stage.wait(lambda: all(player.state == "playing" for player in stage.players), "everybody")
            stage.wait(lambda: any(part.received > 2 for part in parts.values()), "deliveries")
            stage.scenario.halt()
            stage.wait(
                lambda: any(part.received == part.expected > 0 for part in parts.values()), "all deliveries"
            )
            stage.scenario.settle()
            result = result_of(stage)

    assert_lines_are_the_whole(result)
    good, deaf = sorted(result.urls.items(), key=lambda line: line[1].errors)
    assert good[1].ledger is not None
    assert deaf[1].ledger is not None
    assert (good[1].errors, good[1].ledger.lost, good[1].ledger.reach) == (0, 0, 1.0)
    lost = deaf[1].ledger.lost
    assert deaf[1].errors == lost == result.errors["lost"] > 0
    assert deaf[1].ledger.reach == 0.0
    assert f"  {deaf[0]}: 0 operations, {lost} errors, p50 -, p99 -; reach 0.0000% (0 of {lost} " in render(
        result
    )
