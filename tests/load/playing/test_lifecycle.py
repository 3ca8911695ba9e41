"""What the scenarios about the life of connections find, with good servers and bad ones."""

from __future__ import annotations

import sys
from typing import Any

import gevent
import pytest

from load.playing.observations import duration
from load.scenarios.churn.leak import leak_observed
from load.scenarios.storm.waves import waves_observed
from load.watching.locating import locate
from load.watching.server_state import Cooled, Look, ServerWatch, Watched
from tests.engine.clients import Peer, ScriptedServer
from tests.load.lame_servers import (
    BlockingServer,
    CrowdedServer,
    ImpatientServer,
    LameServer,
    SilentServer,
)
from tests.load.stage import Stage
from tests.servers import start_command

TRANSPORTS = ("polling", "websocket", "upgrade")


def strict_server(*faults: str, ping_timeout: int = 5) -> list[str]:
    words = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1"]
    words += ["--ping-timeout", str(ping_timeout)]
    return [*words, *(word for fault in faults for word in ("--fault", fault))]


# Churn


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_churn_counts_whole_lives(transport: str) -> None:
    with LameServer() as server, Stage(server.url, "churn", transport, 4, acks=2) as stage:
        stage.wait(lambda: stage.scenario.lives >= 12, "a dozen lives")
        found = stage.finish()

        lives = found["lives"]
        counts = {series.type: sample.timed for series, sample in stage.engine.recorder.totals()}
        assert stage.errors() == {}
        assert lives >= 12
        assert counts["SIO connect"] == counts["SIO life"] == counts["SIO close"] == lives
        assert counts["SIO first ack"] == lives
        assert counts["SIO ack"] == 2 * lives
        assert counts.get("SIO upgrade") == (lives if transport == "upgrade" else None)
        assert (found["failed"], found["unconfirmed_closes"], len(server.clients)) == ({}, 0, 0)
        assert found["words"][0] == f"{lives:,} lives from connect to close"


def test_churn_keeps_a_schedule_and_counts_who_comes_late() -> None:
    with SilentServer() as server:
        # A life takes as long as the ack is waited for: longer than the interval.
        with Stage(server.url, "churn", "websocket", 2, rate=20.0, timeout=0.3) as stage:
            stage.wait(lambda: sum(stage.scenario.failed.values()) >= 2, "lives without an ack")
            found = stage.finish()

        assert set(found["failed"]) == {"work: timeout"}
        assert stage.errors()["timeout"] == sum(found["failed"].values())
    with LameServer() as server, Stage(server.url, "churn", "websocket", 2, rate=20.0, acks=0) as stage:
        stage.wait(lambda: stage.scenario.lives >= 6, "lives on schedule")
        found = stage.finish()

        assert stage.engine.send_lag.count >= 4
        assert found["failed"] == {}


def test_churn_counts_closes_without_an_answer() -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        peer.wait_for_end()

    with ScriptedServer(script) as server, Stage(server.url, "churn", "websocket", 2, acks=0) as stage:
        stage.wait(lambda: stage.scenario.lives >= 2, "a life each")
        found = stage.finish()

        assert found["unconfirmed_closes"] == found["lives"] >= 2
        assert "that the server did not answer within 2 s" in found["words"][1]


def test_churn_says_that_a_server_leaks() -> None:
    with start_command([sys.executable, "-m", "tests.load.lame_servers"]) as server:
        watch = ServerWatch([], locate([], tuple(server.about["pids"])))
        watched = Watched(before=watch.look())
        with Stage(server.url, "churn", "websocket", 3) as stage:
            stage.wait(lambda: stage.scenario.lives >= 20, "twenty lives")
            stage.finish()
            assert watched.before is not None
            watched.cooled = watch.cool_down(watched.before, -5.0, 60.0, gevent.sleep)
            leak = leak_observed(watched, stage.scenario.lives)

    assert leak.figures["verdict"] == "leaks"
    assert leak.figures["kept"]["fds"] >= 20
    assert leak.words[0].startswith(f"the server leaks: {leak.figures['kept']['fds']} open files more than")


