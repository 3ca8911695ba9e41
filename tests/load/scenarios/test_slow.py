"""`slow`: members that do not read, and the others."""

from __future__ import annotations

import pytest

from tests.load.lame_servers import (
    BlockingServer,
    ImpatientServer,
    LameServer,
)
from tests.load.stage import Stage


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_who_reads_again_gets_what_waited_and_the_others_lose_nothing(transport: str) -> None:
    options = {"room_size": 5, "slow_share": 0.4, "phase_seconds": 0.5, "calm": 0.1, "payload_bytes": 1000}
    with LameServer() as server, Stage(server.url, "slow", transport, 5, **options) as stage:
        stage.wait(lambda: stage.scenario.run.phases.now == "after", "the last phase")
        stage.wait(lambda: stage.scenario.run.latencies["after"].count, "a delivery in it")
        found = stage.finish()

        assert stage.errors() == {}
        slow = found["slow"]
        assert (slow["members"], slow["dropped"], found["healthy"]) == (2, 0, 3)
        assert slow["backlog"] == slow["backlog_got"] > 0
        assert found["slow_ledger"]["lost"] == 0
        assert stage.scenario.ledger.clean
        assert stage.scenario.ledger.reach == 1.0
        assert list(found["phases"]) == ["before", "slow", "after"]
        assert all(found["healthy_latency_us"][phase]["count"] for phase in found["phases"])


def test_a_server_that_drops_who_does_not_read_is_told_and_is_no_error() -> None:
    options = {"room_size": 4, "phase_seconds": 2.0, "calm": 0.1, "payload_bytes": 40_000}
    with ImpatientServer() as server, Stage(server.url, "slow", "websocket", 4, **options) as stage:
        stage.wait(lambda: stage.scenario.run.phases.now == "after", "the last phase")
        stage.wait(
            lambda: any(player.state == "closed" for player in stage.players), "the end of the slow one"
        )
        found = stage.finish()

        assert stage.errors() == {}
        assert (found["slow"]["members"], found["slow"]["dropped"]) == (1, 1)
        assert found["slow"]["backlog_got"] < found["slow"]["backlog"]
        assert 0 < found["slow"]["first_dropped_us"] <= 3_000_000
        assert found["slow_ledger"]["lost"] > 0
        assert stage.scenario.ledger.clean
        assert any("dropped 1 of them (connection reset 1), the first" in line for line in found["words"])


def test_a_server_that_serves_nobody_while_one_does_not_read_is_seen() -> None:
    options = {"room_size": 4, "phase_seconds": 1.0, "calm": 0.1, "payload_bytes": 10}
    with BlockingServer() as server, Stage(server.url, "slow", "websocket", 4, **options) as stage:
        server.blocked = lambda: stage.scenario.run.phases.now == "slow"
        stage.wait(lambda: stage.scenario.run.phases.now == "after", "the last phase")
        server.flush()
        found = stage.finish()

        assert found["healthy_latency_us"]["slow"]["max"] > 800_000
        assert stage.scenario.ledger.clean
