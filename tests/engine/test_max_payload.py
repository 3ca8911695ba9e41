"""A message above the server's maxPayload: it is sent, and the failure that follows names the size."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sioprobe.engine import TRANSPORTS, SwarmError
from tests.engine.clients import OPEN, Client, Peer, ScriptedServer, frame
from tests.servers import Server, start_foreign, start_server

LIMIT = 20_000
KIND = "message above maxPayload (20,000 bytes)"


@pytest.fixture(scope="module", params=["threading", "gevent", "eventlet", "node"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    options = {"max_payload": LIMIT, "ping_interval": 1, "ping_timeout": 1}
    started = (
        start_foreign("node", **options)
        if request.param == "node"
        else start_server(request.param, **options)
    )
    with started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("binary", [False, True])
def test_the_failure_of_the_operation_names_both_sizes(server: Server, transport: str, binary: bool) -> None:
    with Client(server.url, transport) as client:
        client.connect()
        if transport == "upgrade":
            client.wait(lambda: client.upgrades, "upgraded")
        with pytest.raises(SwarmError) as caught:
            client.call("message-with-ack", bytes(30_000) if binary else "x" * 30_000)

    assert caught.value.kind == KIND
    size = 1 + 40_000 if binary and transport == "polling" else 30_000 if binary else 30_026
    assert f"the message has {size:,} bytes; the server takes 20,000 (maxPayload); then: " in str(
        caught.value
    )
    assert client.engine.recorder.errors() == {KIND: 1}


def refusing(peer: Peer, say: bytes) -> None:
    """Say this after the first long message."""
    peer.accept_websocket()
    peer.send_text(OPEN.replace("1000000", "200"))
    assert peer.read_text() == "40"
    peer.send_text('40{"sid":"x"}')
    while True:
        opcode, data = peer.read_frame()
        if opcode < 0:
            return
        if len(data) > 200:
            peer.send(say)


@pytest.mark.parametrize(
    ("say", "then"),
    [
        (frame(8, b"\x03\xf1too big"), "then: connection closed: close frame, code 1009 'too big'"),
        (frame(1, b"1"), "then: closed by the server"),
    ],
)
def test_it_says_how_the_session_ended(say: bytes, then: str) -> None:
    with ScriptedServer(lambda peer: refusing(peer, say)) as server, Client(server.url) as client:
        client.connect()
        client.connection.emit("é" * 100)
        client.wait(lambda: client.connection.closed, "closed")

    assert str(client.failure) == (
        "message above maxPayload (200 bytes): the message has 206 bytes; the server takes 200 (maxPayload); "
        + then
    )


def test_an_operation_that_is_not_answered_names_it_too() -> None:
    with ScriptedServer(lambda peer: refusing(peer, b"")) as server, Client(server.url) as client:
        client.connect()
        with pytest.raises(SwarmError) as caught:
            client.call("event", "x" * 300, timeout=0.2)

        assert caught.value.kind == "message above maxPayload (200 bytes)"
        assert str(caught.value).endswith("then: timeout: no ack")


def test_a_server_that_goes_on_pinging_has_taken_it() -> None:
    leave = threading.Event()

    def script(peer: Peer) -> None:
        peer.accept_websocket()
        peer.send_text(OPEN.replace("1000000", "200"))
        assert peer.read_text() == "40"
        peer.send_text('40{"sid":"x"}')
        assert len(peer.read_text()) > 200
        peer.send_text("2")
        assert peer.read_text() == "3"
        peer.send_text("2")
        assert peer.read_text() == "3"
        peer.send_text("1")
        leave.wait(20)

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.connection.emit("x" * 300)
        client.wait(lambda: client.connection.closed, "closed")
        leave.set()

    assert str(client.failure) == "closed by the server"


def test_a_message_as_large_as_the_limit_is_no_reason() -> None:
    with ScriptedServer(lambda peer: refusing(peer, b"")) as server, Client(server.url) as client:
        client.connect()
        with pytest.raises(SwarmError) as caught:
            client.call("e", "x" * (200 - len('421["e",""]')), timeout=0.2)

        assert str(caught.value) == "timeout: no ack"


def test_a_push_that_the_server_took_is_no_reason() -> None:
    def script(peer: Peer) -> None:
        pushes = 0
        while request := peer.read_request():
            if request.startswith(b"POST"):
                pushes += 1
                peer.answer("ok")
                if pushes == 2:
                    taken.set()
            elif b"sid=" not in request:
                peer.answer(OPEN.replace("1000000", "200"))
            elif not welcomed.is_set():
                welcomed.set()
                peer.answer('40{"sid":"x"}')
            else:
                taken.wait(20)
                go.wait(20)
                peer.answer("1")

    taken, welcomed, go = threading.Event(), threading.Event(), threading.Event()
    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()
        client.connection.emit("x" * 300)
        polling = client.connection.session._polling
        assert polling is not None
        assert polling.oversized or not taken.is_set()
        client.wait(lambda: taken.is_set() and not polling._push.busy, "the push taken")
        go.set()
        client.wait(lambda: client.connection.closed, "closed")

    assert str(client.failure) == "closed by the server"
