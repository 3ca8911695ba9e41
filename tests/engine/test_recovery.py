"""Connection state recovery: what a client shows after a loss, and what it makes of the replay."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from load.playing.players import Player
from sioprobe.engine import Backoff, Listener
from sioprobe.engine.recovery import Recovery
from sioprobe.users.client import UserClient
from tests.engine.clients import OPEN, Client, Peer, ScriptedServer
from tests.engine.test_reconnect import SOON, Sessions
from tests.servers import Server, start_command

CONNECTED = '40{"sid":"x","pid":"p"}'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1", "--recovery"]
    with start_command(command) as started:
        yield started


@pytest.mark.parametrize("transport", ["websocket", "upgrade"])
def test_what_was_missed_is_told_once_and_in_order(server: Server, transport: str) -> None:
    """This server notices the loss of a WebSocket at once, and replays after its answer to CONNECT."""
    with Client(server.url, transport, backoff=SOON) as client, Client(server.url) as sender:
        client.connect().connect("/auth", {"token": "good"})
        sender.connect()
        assert client.call("join", f"room-{transport}") == [[f"room-{transport}"]]
        before = dict(client.connection.namespaces)
        client.wait(lambda: len(client.events) == 2, "two greetings")
        client.wait(lambda: not client.connection.session.upgrading, "upgraded")
        client.connection.drop()
        for number in range(3):
            sender.connection.emit("to", f"room-{transport}", "missed", number, b"\x01")
        sender.call("message-with-ack")
        client.wait(lambda: client.reconnects == 1, "reconnected")

        assert client.connection.namespaces == before
        sender.connection.emit("to", f"room-{transport}", "later", "text")
        client.wait(lambda: "later" in client.names(), "the event after it")
        missed = [args[:-1] for _, name, args in client.events if name == "missed"]
        assert missed == [[number, b"\x01"] for number in range(3)]
        assert client.events[-1][2][:-1] == ["text"]
        assert counts(client) == {"recovered": 2}


def session(peer: Peer, asked: str, *texts: str) -> None:
    """Open a session, read its CONNECT, and send these texts."""
    peer.accept_websocket()
    peer.send_text(OPEN)
    assert peer.read_text() == asked
    for text in texts:
        peer.send_text(text)


def counts(client: Client) -> dict[str, int]:
    return {
        series.name: sample.untimed
        for series, sample in client.engine.recorder.totals()
        if series.type == "SIO recovery"
    }


def test_the_last_offset_is_shown_and_the_replay_waits_for_the_answer() -> None:
    def first(peer: Peer) -> None:
        session(peer, "40", CONNECTED, '42["one",1,"o1"]', '42["two","o2"]', '427["question","text"]')
        assert peer.read_text() == "437[]"

    def second(peer: Peer) -> None:
        session(peer, '40{"pid":"p","offset":"o2"}', '42["three",3,"o3"]', '42["four","o4"]', CONNECTED)
        peer.wait_for_end()

    def third(peer: Peer) -> None:
        session(peer, '40{"pid":"p","offset":"o4"}', CONNECTED, '42["five","o5"]')
        peer.wait_for_end()

    with ScriptedServer(Sessions(first, second, third)) as server, Client(server.url, backoff=SOON) as client:
        client.connect()
        client.wait(lambda: client.reconnects == 1, "reconnected")
        assert client.connection.recovery is not None
        assert client.connection.recovery.recovered == {"/"}
        client.connection.drop()
        client.wait(lambda: "five" in client.names(), "the last event")

        assert [(name, args) for _, name, args in client.events] == [
            ("one", [1, "o1"]), ("two", ["o2"]), ("question", ["text"]), ("three", [3, "o3"]),
            ("four", ["o4"]), ("five", ["o5"]),
        ]  # fmt: skip
        assert counts(client) == {"recovered": 2, "replayed": 2}
        assert client.counted("SIO recovery")[2] == {}


@pytest.mark.parametrize("listener", [UserClient, Player])
def test_tasks_and_scenarios_see_no_offsets(listener: type[Listener]) -> None:
    class Application(Client):
        keeps_offsets = listener.keeps_offsets

    def first(peer: Peer) -> None:
        session(peer, "40", CONNECTED, '42["one",1,"o1"]')

    def second(peer: Peer) -> None:
        session(peer, '40{"pid":"p","offset":"o1"}', '42["two","o2"]', CONNECTED)
        peer.wait_for_end()

    with ScriptedServer(Sessions(first, second)) as server, Application(server.url, backoff=SOON) as client:
        client.connect()
        client.wait(lambda: client.reconnects == 1, "reconnected")

        assert client.events == [("/", "one", [1]), ("/", "two", [])]


def test_what_a_server_replays_twice_is_named() -> None:
    def first(peer: Peer) -> None:
        session(peer, "40", CONNECTED, '42["one","o1"]')

    def second(peer: Peer) -> None:
        replay = ('42["one","o1"]', '42["two","o2"]', '42["two","o2"]')
        session(peer, '40{"pid":"p","offset":"o1"}', *replay, CONNECTED)
        peer.wait_for_end()

    with ScriptedServer(Sessions(first, second)) as server, Client(server.url, backoff=SOON) as client:
        client.connect()
        client.wait(lambda: client.reconnects == 1, "reconnected")

        assert client.names() == ["one", "one", "two", "two"]
        assert client.counted("SIO recovery")[2] == {"replayed twice": 2}


def test_a_server_that_has_forgotten_gives_a_new_private_id() -> None:
    def first(peer: Peer) -> None:
        session(peer, "40", CONNECTED, '42["one","o1"]')

    def second(peer: Peer) -> None:
        session(peer, '40{"pid":"p","offset":"o1"}', '40{"sid":"y","pid":"q"}')

    def third(peer: Peer) -> None:
        session(peer, '40{"pid":"q"}', '40{"sid":"z"}', '42["text","no offset"]')
        peer.wait_for_end()

    with ScriptedServer(Sessions(first, second, third)) as server, Client(server.url, backoff=SOON) as client:
        client.connect()
        client.wait(lambda: "text" in client.names(), "the event of the third session")

        assert client.events[-1] == ("/", "text", ["no offset"])
        assert counts(client) == {"not recovered": 1}


def test_the_offset_moves_on_only_with_what_was_told() -> None:
    """A replay that the loss of its session cuts short is asked for again."""

    def first(peer: Peer) -> None:
        session(peer, "40", CONNECTED, '42["one","o1"]')

    def cut(peer: Peer) -> None:
        session(peer, '40{"pid":"p","offset":"o1"}', '42["two","o2"]')

    def whole(peer: Peer) -> None:
        session(peer, '40{"pid":"p","offset":"o1"}', '42["two","o2"]', CONNECTED)
        peer.wait_for_end()

    with ScriptedServer(Sessions(first, cut, whole)) as server, Client(server.url, backoff=SOON) as client:
        client.connect()
        client.wait(lambda: client.reconnects == 1, "reconnected")

        assert client.names() == ["one", "two"]
        assert counts(client) == {"recovered": 1, "replayed": 1}


@pytest.mark.parametrize("end", ["by the client", "by the server"])
def test_who_left_on_purpose_asks_for_nothing(end: str) -> None:
    def both(peer: Peer) -> None:
        session(peer, "40", CONNECTED, '42["one","o1"]')
        assert peer.read_text() == "40/b,"
        peer.send_text('40/b,{"sid":"y","pid":"q"}')
        peer.send_text('42/b,["one","o2"]')
        if end == "by the server":
            assert peer.read_text() == '42["kick"]'
            peer.send_text("41/b,")
        else:
            assert peer.read_text() == "41/b,"
        assert peer.read_text() == "40/b,"

    with ScriptedServer(both) as server, Client(server.url, backoff=Backoff(30, 30)) as client:
        client.connect().connect("/b")
        client.wait(lambda: len(client.events) == 2, "two events")
        if end == "by the client":
            client.connection.disconnect("/b")
        else:
            client.connection.emit("kick")
        client.wait(lambda: "/b" not in client.connection.namespaces, "left")
        client.connection.connect("/b")
        client.wait(lambda: client.losses, "the end of the script")


@pytest.mark.parametrize(
    ("namespace", "packet", "asked"),
    [
        ("/", "40", '40{"pid":"p","offset":"o"}'),
        ("/", "40{}", '40{"pid":"p","offset":"o"}'),
        ("/", '40{"token":"a"}', '40{"pid":"p","offset":"o","token":"a"}'),
        ("/a{b", "40/a{b,", '40/a{b,{"pid":"p","offset":"o"}'),
        ("/a{b", '40/a{b,{"token":"a"}', '40/a{b,{"pid":"p","offset":"o","token":"a"}'),
    ],
)
def test_the_auth_payload_goes_with_it(namespace: str, packet: str, asked: str) -> None:
    recovery = Recovery()
    assert recovery.ask(namespace, packet) == packet
    recovery.answered(namespace, "p")
    assert '"pid":"p"' in recovery.ask(namespace, packet), "no event has shown an offset yet"
    assert "offset" not in recovery.ask(namespace, packet)
    recovery.answered(namespace, "p")
    shown = f'2{"" if namespace == "/" else namespace + ","}["event","o"]'
    assert recovery.tap(lambda text: True, shown)

    assert recovery.ask(namespace, packet) == asked


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('2["a",1,"o"]', '2["a",1]'),
        ('2["a","o"]', '2["a"]'),
        ('2/b,["a","o"]', '2/b,["a"]'),
        ('2/other,["a","o"]', '2/other,["a","o"]'),
        ('27["a","o"]', '27["a","o"]'),
        ('3["a","o"]', '3["a","o"]'),
        ('2["a",["o"]]', '2["a",["o"]]'),
        ('2["a",{"b":"o"}]', '2["a",{"b":"o"}]'),
        (r'2["a","o\""]', r'2["a","o\""]'),
        ('2["a", "o"]', '2["a", "o"]'),
        ('2["a"]', '2["a"]'),
    ],
)
def test_a_tap_sees_texts_without_offsets(text: str, seen: str) -> None:
    recovery = Recovery()
    for namespace in ("/", "/b"):
        recovery.answered(namespace, "p")
    shown: list[str] = []

    assert not recovery.tap(lambda text: bool(shown.append(text)), text)
    assert shown == [seen]