def test_a_leak_is_told_only_after_the_whole_cool_down() -> None:
    before, after = Look(0.0, 0, 10_000_000, 3, 9), Look(9.0, 4, 11_048_576, 3, 13)

    def found(cooled: Cooled | None) -> tuple[str, str]:
        leak = leak_observed(Watched(before=before, cooled=cooled), 100)
        return leak.figures["verdict"], leak.words[0]

    assert found(None)[0] == "unknown"
    assert found(Cooled(Look(9.0), 9.0, True))[0] == "unknown"
    assert found(Cooled(after, 9.0, False))[0] == "inconclusive"
    verdict, words = found(Cooled(after, 50.0, True))
    assert verdict == "leaks"
    assert words == (
        "the server leaks: 4 sessions, 4 open files more than before, 50 s after the last client left;"
        " memory +1.0 MiB, 10.2 KiB a life"
    )
    assert found(Cooled(Look(9.0, 0, 10_000_000, 4, 9), 3.0, True))[0] == "clean"
    # CPython's collector lets a server have a few files more: without a session that is no leak yet.
    verdict, words = found(Cooled(Look(9.0, 0, 10_000_000, 3, 18), 50.0, True))
    assert verdict == "inconclusive"
    assert "9 open files more than before, 50 s after the last client left; so few for 100 lives" in words
    assert found(Cooled(Look(9.0, 0, 10_000_000, 3, 19), 50.0, True))[0] == "leaks"


# Storm


@pytest.mark.parametrize(
    ("transport", "backoff"), [*((transport, "none") for transport in TRANSPORTS), ("websocket", "official")]
)
def test_a_storm_brings_everybody_back_in_each_wave(transport: str, backoff: str) -> None:
    with (
        LameServer() as server,
        Stage(server.url, "storm", transport, 5, waves=2, calm=0.1, backoff=backoff) as stage,
    ):
        stage.wait(lambda: len(stage.scenario.waves) == 2 and stage.scenario.at_rest, "both waves")
        found = stage.finish()

        assert stage.errors() == {}
        for wave in found["waves"]:
            assert (wave["dropped"], wave["back"], wave["attempts"], wave["errors"]) == (5, 5, 5, {})
            assert 0 < wave["first_us"] <= wave["p50_us"] <= wave["p99_us"] <= wave["all_us"]
        assert len(found["words"]) == 2
        assert found["words"][0].startswith("wave 1: 5 dropped, back after the drop: first ")


def test_a_storm_counts_who_is_not_let_in_again() -> None:
    with (
        CrowdedServer(limit=10) as server,
        Stage(server.url, "storm", "websocket", 6, waves=1, calm=0.1, wave_seconds=2.0) as stage,
    ):
        stage.wait(lambda: stage.scenario.waves and stage.scenario.wave is None, "the end of the wave")
        found = stage.finish()

        (wave,) = found["waves"]
        assert (wave["dropped"], wave["back"]) == (6, 4)
        assert wave["p50_us"] is not None
        assert (wave["p99_us"], wave["all_us"]) == (None, None)
        assert set(wave["errors"]) == {"connect refused"}
        assert stage.errors() == {"connect refused": wave["errors"]["connect refused"], "not back": 2}
        assert wave["attempts"] >= 4 + wave["errors"]["connect refused"] >= 6
        assert "99 % -, all - (2 not back after 2." in found["words"][0]


def test_a_storm_may_be_the_servers_doing() -> None:
    with (
        LameServer() as server,
        Stage(server.url, "storm", "websocket", 4, waves=1, drop="server", calm=0.1) as stage,
    ):
        stage.wait(lambda: sum(player.state == "playing" for player in stage.players) == 4, "everybody")
        server.drop_all()
        stage.wait(lambda: stage.scenario.waves and stage.scenario.wave is None, "the end of the wave")
        found = stage.finish()

        (wave,) = found["waves"]
        assert (wave["dropped"], wave["back"], found["unexpected"]) == (4, 4, {})
        assert stage.errors() == {}


def test_a_wave_lasts_until_the_server_was_restarted() -> None:
    """One that is ending may take clients back, and drop them again when they seemed to be safe."""
    with (
        LameServer() as server,
        Stage(server.url, "storm", "websocket", 3, waves=1, drop="server", calm=0.1) as stage,
    ):
        restarted, asked = [False], []
        stage.scenario.restart_server = lambda: asked.append(1) or (lambda: restarted[0])
        stage.wait(lambda: asked, "the restart")
        server.drop_all()
        stage.wait(lambda: stage.scenario.wave and stage.scenario.wave.out == 0, "everybody again")
        stage.wait(lambda: stage.scenario.wave.seconds_since_drop() > 1.5, "what would have been the end")
        server.drop_all()
        restarted[0] = True
        stage.wait(lambda: stage.scenario.wave is None, "the end of the wave")
        found = stage.finish()

        (wave,) = found["waves"]
        assert (wave["dropped"], wave["back"], found["unexpected"]) == (6, 6, {})


