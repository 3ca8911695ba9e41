"""Starting, describing and stopping a server, in every mode."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import websocket

from server_under_test.launch import command, environment
from server_under_test.listener import bind
from server_under_test.modes import MODES
from server_under_test.options import Options
from tests.server_under_test.conftest import NODE, require_mode, start_any
from tests.server_under_test.peers import Peer, PollingPeer, get_json, post
from tests.servers import Server, start_command, start_server

# A server answers SIGTERM within 5 s; twice that on a machine that does other things too.
STOP_DEADLINE = 10.0


def test_the_readiness_line_describes_the_server(server: Server) -> None:
    about = server.about
    mode = MODES[about["mode"]]
    assert about["async_mode"] == mode.async_mode
    assert about["detected"] is False
    assert about["transports"] == ["polling", "websocket"]
    assert (about["workers"], about["queue"], about["nagle"]) == (1, None, False)
    for name in ("flask-socketio", "python-socketio", "python-engineio", "flask", "werkzeug", "python"):
        assert about["versions"][name][0].isdigit()
    for name in mode.packages:
        assert about["versions"][name][0].isdigit()


def test_there_is_one_readiness_line_and_nothing_else_on_standard_output(server: Server) -> None:
    # The server has answered requests by now; what it had to say before that has arrived.
    get_json(server.url + "/about")
    assert [line.split()[0] for line in server.stdout_lines] == ["READY"]


def test_about_is_what_stands_behind_ready(server: Server) -> None:
    assert get_json(server.url + "/about") == server.about


def test_the_process_id_is_that_of_the_process_that_serves(server: Server) -> None:
    assert server.about["pids"] == [get_json(server.url + "/metrics")["pid"]]


def test_metrics_count_sessions_sockets_and_rooms(server: Server) -> None:
    before = get_json(server.url + "/metrics")
    with Peer(server.url, "/", "/chat") as peer:
        peer.call("join", "room", namespace="/")
        during = get_json(server.url + "/metrics")

    assert during["sessions"] == before["sessions"] + 1
    assert during["sockets"]["/chat"] == before["sockets"].get("/chat", 0) + 1
    assert during["rooms"]["/"] == before["rooms"].get("/", 0) + 1
    assert during["mode"] == server.about["mode"]
    assert during["async_mode"] == server.about["async_mode"]
    assert during["rss_bytes"] > 10_000_000
    assert during["cpu_seconds"] >= before["cpu_seconds"] > 0
    assert during["uptime_seconds"] > before["uptime_seconds"]
    assert during["threads"] >= 1
    assert during["fds"] > 3
    if server.about["async_mode"] == "threading":
        assert during["threads"] > 1
        assert during["greenlets"] == 0
    else:
        assert during["greenlets"] > 1


def test_an_event_from_outside_needs_a_name_and_data(threading_server: Server) -> None:
    for path, body in (("/emit", {}), ("/emit", []), ("/emit", {"event": 1}), ("/send", {})):
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(threading_server.url + path, body)
        assert refused.value.code == 400
        assert "missing" in json.load(refused.value)["error"]


# What follows needs servers of its own; they run side by side.


@dataclass(frozen=True, slots=True)
class Ending:
    """How a server ended, and what its clients heard."""

    exit_code: int
    seconds: float
    polled: list[str]
    nodelay: bool
    group_is_gone: bool
    stderr: str


@contextmanager
def server_on(mode: str, listener: socket.socket, **options: Any) -> Iterator[Server]:
    """A server on a socket that the test keeps a hand on: options of a socket are seen through either."""
    chosen = Options(mode=mode, port=listener.getsockname()[1], listen_fd=listener.fileno(), **options)
    with start_command(
        command(chosen), environment=environment(chosen), pass_fds=[listener.fileno()]
    ) as server:
        yield server


def has_nodelay(listener: socket.socket) -> bool:
    return bool(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def end(mode: str, number: int) -> Ending:
    """Start a server, connect a client on each transport, neither of which leaves, and send a signal."""
    with ExitStack() as stack:
        if mode == NODE:
            nodelay = True
            server = stack.enter_context(start_any(mode))
        else:
            listener = stack.enter_context(bind("127.0.0.1", 0, nagle=False))
            server = stack.enter_context(server_on(mode, listener))
            nodelay = has_nodelay(listener)
        websocket_peer = Peer(server.url, "/")
        polling_peer = PollingPeer(server.url)
        finish_poll = polling_peer.begin_poll()
        started = time.monotonic()
        server.signal(number)
        websocket_peer.expect_disconnect("/")
        websocket_peer.expect_close()
        polled = finish_poll()
        exit_code = server.wait(STOP_DEADLINE)
        seconds = time.monotonic() - started
        return Ending(exit_code, seconds, polled, nodelay, group_ends(server.process.pid), server.stderr)


def group_ends(group: int) -> bool:
    """Whether the last process of a group goes by itself."""
    limit = time.monotonic() + STOP_DEADLINE
    while time.monotonic() < limit:
        if subprocess.run(["pgrep", "-g", str(group)], capture_output=True).returncode != 0:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def endings() -> Iterator[Callable[[str, int], Ending]]:
    """Answers how a server ends on a signal; the servers are started two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures: dict[tuple[str, int], Future[Ending]] = {}

        def get(mode: str, number: int) -> Ending:
            require_mode(mode)
            if not futures:
                for name in (*MODES, NODE):
                    for signal_number in (signal.SIGTERM, signal.SIGINT):
                        futures[name, signal_number] = pool.submit(end, name, signal_number)
            return futures[mode, number].result()

        yield get


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("mode", [*MODES, NODE])
def test_a_server_that_is_told_to_stop_tells_its_clients(
    mode: str, number: int, endings: Callable[[str, int], Ending]
) -> None:
    ending = endings(mode, number)
    assert ending.exit_code == 0, ending.stderr
    assert "41" in ending.polled
    assert ending.nodelay
    assert ending.group_is_gone
    assert "Traceback" not in ending.stderr


