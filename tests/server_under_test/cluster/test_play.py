"""`serve --play`: faults of one cluster, played by commands, and what clients see of them."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from server_under_test.cluster.linking import _addresses, _through
from server_under_test.starting.problems import Problem
from tests.server_under_test.cluster.clusters import (
    DEADLINE,
    is_there,
    listeners,
    pids_of,
    play,
    start_cluster,
    tell,
    until,
)
from tests.server_under_test.peers import NothingCame, Peer, deadline, get_json
from tests.servers import Server

PING, PONG = b"PING\r\n", b"+PONG\r\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REDIS_URL", raising=False)
        with start_cluster("threading", play=True) as running:
            yield running


@pytest.fixture
def anna(cluster: Server) -> Iterator[Peer]:
    with Peer(cluster.urls[0], "/") as peer:
        yield peer


@pytest.fixture
def ben(cluster: Server) -> Iterator[Peer]:
    with Peer(cluster.urls[1], "/") as peer:
        yield peer


def crosses(cluster: Server, sender: Peer, receiver: Peer) -> None:
    """Wait until both workers hear the queue, and an event gets across.

    The first emit after a fault may find a dead connection. Then python-socketio replaces that of its
    listener too, and loses what comes meanwhile. More of them at that moment could make it deaf for ever.
    """

    def came() -> bool:
        until(lambda: listeners(cluster.about["queue_url"]) == [2, 2, 2, 2])
        sender.emit("broadcast", "across", namespace="/")
        before = deadline.set(3.0)
        try:
            return receiver.expect("across", namespace="/") == []
        except NothingCame:
            return False
        finally:
            deadline.reset(before)

    until(came)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("pase queue", "unknown command 'pase queue', did you mean 'pause queue'?"),
        ("kill", "unknown command 'kill', did you mean 'kill "),
        ("kill worker", "'kill worker' needs the number of a worker (one of: 1, 2)"),
        ("kill worker 9", "unknown worker '9' (one of: 1, 2)"),
        ("cut link 0", "unknown worker '0' (one of: 1, 2)"),
        ("kill queue 1", "'kill queue' takes no number"),
        ("start worker 1", "worker 1 runs already; it is running"),
        ("resume queue", "queue is not paused"),
        ("thaw link", "all links are not frozen"),
        ("kill proxy", "there is no proxy"),
    ],
)
def test_a_command_that_makes_no_sense_changes_nothing(cluster: Server, command: str, error: str) -> None:
    before = tell(cluster, "state")
    assert tell(cluster, command)["error"].startswith(error)
    assert tell(cluster, "state") == before


def test_a_queue_is_killed_and_started_at_the_same_address(cluster: Server, anna: Peer, ben: Peer) -> None:
    addresses = [cluster.about["queue_url"], link_of(cluster, 1), link_of(cluster, 2)]
    assert len(set(addresses)) == 3
    [before] = tell(cluster, "state")["queue"]["pids"]
    play(cluster, "kill queue")
    assert tell(cluster, "state")["queue"] == {"state": "ended", "pids": []}
    assert [is_there(address) for address in addresses] == [False] * 3
    assert tell(cluster, "kill queue") == {"error": "queue does not run"}
    play(cluster, "start queue")
    [after] = tell(cluster, "state")["queue"]["pids"]
    assert before != after
    assert [is_there(address) for address in addresses] == [True] * 3
    crosses(cluster, anna, ben)
    crosses(cluster, ben, anna)


def test_a_worker_is_killed_and_started_on_its_port(cluster: Server, anna: Peer) -> None:
    before = pids_of(cluster, 2)
    play(cluster, "kill worker 2")
    assert not is_there(cluster.urls[1])
    assert cluster.stderr.count("ended with code") == 0
    play(cluster, "start worker 2")
    assert set(before).isdisjoint(pids_of(cluster, 2))
    with Peer(cluster.urls[1], "/") as ben:
        crosses(cluster, anna, ben)


def test_a_worker_is_paused_and_goes_on(cluster: Server, anna: Peer, ben: Peer) -> None:
    state = tell(cluster, "state")
    [pid] = pids_of(cluster, 2)
    play(cluster, "pause worker 2")
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert tell(cluster, "pause worker 2") == {"error": "worker 2 is paused already"}
    anna.emit("broadcast", "late", namespace="/")
    play(cluster, "resume worker 2")
    ben.expect("late", namespace="/")
    assert tell(cluster, "state") == state


def test_a_queue_is_paused_and_goes_on(cluster: Server, anna: Peer, ben: Peer) -> None:
    play(cluster, "pause queue")
    assert psutil.Process(tell(cluster, "state")["queue"]["pids"][0]).status() == psutil.STATUS_STOPPED
    # It opens, and nobody answers.
    with ask(cluster.about["queue_url"]) as connection:
        assert tell(cluster, "pause queue") == {"error": "queue is paused already"}
        assert select.select([connection], [], [], 0)[0] == []
        play(cluster, "resume queue")
        assert connection.recv(7) == PONG
    crosses(cluster, anna, ben)


def test_connections_to_the_queue_are_cut(cluster: Server, anna: Peer, ben: Peer) -> None:
    with redis.Redis.from_url(cluster.about["queue_url"]) as queue:

        def connections() -> set[str]:
            return {each["id"] for each in queue.client_list() if each["id"] != str(queue.client_id())}

        before = connections()
        play(cluster, "cut link 1")
        until(lambda: before - connections())
        kept = before & connections()
        assert kept
        play(cluster, "cut link")
        until(lambda: not kept & connections())
    crosses(cluster, anna, ben)
    crosses(cluster, ben, anna)


def test_a_frozen_link_holds_what_comes(cluster: Server, anna: Peer, ben: Peer) -> None:
    """Clients of Redis would give up after some seconds. These wait."""
    free, frozen = (link_of(cluster, number) for number in (1, 2))
    with ask(free) as other, ask(frozen) as open_before:
        assert (other.recv(7), open_before.recv(7)) == (PONG, PONG)
        play(cluster, "freeze link 2")
        open_before.sendall(PING)
        with ask(frozen) as opened_then:
            # What follows takes the same way, and comes back.
            for _ in range(50):
                other.sendall(PING)
                assert other.recv(7) == PONG
            assert select.select([open_before, opened_then], [], [], 0)[0] == []
            play(cluster, "thaw link 2")
            assert (open_before.recv(7), opened_then.recv(7)) == (PONG, PONG)
    crosses(cluster, anna, ben)
    crosses(cluster, ben, anna)


def link_of(cluster: Server, number: int) -> str:
    """The URL of this worker's way to the queue."""
    return str(get_json(cluster.urls[number - 1] + "/about")["queue_url"])


