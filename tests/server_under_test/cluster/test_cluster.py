"""Two processes behind one Redis behave like one server, and end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from server_under_test.cluster.parts import STEADY_SECONDS, Worker
from server_under_test.queues import redis_server
from server_under_test.queues.redis_server import find_redis
from server_under_test.starting.options import Options, without_password
from tests.server_under_test.cluster.clusters import (
    DEADLINE,
    assert_gone,
    is_there,
    listeners,
    members,
    pids_of,
    play,
    start_cluster,
    tell,
    until,
)
from tests.server_under_test.conftest import require_redis
from tests.server_under_test.peers import Peer, get_json, post
from tests.servers import ROOT, Server, ServerFailed, hide, start_server


@pytest.fixture(scope="module", params=["threading", "eventlet", "gevent"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start_cluster(request.param) as running:
        yield running


@pytest.fixture
def anna(cluster: Server) -> Iterator[Peer]:
    with Peer(cluster.urls[0], "/", "/chat", "/guide") as peer:
        yield peer


@pytest.fixture
def ben(cluster: Server) -> Iterator[Peer]:
    with Peer(cluster.urls[1], "/", "/chat", "/guide") as peer:
        yield peer


def test_the_readiness_line_lists_every_process(cluster: Server) -> None:
    about = cluster.about
    assert (about["workers"], about["queue"]) == (2, "redis")
    assert about["queue_url"].startswith("redis://")
    assert [get_json(url + "/metrics")["pid"] for url in about["urls"]] == about["pids"]
    assert len(set(about["pids"])) == 2
    for url in about["urls"]:
        assert get_json(url + "/about")["urls"] == [url]


def test_a_broadcast_reaches_the_other_process(anna: Peer, ben: Peer) -> None:
    anna.emit("broadcast", "news", 1, b"\x00\x01", namespace="/")
    assert ben.expect("news", namespace="/") == [1, b"\x00\x01"]
    anna.call("message-with-ack", namespace="/")
    assert anna.unread("/") == [["auth", {}]]


def test_a_room_spans_the_processes(anna: Peer, ben: Peer) -> None:
    for peer in (anna, ben):
        assert peer.call("join", "room", namespace="/") == [["room"]]
    ben.emit("in", "room", "news", 2, namespace="/")
    assert anna.expect("news", namespace="/") == [2]
    assert ben.expect("news", namespace="/") == [2]


def test_a_client_of_the_other_process_is_addressed_by_its_id(anna: Peer, ben: Peer) -> None:
    anna.emit("whisper", {"sid": ben.socket_ids["/chat"], "text": "psst"}, namespace="/chat")
    assert ben.expect("whispered", namespace="/chat")[0]["text"] == "psst"


def test_a_callback_comes_back_from_the_other_process(anna: Peer, ben: Peer) -> None:
    anna.emit("ask somebody", {"sid": ben.socket_ids["/chat"], "text": "ready?"}, namespace="/chat")
    question = ben.expect_packet("asked", namespace="/chat")
    ben.answer(question, "yes", 5)
    assert anna.expect("answered", namespace="/chat") == ["yes", 5]


def test_acknowledgements_stay_in_their_process(anna: Peer, ben: Peer) -> None:
    assert anna.call("message-with-ack", "a", namespace="/") == ["a"]
    assert ben.call("message-with-ack", "b", namespace="/") == ["b"]


def test_an_http_route_of_one_process_reaches_the_clients_of_the_other(cluster: Server, ben: Peer) -> None:
    post(cluster.urls[0] + "/emit", {"event": "news", "data": 1, "namespace": "/guide"})
    assert ben.expect("news", namespace="/guide") == [1]


# How a cluster ends: these have one of their own.


@pytest.mark.parametrize("mode", ["gunicorn-gevent", "gevent_uwsgi"])
def test_a_cluster_that_is_told_to_stop_tells_its_clients_and_leaves_nothing(mode: str) -> None:
    with start_cluster(mode, play=True) as cluster:
        family = members(cluster)
        peers = [Peer(url, "/") for url in cluster.urls]
        # SIGTERM alone would wait until somebody resumes it.
        play(cluster, "pause worker 2")
        cluster.signal(signal.SIGTERM)
        for peer in peers:
            peer.expect_disconnect("/")
            peer.drop()
        assert cluster.wait(DEADLINE) == 0
        assert_gone(family)


def test_a_cluster_that_is_told_to_stop_before_it_is_ready_leaves_nothing(tmp_path: Path) -> None:
    """A program that only waits stands for a Redis that does not answer."""
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    words = [
        sys.executable,
        "-m",
        "server_under_test",
        "--mode",
        "threading",
        "--port",
        "0",
        "--queue",
        "redis",
    ]
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("REDIS_URL", None)
    with subprocess.Popen(words, cwd=ROOT, env=environment) as starting:
        supervisor = psutil.Process(starting.pid)
        until(supervisor.children)
        family = [supervisor, *supervisor.children()]
        starting.terminate()
        assert starting.wait(DEADLINE) == 0
        assert_gone(family)


def test_ctrl_c_reaches_no_server_that_still_imports() -> None:
    """A terminal sends SIGINT to the whole group of processes. The supervisor acts on it, without a word."""
    require_redis()
    with subprocess.Popen(
        [sys.executable, "-m", "server_under_test", "--mode", "gevent", "--port", "0", "--queue", "redis"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as starting:
        supervisor = psutil.Process(starting.pid)
        until(lambda: [each for each in supervisor.children() if imports_gevent(each)])
        family = [supervisor, *supervisor.children(recursive=True)]
        os.killpg(starting.pid, signal.SIGINT)
        assert starting.communicate(timeout=DEADLINE) == (b"", b"")
        assert_gone(family)


def imports_gevent(process: psutil.Process) -> bool:
    """Whether Python has started in it, and is at its imports: by the libraries that it has loaded."""
    return "greenlet" in Path(f"/proc/{process.pid}/maps").read_text("utf-8")


def test_a_cluster_ends_when_one_of_its_servers_dies() -> None:
    with start_cluster("threading") as cluster:
        family = members(cluster)
        os.kill(cluster.about["pids"][1], signal.SIGKILL)
        assert cluster.wait(DEADLINE) == 1
        assert "server 2 of 2 ended with code -9; stopping the others" in cluster.stderr
        assert_gone(family)


def test_nothing_is_left_when_the_supervisor_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM would not end the ones that SIGSTOP holds."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    with start_cluster("gunicorn-gthread", play=True) as cluster:
        family = members(cluster)
        held = pids_of(cluster, 1)
        play(cluster, "pause worker 1")
        assert len(held) == 2
        os.kill(held[0], signal.SIGKILL)
        assert_gone([process for process in family if process.pid in held])

        play(cluster, "start worker 1", "pause worker 2", "pause queue", "freeze link")
        family = members(cluster)
        cluster.signal(signal.SIGKILL)
        cluster.wait(DEADLINE)
        assert_gone(family)


def test_nothing_is_left_of_uwsgi_when_the_supervisor_is_killed() -> None:
    with start_cluster("gevent_uwsgi", play=True) as cluster:
        play(cluster, "pause worker 1")
        family = members(cluster)
        assert [process.status() for process in family].count(psutil.STATUS_STOPPED) == 2
        cluster.signal(signal.SIGKILL)
        cluster.wait(DEADLINE)
        assert_gone(family)


def test_a_cluster_keeps_the_others_when_one_ends() -> None:
    with start_cluster("threading", when_one_ends="keep") as cluster:
        family = members(cluster)
        first, second = cluster.about["pids"]
        os.kill(first, signal.SIGKILL)
        until(lambda: "server 1 of 2 ended with code -9; the others go on" in cluster.stderr)
        with Peer(cluster.urls[1], "/") as peer:
            assert peer.call("message-with-ack", "here", namespace="/") == ["here"]
        os.kill(second, signal.SIGKILL)
        assert cluster.wait(DEADLINE) == 1
        assert "no server is left" in cluster.stderr
        assert_gone(family)


def test_a_cluster_restarts_a_server_that_ends_but_no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    with start_cluster("threading", when_one_ends="restart") as cluster:
        os.kill(cluster.about["pids"][0], signal.SIGKILL)
        until(lambda: "server 1 of 2 ended with code -9; starting it again" in cluster.stderr)
        until(lambda: is_there(cluster.urls[0]))
        with Peer(cluster.urls[0], "/") as anna, Peer(cluster.urls[1], "/") as ben:
            anna.emit("broadcast", "news", namespace="/")
            ben.expect("news", namespace="/")
        family = members(cluster)
        os.kill(cluster.about["queue_pids"][0], signal.SIGKILL)
        assert cluster.wait(DEADLINE) == 1
        assert "the queue (Redis) ended with code -9; stopping the others" in cluster.stderr
        assert_gone(family)


def test_a_server_that_ends_early_again_and_again_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, now = Worker(1, Options(port=0)), 100.0
    monkeypatch.setattr("server_under_test.cluster.parts.time.monotonic", lambda: now)
    monkeypatch.setattr(worker, "_began", now)

    assert [worker.put_off() for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    assert worker.due == now + 30
    now += STEADY_SECONDS + 1
    assert [worker.put_off(), worker.due] == [0, now]


def test_a_server_that_does_not_start_is_named(tmp_path: Path) -> None:
    require_redis()
    with pytest.raises(ServerFailed, match=r"server [12] of 2 ended with code 1"):
        start_server("threading", workers=2, queue="redis", environment=hide(tmp_path, "flask_socketio"))


# Where the Redis comes from.


def test_a_redis_from_path_comes_before_the_one_from_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("valkey-server", "redis-server"):
        program = tmp_path / name
        program.touch(mode=0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_redis() == str(program)


def test_a_redis_of_the_user_is_used_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    require_redis()
    monkeypatch.delenv("REDIS_URL", raising=False)
    queue = redis_server.start()
    [broker] = queue.processes
    try:
        environment = {"REDIS_URL": queue.url}
        with start_cluster("threading", workers=1, play=True, environment=environment) as server:
            assert server.about["queue_url"] == queue.url
            assert listeners(queue.url) == [1, 1, 1, 1]
            error = "the queue (Redis) has no process that was started here"
            assert tell(server, "kill queue") == {"error": error}
            assert not [process for process in members(server) if "redis" in process.name()]
        assert listeners(queue.url) == [0, 0, 0, 0]
    finally:
        broker.kill()
        broker.wait()


def test_a_password_is_not_shown() -> None:
    assert without_password("redis://user:secret@host:6379/1") == "redis://host:6379/1"
    assert without_password("redis://host:6379/1") == "redis://host:6379/1"