@pytest.mark.parametrize("mode", list(MODES))
def test_polling_only_offers_no_upgrade_and_nagle_is_left_alone(mode: str) -> None:
    require_mode(mode)
    options: dict[str, Any] = {"transports": ("polling",), "nagle": True}
    with bind("127.0.0.1", 0, nagle=True) as listener, server_on(mode, listener, **options) as server:
        assert server.about["transports"] == ["polling"]
        peer = PollingPeer(server.url)
        assert peer.opened["upgrades"] == []
        peer.push('421["message-with-ack","hello"]')
        assert peer.poll_until(lambda packet: packet.startswith("43")) == '431["hello"]'
        assert refuses_websocket(server.url)
        assert server.about["nagle"] is True
        assert not has_nodelay(listener)


def refuses_websocket(url: str) -> bool:
    """Whether a WebSocket is refused: with status 400, or, by gevent-websocket, closed at once."""
    try:
        connection = websocket.create_connection(
            url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket", timeout=15
        )
    except websocket.WebSocketBadStatusException as refused:
        return refused.status_code == 400
    try:
        return connection.recv() == ""
    except websocket.WebSocketConnectionClosedException:
        return True


def test_options_reach_the_server() -> None:
    options: dict[str, Any] = {"ping_interval": 3, "ping_timeout": 2, "max_payload": 5000, "nagle": True}
    with start_server("threading", **options) as server:
        assert server.about["nagle"] is True
        opened = PollingPeer(server.url).opened
        assert (opened["pingInterval"], opened["pingTimeout"], opened["maxPayload"]) == (3000, 2000, 5000)


def test_a_thousand_clients_can_connect_while_the_server_is_busy(server: Server) -> None:
    address = ("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    [pid] = server.about["pids"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(1000):
                stack.enter_context(socket.create_connection(address, timeout=5))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert get_json(server.url + "/metrics")["pid"] == pid