def test_a_loss_outside_of_a_wave_is_told() -> None:
    with LameServer() as server, Stage(server.url, "storm", "websocket", 3, calm=60.0) as stage:
        stage.wait(lambda: sum(player.state == "playing" for player in stage.players) == 3, "everybody")
        server.drop_all()
        stage.wait(lambda: sum(stage.scenario.unexpected.values()) == 3, "the losses")
        stage.wait(lambda: all(player.in_place for player in stage.players), "everybody again")
        found = stage.finish()

        assert found["unexpected"] == {"connection closed": 3}
        assert found["words"] == [
            "3 waves of 3 did not come before the end of the run",
            "lost outside of a wave: connection closed 3",
        ]


def test_waves_of_several_processes_are_added_up() -> None:
    def wave(at: float, *back: int) -> dict[str, object]:
        return {
            "at": at,
            "dropped": 50,
            "attempts": 51,
            "errors": {"connection refused": 1},
            "first_us": back[0],
            "lasted_us": back[-1],
            "back": {"pairs": [[us, 50 // len(back)] for us in back], "max": back[-1]},
        }

    state = {"planned": 1, "unexpected": {}}
    found = waves_observed(
        [{**state, "waves": [wave(9.0, 64, 100)]}, {**state, "waves": [wave(9.002, 50, 120)]}]
    )

    (merged,) = found.figures["waves"]
    assert (merged["dropped"], merged["back"], merged["first_us"], merged["all_us"]) == (100, 100, 50, 120)
    assert merged["p50_us"] == pytest.approx(64, rel=0.01)
    assert found.words == [
        "wave 1: 100 dropped, back after the drop: first 50 µs, half 64 µs, 99 % 120 µs, all 120 µs;"
        " 102 attempts, 2 failed (connection refused 2); the processes dropped within 2 ms"
    ]


# Idle


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


# Slow


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


# Upgrade


def test_upgrades_lose_nothing_while_events_are_under_way() -> None:
    with LameServer() as server, Stage(server.url, "upgrade", "upgrade", 4) as stage:
        stage.wait(lambda: stage.scenario.lives >= 20, "twenty upgrades")
        found = stage.finish()

        assert stage.errors() == {}
        assert (found["failed"], found["upgrade_errors"], found["failed_share"]) == ({}, {}, 0.0)
        assert found["in_flight_sent"] > 0
        assert found["in_flight_received"] > 0
        ledger = stage.scenario.ledger
        assert ledger.clean
        assert ledger.received == ledger.expected > 0


FAULTS = {
    "packets-of-the-upgrade-are-lost": "lost",
    "packets-of-the-upgrade-come-twice": "duplicated",
    "packets-of-the-upgrade-are-reversed": "reordered",
    "burst-loses-one-event": "lost",
    "acks-twice": "duplicated",
}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items(), ids=FAULTS.keys())
def test_what_goes_wrong_in_an_upgrade_is_in_the_ledger(fault: str, kind: str) -> None:
    with (
        start_command(strict_server(fault)) as server,
        Stage(server.url, "upgrade", "upgrade", 4, timeout=1.5) as stage,
    ):
        stage.wait(lambda: getattr(stage.scenario.ledger, kind), kind)
        stage.finish()

        assert stage.errors()[kind] == getattr(stage.scenario.ledger, kind)


def test_upgrades_that_are_not_offered_are_a_share_that_failed() -> None:
    with (
        start_command(strict_server("polling-offers-no-upgrade")) as server,
        Stage(server.url, "upgrade", "upgrade", 2) as stage,
    ):
        stage.wait(lambda: stage.scenario.lives >= 2, "a life each")
        found = stage.finish()

    assert found["failed_share"] == 1.0
    assert set(found["upgrade_errors"]) == {"upgrade not offered"}
    assert "failed (100.0%: upgrade not offered" in found["words"][0]


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "-"),
        (0.4, "0 µs"),
        (999, "999 µs"),
        (12_345, "12.3 ms"),
        (999_400, "999 ms"),
        (1.234e6, "1.23 s"),
    ],
)
def test_durations_have_three_digits(us: float | None, text: str) -> None:
    assert duration(us) == text
