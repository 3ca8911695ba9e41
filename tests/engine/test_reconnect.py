"""What follows a loss: the back-off of the official client, and the namespaces again with their auth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from sioprobe.engine import TRANSPORTS, Backoff, SwarmError
from tests.engine.clients import OPEN, Client, Peer, ScriptedServer
from tests.servers import Server, start_command

SOON = Backoff(delay=0.02, delay_max=0.1)


def test_the_defaults_are_the_official_clients() -> None:
    backoff = Backoff()
    middle = [backoff.seconds(attempt, lambda: 0.5) for attempt in range(5)]

    assert middle == [1, 2, 4, 5, 5]
    assert [backoff.seconds(attempt, lambda: 0.0) for attempt in range(4)] == [0.5, 1, 2, 4]
    assert [backoff.seconds(attempt, lambda: 1.0) for attempt in range(4)] == [1.5, 3, 5, 5]
    assert backoff.seconds(10_000) == 5
    assert backoff.attempts is None


def test_without_jitter_all_wait_alike() -> None:
    backoff = Backoff(randomization_factor=0)

    assert {backoff.seconds(1) for _ in range(50)} == {2}
    assert len({Backoff().seconds(1) for _ in range(50)}) > 1


@pytest.mark.parametrize(
    "wrong", [{"randomization_factor": 2}, {"delay": -1}, {"factor": 0.5}, {"delay_max": float("inf")}]
)
def test_what_is_no_backoff_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Backoff(**wrong)  # type: ignore[arg-type]


class Sessions:
    """A script that gives each connection its own: the first item of `scripts`, then the next."""

    def __init__(self, *scripts: Callable[[Peer], None]) -> None:
        self._scripts = list(scripts)
        self.begun = 0

    def __call__(self, peer: Peer) -> None:
        self.begun += 1
        script = self._scripts[min(self.begun, len(self._scripts)) - 1]
        script(peer)


def vanish(peer: Peer) -> None:
    peer.read_request()


def connect_and_vanish(peer: Peer) -> None:
    peer.connect_main()
    peer.read_text()


def stay(peer: Peer) -> None:
    peer.connect_main()
    peer.wait_for_end()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "tests.strict_server", "--ping-interval", "1"]) as started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_namespaces_are_connected_again_with_their_auth(server: Server, transport: str) -> None:
    with Client(server.url, transport, backoff=SOON) as client:
        client.connect().connect("/auth", {"token": "good"})
        first = dict(client.connection.namespaces)
        for turn in (1, 2):
            client.connection.drop()

            assert client.connection.reconnecting
            assert client.connection.namespaces == {}
            with pytest.raises(SwarmError, match="not connected"):
                client.connection.emit("message")
            client.wait(lambda turn=turn: client.reconnects == turn, "reconnected")
            assert set(client.connection.namespaces) == set(first)
            assert client.connection.namespaces != first
            assert client.call("message-with-ack", 1, b"2", 3, namespace="/auth") == [1, b"2", 3]
        client.close()

        assert [failure.kind for failure in client.losses] == ["dropped"] * 2
        assert client.counted("SIO reconnect") == (2, 0, {})
        assert client.counted("SIO connect")[0] == 6
        assert client.engine.recorder.errors() == {}
        assert client.engine.connections == set()


def test_a_loss_is_counted_once_and_ends_the_acks() -> None:
    with (
        ScriptedServer(Sessions(connect_and_vanish, stay)) as server,
        Client(server.url, backoff=SOON) as client,
    ):
        client.connect()
        with pytest.raises(SwarmError, match="connection closed"):
            client.call("anything")
        client.wait(lambda: client.reconnects, "reconnected")

        assert client.counted("SIO session") == (0, 0, {"connection closed": 1})
        assert client.counted("SIO reconnect") == (1, 0, {})
        assert client.counted("SIO connect") == (2, 0, {})
        assert not client.connection.reconnecting


def test_attempts_that_fail_are_counted_and_followed_by_others() -> None:
    with (
        ScriptedServer(Sessions(connect_and_vanish, vanish, vanish, vanish, stay)) as server,
        Client(server.url, backoff=SOON) as client,
    ):
        client.connect()
        client.connection.emit("anything")
        client.wait(lambda: client.reconnects, "reconnected")

        assert client.counted("SIO connect") == (2, 0, {"connection closed": 3})
        assert client.counted("SIO reconnect") == (1, 0, {})
        assert len(client.losses) == 4


def test_it_gives_up_after_the_last_attempt() -> None:
    script = Sessions(connect_and_vanish, vanish)
    with (
        ScriptedServer(script) as server,
        Client(server.url, backoff=Backoff(0.01, 0.01, attempts=3)) as client,
    ):
        client.connect()
        client.connection.emit("anything")
        client.wait(lambda: client.connection.closed, "closed")

        assert script.begun == 4
        assert client.counted("SIO reconnect") == (0, 0, {"gave up": 1})
        assert client.failure is not None
        with pytest.raises(SwarmError, match="connection closed"):
            client.connection.emit("message")


def test_a_session_that_opens_begins_the_delays_anew() -> None:
    def open_and_vanish(peer: Peer) -> None:
        peer.accept_websocket()
        peer.send_text(OPEN)
        peer.read_text()

    with (
        ScriptedServer(Sessions(connect_and_vanish, *[open_and_vanish] * 4, stay)) as server,
        Client(server.url, backoff=Backoff(0.01, 0.01, attempts=2)) as client,
    ):
        client.connect()
        client.connection.emit("anything")
        client.wait(lambda: client.reconnects or client.connection.closed, "reconnected")

        assert client.reconnects == 1
        assert client.counted("SIO connect") == (2, 0, {"connection closed": 4})


def test_a_namespace_refused_in_an_outage_is_not_asked_for_again() -> None:
    def both(peer: Peer) -> None:
        peer.connect_main()
        assert peer.read_text() == "40/b,"
        peer.send_text('40/b,{"sid":"y"}')
        peer.read_text()

    def refuse_one_and_vanish(peer: Peer) -> None:
        peer.accept_websocket()
        peer.send_text(OPEN)
        assert {peer.read_text(), peer.read_text()} == {"40", "40/b,"}
        peer.send_text('44/b,{"message":"full"}')

    with (
        ScriptedServer(Sessions(both, refuse_one_and_vanish, stay)) as server,
        Client(server.url, backoff=SOON) as client,
    ):
        client.connect().connect("/b")
        client.connection.emit("anything")
        client.wait(lambda: client.reconnects, "reconnected")

        assert client.refusals == [("/b", {"message": "full"})]
        assert set(client.connection.namespaces) == {"/"}
        assert client.counted("SIO reconnect") == (1, 0, {})


def test_a_first_session_that_fails_is_no_loss() -> None:
    script = Sessions(vanish)
    with ScriptedServer(script) as server, Client(server.url, backoff=SOON) as client:
        client.connect()

        assert client.connection.closed
        assert script.begun == 1
        assert client.losses == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_disconnect_by_the_server_is_no_loss(server: Server, transport: str) -> None:
    with Client(server.url, transport, backoff=SOON) as client:
        client.connect().connect("/custom")
        client.connection.emit("kick", namespace="/custom")
        client.wait(lambda: client.disconnects == ["/custom"], "disconnected")
        client.connection.drop()
        client.wait(lambda: client.reconnects, "reconnected")
        assert set(client.connection.namespaces) == {"/"}

        # Every namespace is told before the session is closed, and so none is left to be connected.
        client.connection.emit("kick-all")
        client.wait(lambda: client.connection.closed, "closed")
        assert client.reconnects == 1


def test_a_namespace_refused_at_an_attempt_is_given_up() -> None:
    def refuse(peer: Peer) -> None:
        peer.accept_websocket()
        peer.send_text(OPEN)
        peer.read_text()
        peer.send_text('44{"message":"full"}')
        peer.wait_for_end()

    with (
        ScriptedServer(Sessions(connect_and_vanish, refuse)) as server,
        Client(server.url, backoff=SOON) as client,
    ):
        client.connect()
        client.connection.emit("anything")
        client.wait(lambda: client.refusals, "refused")

        assert client.counted("SIO reconnect") == (0, 0, {"connect refused": 1})
        assert client.counted("SIO connect") == (1, 0, {"connect refused": 1})
        assert not client.connection.reconnecting
        assert client.connection.is_open


def test_an_attempt_whose_connect_is_not_answered_is_followed_by_another() -> None:
    def ignore(peer: Peer) -> None:
        peer.accept_websocket()
        peer.send_text(OPEN)
        peer.wait_for_end()

    with (
        ScriptedServer(Sessions(connect_and_vanish, ignore, stay)) as server,
        Client(server.url, backoff=SOON, timeout=2) as client,
    ):
        client.connect()
        client.connection.emit("anything")
        client.wait(lambda: client.reconnects, "reconnected")

        assert client.counted("SIO connect") == (2, 0, {"connect timeout": 1})


@pytest.mark.parametrize("end", ["close", "abort"])
def test_closing_a_lost_connection_ends_its_attempts(end: str) -> None:
    script = Sessions(stay)
    with ScriptedServer(script) as server, Client(server.url, backoff=Backoff(30, 30)) as client:
        client.connect()
        client.connection.drop()
        assert client.connection.reconnecting

        getattr(client.connection, end)()
        assert client.connection.closed
        assert not client.connection.reconnecting
        assert client.failure is None
        assert client.counted("SIO reconnect") == (0, 0, {})
        assert script.begun == 1


def test_a_namespace_asked_for_during_an_outage_comes_with_the_others(server: Server) -> None:
    with Client(server.url, backoff=SOON) as client:
        client.connect()
        client.connection.drop()
        client.connection.connect("/custom")
        with pytest.raises(SwarmError, match="already connected"):
            client.connection.connect("/custom")
        client.wait(lambda: client.reconnects, "reconnected")

        assert set(client.connection.namespaces) == {"/", "/custom"}


def test_half_a_packet_of_the_lost_session_does_not_reach_the_next() -> None:
    def half(peer: Peer) -> None:
        peer.connect_main()
        peer.send_text('451-["half",{"_placeholder":true,"num":0}]')
        peer.read_text()

    def whole(peer: Peer) -> None:
        peer.connect_main()
        peer.send_text('42["whole"]')
        peer.wait_for_end()

    with ScriptedServer(Sessions(half, whole)) as server, Client(server.url, backoff=SOON) as client:
        client.connect()
        client.connection.emit("anything")
        client.wait(lambda: client.events, "the event of the second session")

        assert client.names() == ["whole"]
        assert client.counted("SIO connect") == (2, 0, {})
        assert client.counted("SIO session")[2] == {"connection closed": 1}
