"""Limits of connections, told apart by how a server fails beyond them; and what a connection costs."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from load.doctor.examinations import many_connections, polling_answers, sticky_sessions
from load.doctor.findings import Examined, NotExamined
from load.doctor.instruments.kernel import least_files_left, listen_backlog, open_files_limit
from load.watching.process_trees import TreeSample
from tests.load.doctor.patients import finding, ids, meet
from tests.servers import ROOT, Server, start_command, start_foreign, start_server

EVENTLET = [sys.executable, "-m", "tests.bare_servers.eventlet_server"]


def with_files(number: int, *command: str) -> list[str]:
    """The command, with so many files that its process may open."""
    script = (
        "import os, resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({number}, {number}))\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    return [sys.executable, "-c", script, *command]


def test_a_limit_of_places_is_found_by_who_moves_up() -> None:
    with start_command([*EVENTLET, "30"]) as server:
        found = many_connections.examine(meet(server.url, max_connections=100))

    limit = finding(found, "connection-limit")
    assert limit.figures["served"] == 30
    assert limit.figures["waiting"] == 20
    assert limit.figures["admitted_after_close"] == 10
    assert limit.certainty == "measured"
    assert "max_size" in str(limit.mend)
    # eventlet's own backlog is 50.
    assert finding(found, "small-backlog").figures == {"listen_backlog": 50}
    assert found.figures["recovered_ms"] is not None


def test_a_limit_of_files_is_told_from_it() -> None:
    command = with_files(64, "-m", "server_under_test", "--mode", "gevent", "--port", "0")
    with start_command(command) as server:
        found = many_connections.examine(meet(server.url, max_connections=100))

    assert "connection-limit" not in ids(found)
    files = finding(found, "out-of-files").figures
    assert files["open_files_limit"] == 64
    assert files["fds"] >= 48
    assert files["served"] < 64
    assert "few-open-files" not in ids(found)


def test_few_files_are_found_before_they_are_used_up() -> None:
    command = with_files(256, "-m", "load.blocks.null_server")
    with start_command(command) as server:
        found = many_connections.examine(meet(server.url, max_connections=10))

    assert finding(found, "few-open-files").figures["open_files_limit"] == 256


def test_what_a_connection_costs_is_told() -> None:
    with start_server("threading") as server:
        found = many_connections.examine(meet(server.url, max_connections=20))

    each = finding(found, "thread-per-connection").figures
    assert each["threads"] >= 1
    assert found.figures["fds_per_connection"] >= 1
    assert found.figures["served"] == 20
    assert "threads each" in found.saw


@pytest.fixture(scope="module")
def null() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        yield server


def test_a_server_that_takes_all_has_no_finding(null: Server) -> None:
    found = many_connections.examine(meet(null.url, max_connections=150))

    # The limit of files is the machine's.
    assert set(ids(found)) <= {"few-open-files"}
    assert found.figures["served"] == 150
    assert found.figures["threads_per_connection"] == 0


@contextmanager
def forwarding(
    *servers: Server, refuse_from: int | None = None, stop_at: int | None = None, drop_from: int | None = None
) -> Iterator[str]:
    """A balancer that gives each connection to the next server.

    Those beyond a number it closes at once, or it stops accepting for good and its backlog is small,
    or it drops all that it has.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=512 if stop_at is None else 2)
    closed: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        live.discard(source)

    live: set[socket.socket] = set()
    stopped: list[socket.socket] = []

    def accept() -> None:
        turn = 0
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if stop_at is not None and len(live) >= stop_at:
                stopped.append(client)
                return
            if refuse_from is not None and len(live) >= refuse_from:
                client.close()
                continue
            if drop_from is not None and len(live) >= drop_from:
                for each in live.copy():
                    each.shutdown(socket.SHUT_RDWR)
            host, port = servers[turn % len(servers)].url.removeprefix("http://").split(":")
            turn += 1
            upstream = socket.create_connection((host, int(port)))
            closed.extend((client, upstream))
            live.add(client)
            for pair in ((client, upstream), (upstream, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in (*closed, *stopped):
            each.close()
        thread.join(30)


def test_who_turns_clients_away_is_found(null: Server) -> None:
    with forwarding(null, refuse_from=25) as url:
        found = many_connections.examine(meet(url, pids=False, max_connections=60))

    limit = finding(found, "connection-limit")
    assert limit.figures["served"] == 25
    assert "others failed (" in limit.seen
    assert found.left_out[0].startswith("memory and threads per connection: ")
    assert limit.certainty == "measured"


def test_a_server_that_loses_served_clients_is_not_at_a_limit(null: Server) -> None:
    with forwarding(null, drop_from=60) as url:
        found = many_connections.examine(meet(url, pids=False, max_connections=100))

    assert all(finding.id != "connection-limit" for finding in found.findings)
    assert any("that were served failed later (" in each for each in found.left_out)


def test_ctrl_c_is_one_line(null: Server) -> None:
    with forwarding(null, stop_at=20) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "load.doctor", url, "--only", "connections", "--server-pid", "none"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # With so many connections it waits for an answer that never comes.
        doctor = psutil.Process(process.pid)
        while len(doctor.net_connections("inet")) < 20:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)

    assert (process.returncode, stdout) == (130, "")
    assert stderr.split("\n") == ["", "python -m load.doctor: stopped", ""]


def test_a_full_backlog_is_told_from_other_limits(null: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_connections, "RECOVERY", 1.0)
    with forwarding(null, stop_at=20) as url:
        found = many_connections.examine(meet(url, pids=False, max_connections=60))

    full = finding(found, "backlog-full").figures
    assert full["served"] == 20
    assert full["system_accepts"] is False
    assert full["admitted_after_close"] == 0
    # It accepts nobody afterwards either.
    assert "no-recovery" in ids(found)


def test_heavy_connections_are_found() -> None:
    examined = Examined()
    before = TreeSample(at=0.0, cpu_ns=0, rss_bytes=2**20, threads=1, fds=None, processes=1)
    during = TreeSample(at=1.0, cpu_ns=0, rss_bytes=11 * 2**20, threads=2, fds=None, processes=1)

    many_connections._weigh(examined, before, during, 10)

    assert finding(examined, "memory-per-connection").figures == {"rss_bytes": 2**20}
    assert examined.figures["fds_per_connection"] is None


def test_sessions_that_are_not_sticky_are_found(null: Server) -> None:
    with (
        start_command([sys.executable, "-m", "load.blocks.null_server"]) as other,
        forwarding(null, other) as url,
    ):
        lost = sticky_sessions.examine(meet(url, pids=False))
    with forwarding(null) as url:
        sticky = sticky_sessions.examine(meet(url, pids=False))

    assert finding(lost, "sessions-not-sticky").figures["statuses"] == {"200": 6, "400": 6}
    assert ids(sticky) == []


def test_a_line_of_log_for_each_request_is_seen() -> None:
    with start_command(EVENTLET) as server:
        found = polling_answers.examine_log(meet(server.url))
    with start_server("gevent") as server:
        silent = polling_answers.examine_log(meet(server.url))

    assert finding(found, "access-log").figures["bytes_per_request"] >= 50
    assert ids(silent) == []


def test_a_log_that_cannot_be_told_from_answers_is_not_examined() -> None:
    with start_foreign("node") as server, pytest.raises(NotExamined, match="to its sockets as to files"):
        polling_answers.examine_log(meet(server.url))


def test_what_the_kernel_tells_of_a_listener_and_a_process() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=17) as listener:
        assert listen_backlog(listener.getsockname()[1]) == 17
        port = listener.getsockname()[1]
    assert listen_backlog(port) is None
    assert open_files_limit([os.getpid()]) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    with start_command(with_files(64, "-m", "load.blocks.null_server")) as server:
        assert open_files_limit([os.getpid()]) == 64
        files = least_files_left([os.getpid()])
        assert files is not None
        assert files.limit == 64
        assert files.opened == len(os.listdir(f"/proc/{server.process.pid}/fd"))
    assert open_files_limit([]) is None


def test_a_server_with_a_thread_for_each_is_not_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("load.doctor.instruments.held_connections.MANY_THREADS", 60)
    with start_server("threading") as server:
        found = many_connections.examine(meet(server.url, max_connections=400))

    assert 50 <= found.figures["served"] < 400
    assert finding(found, "thread-per-connection").figures["threads"] >= 1
    assert found.left_out == [
        f"more than {found.figures['served']} connections: the server has a thread or more for each"
    ]
