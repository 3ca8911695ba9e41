"""`idle`: pings and their drift, and what a connection costs."""

from __future__ import annotations

from typing import Any

import pytest

from load.watching.server_state import Look, Watched
from sioprobe.engine import TRANSPORTS
from tests.load.lame_servers import (
    LameServer,
    strict_server,
)
from tests.load.stage import Stage
from tests.servers import start_command


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_idle_counts_pings_and_their_drift(transport: str) -> None:
    with LameServer(ping_interval=0.2) as server, Stage(server.url, "idle", transport, 4) as stage:
        stage.wait(lambda: stage.scenario.pings >= 12, "three pings each")
        found = stage.finish()

        assert stage.errors() == {}
        assert (found["connections"], found["overdue"], found["unexpected_ends"]) == (4, 0, {})
        assert found["ping_interval_seconds"] == 0.2
        assert found["intervals"]["count"] == found["pings"] - 4
        assert found["early_us"]["count"] + found["late_us"]["count"] == found["intervals"]["count"]
        assert found["words"][0].startswith("memory of each of 4 connections: server not known, generator ")
        assert found["words"][-1] == "no connection ended unexpectedly"


def test_idle_tells_what_a_connection_cost_the_server() -> None:
    before = Look(0.0, rss_bytes=50_000_000, threads=2)

    def found(held: Look) -> dict[str, Any]:
        with LameServer() as server, Stage(server.url, "idle", "websocket", 4) as stage:
            stage.wait(lambda: len(stage.scenario.players) == 4, "everybody")
            return stage.finish(Watched(before=before, held=held))

    grown = found(Look(9.0, rss_bytes=50_000_000 + 4 * 50 * 1024, threads=8))
    assert (grown["server_bytes_per_connection"], grown["server_threads_per_connection"]) == (51_200, 1.5)
    assert "4 connections: server 50.0 KiB and 1.50 threads, generator " in grown["words"][0]
    shrunk = found(Look(9.0, rss_bytes=40_000_000))
    assert shrunk["server_bytes_per_connection"] is None
    assert "4 connections: server no more than it had before, generator " in shrunk["words"][0]


def test_idle_says_that_pings_are_missing() -> None:
    with (
        start_command(strict_server("never-pings", ping_timeout=30)) as server,
        Stage(server.url, "idle", "websocket", 3) as stage,
    ):
        stage.wait(lambda: len(stage.scenario.players) == 3, "everybody")
        stage.wait(lambda: stage.scenario._look()["overdue"] == 3, "pings overdue")
        found = stage.finish()

    assert (found["pings"], found["overdue"]) == (0, 3)
    assert found["words"][1:] == [
        "no ping came: the server announced one every 1 s",
        "3 of 3 connections wait for a ping that is more than 1 s late",
        "no connection ended unexpectedly",
    ]


def test_idle_sees_pings_at_another_interval_and_ends_for_want_of_them() -> None:
    with start_command(strict_server("pings-at-double-interval")) as server:
        with Stage(server.url, "idle", "polling", 2) as stage:
            stage.wait(lambda: stage.scenario.intervals.count >= 2, "two intervals")
            found = stage.finish()
        assert found["intervals"]["p50"] > 1_500_000
        assert found["late_us"]["p50"] > 500_000
    with (
        start_command(strict_server("never-pings", ping_timeout=1)) as server,
        Stage(server.url, "idle", "websocket", 3) as stage,
    ):
        stage.wait(lambda: all(player.state == "closed" for player in stage.players), "the end of all")
        found = stage.finish()
        assert found["unexpected_ends"] == {"ping timeout": 3}
        assert found["words"][-1] == "3 connections ended unexpectedly: ping timeout 3"
