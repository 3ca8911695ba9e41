"""What is seen of a server before, during and after a run: by its processes, else by what it tells."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from load.scenarios import SCENARIOS
from load.scenarios.churn.leak import leak_observed
from load.watching.locating import NONE, locate
from load.watching.run_watch import RunWatch
from load.watching.server_state import Cooled, Look, ServerWatch, Watched
from tests.load.stage import Stage
from tests.servers import Server, start_command, start_foreign, start_server


@pytest.fixture(scope="module")
def node() -> Iterator[Server]:
    """A server that tells nothing about itself."""
    with start_foreign("node") as started:
        yield started


@contextmanager
def counting_server() -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the paths that it was asked for; it has none of them."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", paths
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def found_in(stage: Stage, run: RunWatch, **options: float) -> dict[str, Any]:
    """What the whole run found, after the last client has left."""
    found = run.found([stage.scenario.state()], stage.engine.recorder, options)
    assert found is not None
    return found


def test_what_churn_leaves_behind_is_seen_of_a_server_that_tells_nothing(node: Server) -> None:
    run = RunWatch(SCENARIOS["churn"], ServerWatch([node.url], locate([node.url])))
    with Stage(node.url, "churn", "websocket", 3) as stage:
        stage.wait(lambda: stage.scenario.lives >= 10, "ten lives")
        run.hold()
        stage.finish()
        found = found_in(stage, run, cool_down=60.0)

    leak = found["leak"]
    assert leak["verdict"] == "clean", leak
    for look in (leak["before"], leak["after"]):
        assert look["sessions"] is None
        assert min(look["rss_bytes"], look["threads"], look["fds"]) > 0
    assert "; its sessions are not known; too few lives to tell whether memory grows" in found["words"][-1]


def test_what_an_idle_connection_takes_is_seen_of_a_server_that_tells_nothing(node: Server) -> None:
    run = RunWatch(SCENARIOS["idle"], ServerWatch([node.url], locate([node.url])))
    with Stage(node.url, "idle", "websocket", 40) as stage:
        stage.wait(lambda: len(stage.scenario.players) == 40, "everybody")
        run.hold()
        stage.scenario.settle()
        found = found_in(stage, run)

    assert found["server_threads_per_connection"] is not None
    assert found["words"][0].startswith("memory of each of 40 connections: server ")
    assert "not known" not in found["words"][0]


def test_memory_beside_slow_readers_is_seen_of_a_server_that_tells_nothing(
    node: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SCENARIOS["slow"], "look_seconds", 0.05)
    run = RunWatch(SCENARIOS["slow"], ServerWatch([node.url], locate([node.url])))
    # Long enough for a look in each, however long the machine keeps this process waiting.
    options = {"room_size": 4, "phase_seconds": 2.0, "calm": 0.1, "payload_bytes": 1000}
    with Stage(node.url, "slow", "websocket", 4, **options) as stage:
        stage.wait(lambda: stage.scenario.run.latencies["after"].count >= 20, "a second of the last phase")
        run.hold()
        stage.finish()
        found = found_in(stage, run)

    assert list(found["server_rss_bytes"]) == ["before", "slow", "after"]
    assert min(found["server_rss_bytes"].values()) > 1_000_000
    assert "server memory, at most: before " in found["words"][-1]


def test_a_server_that_tells_is_asked_where_its_processes_are_not_seen() -> None:
    with start_server("gevent") as server:
        told = ServerWatch([server.url], locate([server.url], NONE))
        seen = ServerWatch([server.url], locate([server.url]))

        by_word, by_sight = told.look(), seen.look()
        under_load = seen.look(under_load=True)

    assert (told.unseen, seen.unseen) == ("--server-pid none", "")
    assert by_word.sessions == by_sight.sessions == 0
    assert by_word.rss_bytes is not None
    assert by_sight.rss_bytes == pytest.approx(by_word.rss_bytes, rel=0.2)
    assert (under_load.sessions, under_load.threads) == (None, by_sight.threads)


def test_a_page_that_is_not_there_is_asked_for_once() -> None:
    with counting_server() as (url, paths):
        watch = ServerWatch([url], locate([url], NONE))
        looks = [watch.look(), watch.look(under_load=True), watch.look()]

    assert paths == ["/metrics"]
    assert all((look.sessions, look.rss_bytes, look.threads, look.fds) == (None,) * 4 for look in looks)


def test_a_server_that_ended_has_no_figures_and_no_verdict() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        watch = ServerWatch([server.url], locate([server.url]))
        before = watch.look()
        server.process.kill()
        server.process.wait()
        after = watch.look()

    assert before.threads == 1
    assert (after.rss_bytes, after.threads, after.fds) == (None, None, None)
    leak = leak_observed(Watched(before=before, cooled=Cooled(after, 1.0, True)), 10)
    assert leak.figures["verdict"] == "unknown"
    assert leak.words == [
        "it is not known whether the server kept anything: it has no /metrics,"
        " and its processes are not seen: they ended during the run"
    ]


def test_who_sees_nothing_says_why() -> None:
    unseen = Watched(before=Look(0.0), cooled=Cooled(Look(1.0), 1.0, True), unseen="the server is elsewhere")

    assert leak_observed(unseen, 10).words[0].endswith("its processes are not seen: the server is elsewhere")
