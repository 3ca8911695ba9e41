"""The engine against bytes that no good server sends, and good bytes that few servers send."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Callable

import pytest

from sioprobe.engine.transports.websocket import message_frame
from tests.engine.clients import OPEN, OPEN_UPGRADE, Client, Peer, ScriptedServer, frame

CONNECTED = '40{"sid":"x"}'


def test_short_and_long_and_fragmented_frames_arrive() -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        for length in (0, 1, 100, 113, 114, 125, 126, 65535, 65536, 200_000):
            peer.send_text(f'42["sized",{length},"{"x" * length}"]')
        peer.send(frame(1, b'42["cut', fin=False) + frame(9, b"hi") + frame(0, b'",1', fin=False))
        peer.send(frame(0, b"]"))
        assert peer.read_frame() == (10, b"hi")
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: "cut" in client.names(), "the fragmented event")

        sizes = [(args[0], len(args[1])) for _, name, args in client.events if name == "sized"]
        assert sizes == [(n, n) for n in (0, 1, 100, 113, 114, 125, 126, 65535, 65536, 200_000)]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_frames_may_be_cut_anywhere(size: int) -> None:
    stream = b"".join(
        (
            frame(1, b'42["a",1]'),
            frame(1, b'451-["b",{"_placeholder":true,"num":0}]'),
            frame(2, b"\x00\x01"),
            frame(1, b'42["' + b"c" * 200 + b'",1]'),
            frame(1, b'42["d"]'),
        )
    )

    def script(peer: Peer) -> None:
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.connect_main()
        for start in range(0, len(stream), size):
            peer.send(stream[start : start + size])
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: "d" in client.names(), "the last event")

        assert client.events == [
            ("/", "a", [1]),
            ("/", "b", [b"\x00\x01"]),
            ("/", "c" * 200, [1]),
            ("/", "d", []),
        ]


@pytest.mark.parametrize("length", [1, 100, 124, 125, 126, 65534, 65535, 65536])
def test_the_frame_of_a_message_is_that_of_a_server(length: int) -> None:
    text = "2" * length
    assert message_frame(text) == frame(1, b"4" + text.encode())


def test_a_frame_tap_sees_reads_that_begin_with_a_frame_and_nothing_while_attachments_are_due() -> None:
    """A text among attachments is an error, which the tap must not hide."""
    known = frame(1, b'42["known"]')
    pieces = [
        (known, "shown"),
        (frame(1, b'42["other"]'), "shown"),
        (frame(1, b'451-["binary",{"_placeholder":true,"num":0}]'), "shown"),
        (frame(2, b"x"), "hidden"),
        (known, "shown"),
        (frame(1, b'42["cut', fin=False), "shown"),
        (frame(0, b'"]'), "hidden"),
        (known, "shown"),
        (frame(1, b'451-["broken",{"_placeholder":true,"num":0}]'), "shown"),
    ]
    to_send: queue.Queue[bytes | None] = queue.Queue()
    seen: list[bytes] = []
    names: list[str] = []

    def tap(data: bytes) -> bool:
        seen.append(data)
        return data == known

    def script(peer: Peer) -> None:
        peer.connect_main()
        while (piece := to_send.get()) is not None:
            peer.send(piece)
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.connection.tap_frames(tap)
        for number, (piece, state) in enumerate(pieces):
            to_send.put(piece)
            if state == "shown":
                client.wait(lambda: seen[-1:] == [piece], f"piece {number}")  # noqa: B023
                seen.clear()
            else:
                names = [*client.names()]
                client.wait(lambda: client.names() != names, f"piece {number}")  # noqa: B023
                assert seen == []
        to_send.put(known)
        to_send.put(None)
        client.wait(lambda: client.connection.closed, "closed")

        assert seen == []
        assert client.names() == ["other", "binary", "cut"]
        assert client.counted("SIO session")[2] == {"malformed input": 1}


MALFORMED_FRAMES = {
    "reserved bit": b"\xc1\x00",
    "masked": b"\x81\x81\x00\x00\x00\x00a",
    "unknown opcode": b"\x83\x00",
    "length not shortest": b"\x81\x7e\x00\x01a",
    "not utf-8": frame(1, b"4\xff"),
    "long and not utf-8": frame(1, b"4" + b"\xff" * 200),
    "continuation of nothing": frame(0, b"x"),
    "empty packet": frame(1, b""),
    "unknown engine packet": frame(1, b"9"),
    "unicode digit": frame(1, "٤2".encode()),
    "second open": frame(1, OPEN.encode()),
    "pong": frame(1, b"3"),
    "noop with data": frame(1, b"6x"),
    "unknown socket packet": frame(1, b"49"),
    "event without data": frame(1, b"42"),
    "event that is no array": frame(1, b"42{}"),
    "json cut": frame(1, b'42["a"'),
    "nan": frame(1, b'42["a",NaN]'),
    "deep json": frame(1, b"42" + b"[" * 100_000),
    "ack without id": frame(1, b"43[]"),
    "binary nobody announced": frame(2, b"x"),
    "text instead of attachment": frame(1, b'451-["a",{"_placeholder":true,"num":0}]') + frame(1, b'42["b"]'),
    "placeholder out of range": frame(1, b'451-["a",{"_placeholder":true,"num":5}]') + frame(2, b"x"),
    "connect nobody asked for": frame(1, b'40/other,{"sid":"y"}'),
    "close frame of one byte": frame(8, b"x")[:3],
}


@pytest.mark.parametrize("data", MALFORMED_FRAMES.values(), ids=MALFORMED_FRAMES.keys())
def test_malformed_frames_end_the_connection_with_a_counted_error(data: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        peer.send(data)
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: client.connection.closed, "closed")

        assert client.counted("SIO session")[2] == {"malformed input": 1}
        assert client.engine.internal_errors == 0


def test_a_ping_with_data_is_answered_as_any_other() -> None:
    answers = []

    def script(peer: Peer) -> None:
        peer.connect_main()
        peer.send(frame(1, b"2x"))
        answers.append(peer.read_text())
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: answers, "an answer")

    assert answers == ["3"]


@pytest.mark.parametrize("bad", [b"\xc1\x00", frame(1, b"4\xff"), frame(0, b"x")])
def test_a_good_frame_that_shares_a_read_with_a_bad_one_arrives(bad: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        peer.send(frame(1, b'42["good","' + b"x" * 200 + b'"]') + bad)
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: client.connection.closed, "closed")

        assert client.names() == ["good"]
        assert client.counted("SIO session")[2] == {"malformed input": 1}


MALFORMED_HANDSHAKES = {
    "nothing": (b"", "connection closed"),
    "noise": (b"\x00\xffnoise\r\n\r\n", "malformed input"),
    "refusal": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "http 400"),
    "wrong accept": (
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "malformed input",
    ),
    "endless head": (b"HTTP/1.1 101 X\r\n" + b"a: b\r\n" * 20_000, "malformed input"),
}


@pytest.mark.parametrize(("data", "kind"), MALFORMED_HANDSHAKES.values(), ids=MALFORMED_HANDSHAKES.keys())
def test_a_failed_websocket_handshake_is_counted_by_kind(data: bytes, kind: str) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)
        if data:
            peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()

        assert client.connection.closed
        assert client.counted("SIO connect")[2] == {kind: 1}


MALFORMED_OPENS = {
    "message first": '42["a"]',
    "not json": "0{",
    "no object": "0[]",
    "no sid": '0{"upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1}',
    "text for a number": OPEN.replace("25000", '"25000"'),
    "connect without sid": OPEN + "\x1e40{}",
    "empty packet": OPEN + "\x1e",
    "bad base64": OPEN + "\x1eb***",
}


@pytest.mark.parametrize("body", MALFORMED_OPENS.values(), ids=MALFORMED_OPENS.keys())
def test_a_malformed_polling_answer_is_counted(body: str) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer(body)
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()

        assert client.counted("SIO connect")[2] == {"malformed input": 1}


MALFORMED_ANSWERS = {
    "noise": (b"\x00\xff\r\n\r\n", "malformed input"),
    "refusal": (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", "http 500"),
    "cut in the head": (b"HTTP/1.1 200 OK\r\nConte", "connection closed"),
    "cut in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n0{", "connection closed"),
    "cut in a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0{", "connection closed"),
    "bad chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed input"),
    "not utf-8": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n0\xff", "malformed input"),
}


@pytest.mark.parametrize(("data", "kind"), MALFORMED_ANSWERS.values(), ids=MALFORMED_ANSWERS.keys())
def test_a_broken_http_answer_is_counted_by_kind(data: bytes, kind: str) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()

        assert client.counted("SIO connect")[2] == {kind: 1}


def chunked(body: bytes) -> bytes:
    pieces = b"".join(
        b"%x\r\n%s\r\n" % (len(body[i : i + 7]), body[i : i + 7]) for i in range(0, len(body), 7)
    )
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"


def sized(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def sized_and_closed(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def until_close(body: bytes) -> bytes:
    return b"HTTP/1.0 200 OK\r\n\r\n" + body


@pytest.mark.parametrize("encode", [chunked, sized, sized_and_closed, until_close])
@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_polling_takes_every_form_of_answer_however_cut(encode: Callable[[bytes], bytes], size: int) -> None:
    polls = [CONNECTED.encode(), b'42["a","\xc3\xa9"]\x1e451-["b",{"_placeholder":true,"num":0}]\x1ebAAE=']
    closing = encode in (sized_and_closed, until_close)
    peers: list[Peer] = []

    def script(peer: Peer) -> None:
        peers.append(peer)
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := peer.read_request():
            if request.startswith(b"POST"):
                answer = encode(b"ok")
            elif b"sid=" not in request:
                answer = encode(OPEN.encode())
            elif polls:
                answer = encode(polls.pop(0))
            else:
                peer.wait_for_end()
                return
            for start in range(0, len(answer), size):
                peer.send(answer[start : start + size])
            if closing:
                return

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()
        client.wait(lambda: len(client.events) == 2, "both events")

        assert client.events == [("/", "a", ["é"]), ("/", "b", [b"\x00\x01"])]
        assert client.engine.recorder.errors() == {}
        # Kept alive: one connection polls and one pushes. Closed: one for each of the five requests.
        client.wait(lambda: len(peers) == (5 if closing else 2), "the connections")


@pytest.mark.parametrize("bad", [b"9", b"4\xff", b"b***"])
def test_a_good_packet_that_shares_a_poll_with_a_bad_one_arrives(bad: bytes) -> None:
    polls = [CONNECTED.encode(), b'42["good"]\x1e' + bad]

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.send(sized(b"ok"))
            elif b"sid=" not in request:
                peer.send(sized(OPEN.encode()))
            elif polls:
                peer.send(sized(polls.pop(0)))
            else:
                peer.wait_for_end()
                return

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()
        client.wait(lambda: client.connection.closed, "closed")

        assert client.names() == ["good"]
        assert client.counted("SIO session")[2] == {"malformed input": 1}


def test_a_kept_connection_that_the_server_closed_is_opened_again() -> None:
    """The poll whose connection the server closes before any answer is asked again."""
    polls = [CONNECTED, '42["a"]']

    def script(peer: Peer) -> None:
        served = 0
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.answer("ok")
            elif b"sid=" not in request:
                peer.answer(OPEN)
            elif served and polls:
                return
            elif polls:
                peer.answer(polls.pop(0))
            else:
                peer.wait_for_end()
                return
            served += 1

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()
        client.wait(lambda: client.names() == ["a"], "the event")

        assert client.engine.recorder.errors() == {}


class UpgradingServer:
    """A scripted server with one session, whose polls wait until `release`, and a WebSocket script."""

    def __init__(self, websocket: Callable[[Peer, UpgradingServer], None]) -> None:
        self.polls: queue.Queue[str] = queue.Queue()
        self.pushes: list[str] = []
        self.polled_again = threading.Event()
        self._answered = 0
        self._websocket = websocket

    def stop(self) -> None:
        """End the polls that wait."""
        for _ in range(3):
            self.polls.put("6")

    def __call__(self, peer: Peer) -> None:
        first = peer.sock.recv(65536, socket.MSG_PEEK)
        if b"transport=websocket" in first:
            peer.accept_websocket()
            self._websocket(peer, self)
            return
        while request := peer.read_request():
            if request.startswith(b"POST"):
                self.pushes.append(request.partition(b"\r\n\r\n")[2].decode())
                if "40" in self.pushes[-1]:
                    self.polls.put(CONNECTED)
                peer.answer("ok")
            elif b"sid=" not in request:
                peer.answer(OPEN_UPGRADE)
            else:
                if self._answered:
                    self.polled_again.set()
                peer.answer(self.polls.get(timeout=20))
                self._answered += 1


def test_a_ping_during_the_upgrade_is_answered_and_nothing_is_lost() -> None:
    seen: list[str] = []

    def websocket(peer: Peer, server: UpgradingServer) -> None:
        assert peer.read_text() == "2probe"
        assert server.polled_again.wait(15)
        peer.send_text("3probe")
        while (text := peer.read_text()) != "5":
            seen.append(text)
        peer.send_text('42["first over websocket"]')
        seen.append(peer.read_text())
        peer.wait_for_end()

    script = UpgradingServer(websocket)
    with ScriptedServer(script) as server, Client(server.url, "upgrade") as client:
        client.connect()
        polling = client.connection.session._polling
        client.wait(lambda: polling._paused is not None, "the pause before the switch")
        script.polls.put('2\x1e42["last over polling"]')
        client.wait(lambda: len(client.events) == 2, "both events")
        client.wait(lambda: seen, "the pong")

        assert client.names() == ["last over polling", "first over websocket"]
        assert seen == ["3"]
        assert client.counted("SIO upgrade") == (1, 0, {})


def answer_the_probe_wrongly(peer: Peer, server: UpgradingServer) -> None:
    peer.read_text()
    peer.send_text("3")
    peer.wait_for_end()


def answer_the_probe_in_binary(peer: Peer, server: UpgradingServer) -> None:
    peer.send(frame(2, b"x"))
    peer.wait_for_end()


FAILED_UPGRADES = {
    "closed": (lambda peer, server: peer.read_text(), "connection closed"),
    "wrong answer": (answer_the_probe_wrongly, "malformed input"),
    "binary": (answer_the_probe_in_binary, "malformed input"),
}


@pytest.mark.parametrize(("websocket", "kind"), FAILED_UPGRADES.values(), ids=FAILED_UPGRADES.keys())
def test_a_failed_upgrade_is_counted_and_polling_goes_on(
    websocket: Callable[[Peer, UpgradingServer], None], kind: str
) -> None:
    script = UpgradingServer(websocket)
    with ScriptedServer(script) as server, Client(server.url, "upgrade") as client:
        client.connect()
        client.wait(lambda: client.upgrades, "the end of the upgrade")
        script.polls.put('42["still here"]')
        client.wait(lambda: client.events, "an event over polling")

        assert client.counted("SIO upgrade") == (0, 0, {kind: 1})
        assert client.names() == ["still here"]


def test_an_upgrade_that_is_not_offered_is_counted() -> None:
    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.answer("ok")
            elif b"sid=" not in request:
                peer.answer(OPEN)
            else:
                peer.answer(CONNECTED)
                peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url, "upgrade") as client:
        client.connect()

        assert client.counted("SIO upgrade") == (0, 0, {"upgrade not offered": 1})


def test_a_silent_server_is_given_up_at_the_deadline() -> None:
    with ScriptedServer(Peer.wait_for_end) as server, Client(server.url, timeout=0.3) as client:
        client.connect()

        assert client.counted("SIO connect")[2] == {"connect timeout": 1}


def test_a_server_that_stops_pinging_is_given_up() -> None:
    def script(peer: Peer) -> None:
        peer.accept_websocket()
        # Time enough to be connected before it is over, on a busy machine too.
        peer.send_text(OPEN.replace("25000", "1000").replace("20000", "1000"))
        peer.read_text()
        peer.send_text(CONNECTED)
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: client.connection.closed, "given up")

        assert client.counted("SIO session")[2] == {"ping timeout": 1}


def test_a_server_that_does_not_read_ends_in_a_bounded_buffer() -> None:
    client_done = threading.Event()

    def script(peer: Peer) -> None:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect_main()
        client_done.wait(20)

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        for _ in range(200):
            client.connection.emit("x" * 100_000)
        client.wait(lambda: client.connection.closed, "given up")
        client_done.set()

        assert client.counted("SIO session")[2] == {"send buffer full": 1}


def test_what_waits_for_a_slow_server_is_sent_when_it_reads() -> None:
    received: list[int] = []
    go = threading.Event()

    def script(peer: Peer) -> None:
        peer.connect_main()
        go.wait(20)
        while (text := peer.read_text()) != '42["end"]':
            received.append(len(text))
        peer.send_text('42["done"]')
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        sent = 0
        while not client.connection.session.unsent and sent < 200:
            client.connection.emit("x" * 150_000)
            sent += 1
        assert client.connection.session.unsent > 0
        client.connection.emit("end")
        go.set()
        client.wait(lambda: client.events, "all read")

        assert received == [150_006] * sent


RESET = struct.pack("ii", 1, 0)


@pytest.mark.parametrize("state", ["opening", "head sent", "open", "connected"])
@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_connection_lost_in_any_state_is_counted_once(state: str, how: str) -> None:
    def script(peer: Peer) -> None:
        if state == "head sent":
            peer.read_request()
            peer.send(b"HTTP/1.1 101")
        elif state == "open":
            peer.accept_websocket()
            peer.send_text(OPEN)
            peer.read_text()
        elif state == "connected":
            peer.connect_main()
        if how == "reset":
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.wait(lambda: client.connection.closed, "closed")

        errors = client.engine.recorder.errors()
        assert sum(errors.values()) == 1
        assert set(errors) <= {"connection closed", "connection reset"}


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_closing_in_any_state_ends_without_an_error(transport: str) -> None:
    def script(peer: Peer) -> None:
        peer.wait_for_end()

    with ScriptedServer(script) as server:
        for turns in (0, 1, 5):
            with Client(server.url, transport) as client:
                client.connection.connect()
                for _ in range(turns):
                    client._changed.wait(0.001)
                client.close()

                assert client.failure is None
                assert client.engine.recorder.errors() == {}


@pytest.mark.parametrize("state", ["handshake", "poll", "push"])
@pytest.mark.parametrize("how", ["end", "reset"])
@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_polling_lost_in_any_state_is_counted_once(transport: str, state: str, how: str) -> None:
    opened = OPEN_UPGRADE if transport == "upgrade" else OPEN
    connected = threading.Event()
    over = threading.Event()

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if b"transport=websocket" in request:
                over.wait(20)
                return
            if b"sid=" not in request and state != "handshake":
                peer.answer(opened)
            elif request.startswith(b"POST") and not connected.is_set():
                connected.set()
                peer.answer("ok")
            elif request.startswith(b"GET") and b"sid=" in request and not told:
                connected.wait(20)
                told.append(True)
                peer.answer(CONNECTED)
            elif request.startswith(b"POST" if state == "poll" else b"GET") and state != "handshake":
                over.wait(20)
                return
            else:
                break
        if how == "reset":
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    told: list[bool] = []
    with ScriptedServer(script) as server, Client(server.url, transport) as client:
        client.connect()
        if state == "push":
            client.connection.emit("anything")
        client.wait(lambda: client.connection.closed, "closed")
        over.set()

        assert sum(client.engine.recorder.errors().values()) == 1
        assert set(client.engine.recorder.errors()) <= {"connection closed", "connection reset"}
        assert client.engine.internal_errors == 0


@pytest.mark.parametrize("end", ["close", "server", "abort"])
@pytest.mark.parametrize("state", ["head due", "answer to the probe due", "paused", "upgraded"])
def test_an_upgrade_may_end_in_any_state(state: str, end: str) -> None:
    """We close, the server drops the WebSocket, or we vanish."""
    drop = threading.Event()
    probed = threading.Event()
    upgraded = threading.Event()

    def websocket(peer: Peer, server: UpgradingServer) -> None:
        assert peer.read_text() == "2probe"
        probed.set()
        if state != "answer to the probe due":
            assert server.polled_again.wait(15)
            peer.send_text("3probe")
        if state == "upgraded":
            assert peer.read_text() == "5"
            upgraded.set()
        drop.wait(20)

    class Server(UpgradingServer):
        def __call__(self, peer: Peer) -> None:
            first = peer.sock.recv(65536, socket.MSG_PEEK)
            if state == "head due" and b"transport=websocket" in first:
                peer.read_request()
                probed.set()
                drop.wait(20)
                return
            super().__call__(peer)

    script = Server(websocket)
    with ScriptedServer(script) as server, Client(server.url, "upgrade") as client:
        client.connect()
        client.wait(probed.is_set, "the probe")
        session = client.connection.session
        if state in ("paused", "upgraded"):
            client.wait(lambda: session._polling is not None and session._polling._paused, "the pause")
        if state == "upgraded":
            script.polls.put("6")
            client.wait(lambda: session.current_transport == "websocket" and upgraded.is_set(), "upgraded")
        if end == "server":
            drop.set()
            if state == "upgraded":
                client.wait(lambda: client.connection.closed, "closed")
                assert client.counted("SIO session")[2] == {"connection closed": 1}
            else:
                client.wait(lambda: client.upgrades, "the end of the upgrade")
                script.polls.put('42["still here"]')
                client.wait(lambda: client.events, "an event over polling")
                assert client.engine.recorder.errors() == {"connection closed": 1}
        else:
            getattr(client.connection, end)()
            drop.set()
            client.wait(lambda: client.connection.closed, "closed")
            assert client.failure is None
            assert client.connection.session.close_confirmed == (end == "close")
            assert client.engine.recorder.errors() == {}
        assert client.engine.internal_errors == 0


def test_what_comes_from_a_namespace_that_was_left_is_ignored() -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        assert peer.read_text() == "40/room,"
        peer.send_text('40/room,{"sid":"y"}')
        assert peer.read_text() == "41/room,"
        peer.send_text('42/room,["under way"]')
        peer.send_text('42/foreign,["never asked for"]')
        peer.send_text('42["last"]')
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect().connect("/room")
        client.connection.disconnect("/room")
        client.wait(lambda: client.events, "the last event")

        assert client.names() == ["last"]
        assert client.engine.recorder.errors() == {"event of no namespace of ours": 1}


def test_a_namespace_connected_too_late_is_left() -> None:
    late = threading.Event()

    def script(peer: Peer) -> None:
        peer.connect_main()
        assert peer.read_text() == "40/slow,"
        late.wait(20)
        peer.send_text('40/slow,{"sid":"y"}')
        assert peer.read_text() == "41/slow,"
        peer.send_text('42["last"]')
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url, timeout=2) as client:
        client.connect().connect("/slow")
        assert client.refusals == [("/slow", {"message": "no answer to CONNECT"})]
        late.set()
        client.wait(lambda: client.events, "the last event")

        assert client.engine.recorder.errors() == {"connect timeout": 1}
        assert set(client.connection.namespaces) == {"/"}


def test_an_extension_that_was_not_offered_is_refused() -> None:
    def script(peer: Peer) -> None:
        request = peer.read_request()
        assert b"sec-websocket-extensions" not in request.lower()
        peer.accept_key(request, b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()

        assert client.counted("SIO connect")[2] == {"malformed input": 1}


def test_what_a_listener_does_wrong_is_no_malformed_input() -> None:
    """A fault of ours in a callback is counted as such, and the hub sees none of it."""

    class Clumsy(Client):
        def event(self, *_: object) -> None:
            int("no number")

    def script(peer: Peer) -> None:
        peer.connect_main()
        peer.send_text('42["a"]')
        peer.wait_for_end()

    with ScriptedServer(script) as server, Clumsy(server.url) as client:
        client.connect()
        client.wait(lambda: client.connection.closed, "closed")

        assert client.counted("SIO session")[2] == {"internal error": 1}
        assert client.engine.internal_errors == 1


def test_a_close_that_the_server_ignores_ends_at_the_deadline() -> None:
    def script(peer: Peer) -> None:
        peer.connect_main()
        peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url) as client:
        client.connect()
        client.close()

        assert client.failure is None
        assert not client.connection.session.close_confirmed
