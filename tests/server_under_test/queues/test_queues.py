"""Each queue: where its URLs lead, what it is started with, and that two processes behind it are one.

tests/conformance/test_clusters.py judges clusters behind Redis and RabbitMQ; `make queues` judges all.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
import socketio

from server_under_test.queues.registry import ALL_SCHEMES, ASYNC_MODES, QUEUES, WITHOUT_FANOUT, find
from server_under_test.starting.children import stop_children
from server_under_test.starting.options import without_password
from server_under_test.starting.problems import Problem
from tests.server_under_test.conftest import not_here, require_mode
from tests.server_under_test.peers import Peer
from tests.servers import ROOT, start_server

DEADLINE = 30.0


@pytest.mark.parametrize("name", ["sentinel", "redis-kombu", "zeromq"])
def test_two_processes_behind_a_queue_are_one(name: str) -> None:
    require_mode("eventlet")
    if lack := QUEUES[name].load().missing():
        not_here(lack)
    with start_server("eventlet", workers=2, queue=name) as cluster:
        assert cluster.about["queue"] == name
        with Peer(cluster.urls[0], "/") as anna, Peer(cluster.urls[1], "/") as ben:
            anna.emit("broadcast", "news", 1, b"\x00\x01", namespace="/")
            assert ben.expect("news", namespace="/") == [1, b"\x00\x01"]
            ben.emit("broadcast", "back", 2, namespace="/")
            assert anna.expect("back", namespace="/") == [2]


def test_rabbitmq_is_private_and_ends_with_its_own_epmd() -> None:
    row = QUEUES["rabbitmq"].load()
    if lack := row.missing():
        not_here(lack)
    running = row.start()
    try:
        emit_from_threads(running.url)
        names = [psutil.Process(process.pid).name() for process in running.processes]
        assert names == ["beam.smp", "epmd"]
        addresses = {
            connection.laddr.ip
            for process in running.processes
            for connection in psutil.Process(process.pid).net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
        # epmd listens on both loopback addresses, whatever it is told.
        assert addresses <= {"127.0.0.1", "::1"}
        assert without_password(running.url) == running.url.replace("guest:guest@", "")
    finally:
        stop_children(running.processes, DEADLINE)
    assert [process.returncode for process in running.processes] == [0, 0]


def emit_from_threads(url: str) -> None:
    """With the lines of the page, no thread waits for ever. Without them, most of these do."""
    page = (ROOT / "docs/reference/queues.md").read_text("utf-8")
    [lines] = re.findall(r"```python\n(class OneAtATime.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"socketio": socketio, "threading": threading}
    exec(lines, names)
    manager = names["OneAtATime"](url, channel="threads", write_only=True)

    def emit() -> None:
        for number in range(100):
            manager.emit("event", number)

    threads = [threading.Thread(target=emit, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert not any(thread.is_alive() for thread in threads)


def test_the_folders_of_those_who_were_killed_go_and_no_others(tmp_path: Path) -> None:
    making = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from server_under_test.queues.brokers import folder_of_its_own\n"
        "print(folder_of_its_own(), flush=True); sys.stdin.read()"
    )
    made: list[tuple[subprocess.Popen[str], Path]] = []
    try:
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", making, str(tmp_path)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert process.stdout is not None
            made.append((process, Path(process.stdout.readline().strip())))
            if len(made) == 1:
                (tmp_path / "sioprobe-queue-of-an-earlier-release").mkdir()
                process.kill()
                process.wait()
                assert made[0][1].exists()
        # The second has removed that of the first, and the third has left that of the second.
        assert [folder.exists() for _, folder in made] == [False, True, True]
        assert (tmp_path / "sioprobe-queue-of-an-earlier-release").exists()
    finally:
        for process, _ in made:
            process.communicate()
    assert [folder.exists() for _, folder in made] == [False] * 3


def test_a_broker_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    row = QUEUES["rabbitmq"].load()
    if lack := row.missing():
        not_here(lack)
    monkeypatch.setattr("server_under_test.queues.amqp.RABBITMQ_CONFIGURATION", "nonsense = here\n")
    with pytest.raises(Problem, match=r"RabbitMQ does not start: .* ended with code 1: "):
        row.start()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://h", "redis"),
        ("unix:///socket", "redis"),
        ("valkeys://h", "valkey"),
        ("valkey+sentinel://h:1,i:2/0/service", "sentinel"),
        ("amqps://h", "rabbitmq"),
        ("zmq+tcp://h:1+2", "zeromq"),
        ("sqla+sqlite:///file", "sqlalchemy"),
        ("pgmq://h", "kombu"),
    ],
)
def test_a_url_leads_to_its_queue(url: str, name: str) -> None:
    assert find(url) == (QUEUES[name], url)


def test_valkey_is_used_with_the_client_of_redis() -> None:
    assert QUEUES["valkey"].load().arguments("valkeys://h:1/0", "c", False) == {
        "message_queue": "rediss://h:1/0",
        "channel": "c",
    }


@pytest.mark.parametrize("url", ["redis+sentinel://h:1/0/service", "unix:///socket"])
def test_what_flask_socketio_would_take_to_kombu_gets_its_manager(url: str) -> None:
    import socketio

    queue, _ = find(url)
    given: dict[str, Any] = queue.load().arguments(url, "channel", True)
    assert given["message_queue"] is None
    manager = given["client_manager"]
    assert (type(manager), manager.redis_url) == (socketio.RedisManager, url)
    assert (manager.channel, manager.write_only) == ("channel", True)


def test_every_transport_of_kombu_is_known() -> None:
    from kombu.transport import TRANSPORT_ALIASES

    # A URL cannot name Sentinel's service, and nobody has compiled the C library for years.
    apart = {"sentinel", "librabbitmq"}
    known = {*ALL_SCHEMES, *WITHOUT_FANOUT, *apart}
    assert {alias.lower() for alias in TRANSPORT_ALIASES} <= known


@pytest.mark.parametrize("name", QUEUES)
def test_a_row_says_where_it_works(name: str) -> None:
    queue = QUEUES[name]
    assert bool(queue.reason) == any(queue.works_in(mode) != "yes" for mode in ASYNC_MODES)
    assert queue.standing.startswith(
        ("works in every mode", "works with", "works partly", "does not", "was not")
    )
