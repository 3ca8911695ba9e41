"""What a running server says about itself, in every mode."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
from contextlib import ExitStack
from typing import Any

import pytest

from server_under_test.starting.modes import MODES
from tests.server_under_test.conftest import require_mode
from tests.server_under_test.peers import Peer, PollingPeer, get_json, post
from tests.servers import Server, start_server


def test_the_readiness_line_describes_the_server(server: Server) -> None:
    about = server.about
    mode = MODES[about["mode"]]
    assert about["server"] == "flask-socketio"
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


@pytest.mark.parametrize("mode", list(MODES))
def test_metrics_count_sessions_sockets_and_rooms(mode: str) -> None:
    require_mode(mode)
    # A server of its own: those that tests share still count sessions that earlier tests left.
    with start_server(mode) as server:
        before = get_json(server.url + "/metrics")
        with Peer(server.url, "/", "/chat") as peer:
            peer.call("join", "room", namespace="/")
            during = get_json(server.url + "/metrics")

    assert (before["sessions"], before["sockets"], before["rooms"]) == (0, {}, {})
    assert during["sessions"] == 1
    assert during["sockets"] == {"/": 1, "/chat": 1}
    # The room that was joined; the one that each socket has to itself is not counted.
    assert during["rooms"] == {"/": 1, "/chat": 0}
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
                stack.enter_context(socket.create_connection(address, timeout=30))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert get_json(server.url + "/metrics")["pid"] == pid
