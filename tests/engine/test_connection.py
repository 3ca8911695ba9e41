"""The engine against whole servers: the strict one, Flask-SocketIO's modes and socket.io on Node."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from sioprobe.engine import TRANSPORTS, SwarmError, Target
from tests.engine.clients import Client
from tests.servers import Server, start_command, start_foreign, start_server

SERVERS = ("strict", "threading", "eventlet", "gevent", "node")
BINARY = {"list": [b"\x00\x01", b"", {"deep": b"\xff" * 70000}], "text": "é" * 40000}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "strict":
        started = start_command([sys.executable, "-m", "tests.strict_server", "--ping-interval", "1"])
    elif request.param == "node":
        started = start_foreign("node", ping_interval=1)
    else:
        started = start_server(request.param, ping_interval=1)
    with started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_speaks_the_whole_contract(server: Server, transport: str) -> None:
    with Client(server.url, transport) as client:
        client.connect()
        if transport == "upgrade":
            client.wait(lambda: client.upgrades, "upgraded")
        assert client.call("message-with-ack", 1, BINARY, [None, True, 1.5]) == [1, BINARY, [None, True, 1.5]]

        client.connection.emit("message", "a", b"b", {"c": b""})
        client.wait(lambda: ("/", "message-back", ["a", b"b", {"c": b""}]) in client.events, "message-back")

        client.answer_with = ("yes", b"\x00")
        client.connection.emit("ask", "question", 7)
        client.wait(lambda: ("/", "asked", ["yes", b"\x00"]) in client.events, "asked")
        assert ("/", "question", [7]) in client.events

        client.connect("/auth", {"token": "good"})
        assert set(client.connection.namespaces) == {"/", "/auth"}
        assert client.call("message-with-ack", "x", "y", "z", namespace="/auth") == ["x", "y", "z"]

        client.connection.emit("burst", 300, 200)
        client.wait(lambda: client.names().count("b") == 300, "burst")
        assert [args[0] for _, name, args in client.events if name == "b"] == list(range(300))
        client.close()

        assert client.failure is None
        assert client.connection.session.close_confirmed
        assert client.engine.recorder.errors() == {}
        assert client.counted("SIO connect")[0] == 2
        assert client.counted("SIO upgrade")[0] == (transport == "upgrade")
        assert (client.counted("SIO poll")[1] > 0) == (transport != "websocket")


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_refused_namespace_is_told_and_counted(server: Server, transport: str) -> None:
    with Client(server.url, transport) as client:
        client.connect("/reject")

        assert [namespace for namespace, _ in client.refusals] == ["/reject"]
        assert client.counted("SIO connect")[2] == {"connect refused": 1}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_disconnect_by_the_server_is_noticed(server: Server, transport: str) -> None:
    with Client(server.url, transport) as client:
        client.connect()
        client.connection.emit("kick")
        client.wait(lambda: client.disconnects == ["/"], "disconnected")

        assert client.counted("SIO session")[2] == {"disconnected by the server": 1}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_session_closed_by_the_server_is_noticed_and_its_ack_ends(server: Server, transport: str) -> None:
    with Client(server.url, transport) as client:
        client.connect()
        if transport == "upgrade":
            client.wait(lambda: client.upgrades, "upgraded")
        client.connection.emit("kick-all")
        client.wait(lambda: client.connection.closed, "closed")

        with pytest.raises(SwarmError):
            client.call("message-with-ack", 1)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pings_are_answered_beyond_the_servers_patience(server: Server, transport: str) -> None:
    with Client(server.url, transport) as client:
        client.connect()
        session = client.connection.session
        first = session._last_ping
        client.wait(lambda: session._last_ping > first, "a ping")
        second = session._last_ping
        client.wait(lambda: session._last_ping > second, "another ping")

        assert client.call("message-with-ack", 1, 2, 3) == [1, 2, 3]


def test_an_ack_that_never_comes_times_out() -> None:
    command = [sys.executable, "-m", "tests.strict_server", "--fault", "acks-nothing"]
    with start_command(command) as server, Client(server.url) as client:
        client.connect()
        with pytest.raises(SwarmError, match="timeout"):
            client.call("message-with-ack", 1, 2, 3, timeout=0.3)


def test_packets_sent_while_upgrading_arrive_once_and_in_order(server: Server) -> None:
    # python-engineio drops the packets of a POST with more.
    with Client(Target.from_url(server.url, max_packets_per_post=16), "upgrade") as client:
        client.connection.connect()
        for number in range(200):
            if number == 20:
                client.wait(lambda: client.connection.namespaces, "connected")
            if client.connection.namespaces:
                client.connection.emit("message", number, 0, 0)
        client.wait(lambda: client.upgrades, "upgraded")
        for number in range(200, 220):
            client.connection.emit("message", number, 0, 0)
        client.wait(lambda: client.names().count("message-back") == 200, "every answer")

        numbers = [args[0] for _, name, args in client.events if name == "message-back"]
        # In this mode each event has a thread of its own, and a busy machine lets one overtake another.
        in_order = sorted(numbers) if server.about.get("async_mode") == "threading" else numbers
        assert in_order == list(range(20, 220))
