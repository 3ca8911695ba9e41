"""Two processes of each green and threaded mode behind one RabbitMQ of our own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server_under_test.queues.registry import QUEUES
from server_under_test.starting.children import stop_children
from server_under_test.starting.problems import Problem
from tests.server_under_test.conftest import not_here, require_mode
from tests.server_under_test.peers import Peer
from tests.servers import start_server

DEADLINE = 30.0


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The URL of a RabbitMQ that all modes use: it takes seconds to start."""
    row = QUEUES["rabbitmq"].load()
    if lack := row.missing():
        not_here(lack)
    running = row.start()
    yield running.url
    stop_children(running.processes, DEADLINE)
    assert [process.returncode for process in running.processes] == [0, 0]


@pytest.mark.parametrize("mode", ["threading", "eventlet", "gevent"])
def test_two_processes_behind_rabbitmq_behave_like_one(mode: str, broker: str) -> None:
    require_mode(mode)
    with start_server(mode, workers=2, queue=broker) as cluster:
        assert (cluster.about["queue"], cluster.about["queue_pids"]) == ("rabbitmq", [])
        assert "guest" not in cluster.about["queue_url"]
        with Peer(cluster.urls[0], "/", "/chat") as anna, Peer(cluster.urls[1], "/", "/chat") as ben:
            anna.emit("broadcast", "news", 1, b"\x00\x01", namespace="/")
            assert ben.expect("news", namespace="/") == [1, b"\x00\x01"]
            ben.emit("broadcast", "back", 2, namespace="/")
            assert anna.expect("back", namespace="/") == [2]
            for peer in (anna, ben):
                assert peer.call("join", "room", namespace="/") == [["room"]]
            ben.emit("in", "room", "inside", 3, namespace="/")
            assert anna.expect("inside", namespace="/") == [3]
            anna.emit("ask somebody", {"sid": ben.socket_ids["/chat"], "text": "?"}, namespace="/chat")
            ben.answer(ben.expect_packet("asked", namespace="/chat"), "yes", 5)
            assert anna.expect("answered", namespace="/chat") == ["yes", 5]


def test_a_broker_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    row = QUEUES["rabbitmq"].load()
    if lack := row.missing():
        not_here(lack)
    monkeypatch.setattr("server_under_test.queues.amqp.RABBITMQ_CONFIGURATION", "nonsense = here\n")
    with pytest.raises(Problem, match=r"RabbitMQ does not start: .* ended with code 1: "):
        row.start()
