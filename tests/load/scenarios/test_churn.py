"""`churn`: whole lives, schedules, and what a server keeps of clients that have left."""

from __future__ import annotations

import sys

import gevent
import pytest

from load.scenarios.churn.leak import leak_observed
from load.watching.locating import locate
from load.watching.server_state import Cooled, Look, ServerWatch, Watched
from sioprobe.engine import TRANSPORTS
from tests.engine.clients import Peer, ScriptedServer
from tests.load.lame_servers import (
    LameServer,
    SilentServer,
)
from tests.load.stage import Stage
from tests.servers import start_command


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
        " too few lives to tell whether memory grows"
    )
    assert found(Cooled(Look(9.0, 0, 10_000_000, 4, 9), 3.0, True))[0] == "clean"
    # CPython's collector lets a server have a few files more: without a session that is no leak yet.
    verdict, words = found(Cooled(Look(9.0, 0, 10_000_000, 3, 18), 50.0, True))
    assert verdict == "inconclusive"
    assert "9 open files more than before, 50 s after the last client left; so few for 100 lives" in words
    assert found(Cooled(Look(9.0, 0, 10_000_000, 3, 19), 50.0, True))[0] == "leaks"
