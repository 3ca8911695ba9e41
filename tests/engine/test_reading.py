"""A connection that stops reading, what it knows meanwhile, and what comes when it reads again."""

from __future__ import annotations

import threading

import pytest

from tests.engine.clients import OPEN, Client, Peer, ScriptedServer

CONNECTED = '40{"sid":"x"}'


def test_a_websocket_that_does_not_read_gets_what_waited_in_order_when_it_reads_again() -> None:
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.connect_main()
        assert peer.read_text() == '42["stopped"]'
        for number in range(100):
            peer.send_text(f'42["n",{number}]')
        sent.set()
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client, Client(server.url) as other:
        client.connect()
        client.connection.session.stop_reading()
        assert not client.connection.session.reading
        client.connection.emit("stopped")
        client.wait(sent.is_set, "the server to send")
        # The same hub takes as much on another connection meanwhile.
        other.connect()
        other.connection.emit("stopped")
        other.wait(lambda: len(other.events) == 100, "the events of the one that reads")
        assert client.events == []

        client.connection.session.start_reading()
        client.wait(lambda: len(client.events) == 100, "what waited")
        assert [args for _, _, args in client.events] == [[number] for number in range(100)]


def test_a_polling_session_that_does_not_read_does_not_ask_again() -> None:
    go_on = threading.Event()
    polls: list[int] = []

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.answer("ok")
                if b"stopped" in request:
                    go_on.set()
            elif b"sid=" not in request:
                peer.answer(OPEN)
            else:
                polls.append(len(polls))
                if len(polls) == 1:
                    peer.answer(CONNECTED)
                elif len(polls) == 2:
                    assert go_on.wait(30)
                    peer.answer('42["a"]')
                elif len(polls) == 3:
                    peer.answer('42["b"]')
                else:
                    peer.wait_for_end()
                    return

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()
        client.wait(lambda: len(polls) == 2, "the second poll")
        client.connection.session.stop_reading()
        client.connection.emit("stopped")
        client.wait(go_on.is_set, "the push")
        # The hub takes the answers to two pushes meanwhile.
        push = client.connection.session._polling._push
        client.wait(lambda: not push.busy, "the end of the push")
        client.connection.emit("another")
        client.wait(lambda: not push.busy, "the end of another push")
        assert (client.events, len(polls)) == ([], 2)

        client.connection.session.start_reading()
        client.wait(lambda: client.names() == ["a", "b"], "both events")
        assert len(polls) >= 3


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_missing_ping_is_no_matter_while_nothing_is_read_and_one_afterwards(transport: str) -> None:
    opening = OPEN.replace("25000", "1000").replace("20000", "1000")

    def script(peer: Peer) -> None:
        if transport == "websocket":
            peer.accept_websocket()
            peer.send_text(opening)
            peer.send_text(CONNECTED)
            peer.wait_for_end()
            return
        answers = [opening, CONNECTED]
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.answer("ok")
            elif answers:
                peer.answer(answers.pop(0) if b"sid=" not in request else answers.pop())
            else:
                peer.wait_for_end()
                return

    with ScriptedServer(script) as server, Client(server.url, transport) as client:
        client.connect()
        session = client.connection.session
        client.connection.session.stop_reading()
        session._last_ping -= 10 * session._heartbeat
        session.check(session._last_ping + 11 * session._heartbeat)
        assert not client.connection.closed

        client.connection.session.start_reading()
        client.wait(lambda: client.connection.closed, "the end of a session without pings")
        assert client.failure is not None
        assert client.failure.kind == "ping timeout"


def test_the_end_by_the_server_is_known_to_one_that_does_not_read() -> None:
    stopped = threading.Event()

    def script(peer: Peer) -> None:
        peer.connect_main()
        assert stopped.wait(30)

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.connection.session.stop_reading()
        assert client.connection.session.ended_by_server is False
        stopped.set()
        client.wait(lambda: client.connection.session.ended_by_server, "the end, as the kernel knows it")
        assert not client.connection.closed

        client.connection.session.start_reading()
        client.wait(lambda: client.connection.closed, "the end, read")


def test_a_server_is_held_up_only_while_nothing_is_read() -> None:
    sent: list[int] = []

    def script(peer: Peer) -> None:
        peer.connect_main()
        assert peer.read_text() == '42["stopped"]'
        # More than the kernel keeps for a connection on both sides: the last is sent when it is read again.
        for number in range(400):
            peer.send_text(f'42["n",{number},"{"x" * 30_000}"]')
            sent.append(number)
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.connection.session.stop_reading()
        client.connection.emit("stopped")
        client.wait(lambda: len(sent) > 5, "what the kernel keeps")
        client.connection.session.start_reading()
        client.wait(lambda: len(client.events) == 400, "all that waited, before a server would lose patience")

        assert [args[0] for _, _, args in client.events] == list(range(400))


def test_a_listener_is_told_of_each_ping() -> None:
    pings: list[int] = []

    def script(peer: Peer) -> None:
        peer.connect_main()
        for _ in range(3):
            peer.send_text("2")
            assert peer.read_text() == "3"
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.pinged = lambda connection: pings.append(1)  # type: ignore[method-assign]
        client.connect()
        client.wait(lambda: len(pings) == 3, "three pings")


def test_closing_while_nothing_is_read_is_confirmed() -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        while peer.read_frame()[0] != 8:
            pass

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.connection.session.stop_reading()
        client.close()

        assert client.connection.session.close_confirmed