def ask(url: str) -> socket.socket:
    """A connection on which Redis is asked for an answer."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), DEADLINE)
    connection.sendall(PING)
    return connection


def test_the_end_of_standard_input_ends_nothing(cluster: Server, anna: Peer, ben: Peer) -> None:
    """The last test with this cluster: nobody can play with it any more."""
    assert cluster.process.stdin is not None
    cluster.process.stdin.close()
    crosses(cluster, anna, ben)
    assert cluster.process.poll() is None


@pytest.mark.parametrize(
    ("url", "addresses", "through"),
    [
        ("redis://user:secret@host:1/0", ["host:1"], "redis://user:secret@127.0.0.1:7/0"),
        ("redis://host", ["host:6379"], "redis://127.0.0.1:7"),
        ("amqp://guest:guest@[::1]:2//", ["::1:2"], "amqp://guest:guest@127.0.0.1:7//"),
        ("zmq+tcp://host:1+2", ["host:1", "host:2"], "zmq+tcp://127.0.0.1:7+8"),
    ],
)
def test_a_link_stands_in_the_url_of_the_queue(url: str, addresses: list[str], through: str) -> None:
    assert _addresses(url) == addresses
    assert _through(url, [7, 8][: len(addresses)]) == through


@pytest.mark.parametrize(
    "url", ["kafka://host:1", "rediss://host:1", "amqp://a:1//;amqp://b:1//", "memory://"]
)
def test_a_queue_of_several_addresses_has_no_links(url: str) -> None:
    with pytest.raises(Problem, match="has no links"):
        _addresses(url)
