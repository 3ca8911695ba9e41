"""What each request carries: query, headers, cookies given and cookies that the server set; and TLS."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from sioprobe.engine import TRANSPORTS, Backoff, SwarmError, Target
from sioprobe.wire.request_headers import sort_headers
from tests.engine.clients import OPEN, OPEN_UPGRADE, Client, Peer, ScriptedServer
from tests.engine.tls_front import TlsFront, make_authority
from tests.servers import Server, start_command

# Headers and cookies


def fields(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return {"request": lines[0]} | {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
    }


class StickyServer:
    """Sets cookies at the handshake and keeps the head of every request."""

    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []
        self.welcomed = False
        self._hold = threading.Event()

    def stop(self) -> None:
        self._hold.set()

    def __call__(self, peer: Peer) -> None:
        while request := peer.read_request():
            self.heads.append(fields(request))
            if b"transport=websocket" in request:
                peer.accept_key(request)
                peer.wait_for_end()
            elif request.startswith(b"POST"):
                peer.answer("ok")
            elif b"sid=" not in request:
                other = "Set-Cookie: other=x; Path=/elsewhere\r\n"
                peer.answer(OPEN_UPGRADE, "Set-Cookie: lb=node-3; Path=/\r\n" + other)
            elif not self.welcomed:
                self.welcomed = True
                peer.answer('40{"sid":"x"}')
            else:
                self._hold.wait(20)
                peer.answer("6")


def test_every_request_carries_query_headers_and_cookies() -> None:
    script = StickyServer()
    with ScriptedServer(script) as server:
        target = Target.from_url(
            server.url + "/?from=url&x=1",
            "/chat/",
            headers={"X-Token": "t", "Cookie": "a=1", "Host": "virtual.example"},
            query={"x": "2"},
            cookies={"b": "2"},
        )
        with Client(target, "upgrade") as client:
            client.connect()
            client.wait(lambda: any("websocket" in head["request"] for head in script.heads), "the probe")

    assert {head["host"] for head in script.heads} == {"virtual.example"}
    assert {head["x-token"] for head in script.heads} == {"t"}
    assert all("/chat/?from=url&x=2&EIO=4" in head["request"] for head in script.heads)
    assert script.heads[0]["cookie"] == "a=1; b=2"
    assert {head["cookie"] for head in script.heads[1:]} == {"a=1; b=2; lb=node-3"}


def test_of_headers_that_differ_in_case_the_last_counts() -> None:
    headers = {"X-Token": "of all", "Accept": "a", "x-token": "of this user"}
    assert set(sort_headers(headers, {}).headers) == {("x-token", "of this user"), ("Accept", "a")}


def test_a_cookie_of_the_websocket_handshake_comes_back_after_a_loss() -> None:
    heads: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        request = peer.read_request()
        heads.append(fields(request))
        peer.accept_key(request, b"Set-Cookie: lb=%d; Path=/\r\nSet-Cookie: a=new\r\n" % len(heads))
        peer.send_text(OPEN)
        peer.read_text()
        peer.send_text('40{"sid":"x"}')
        peer.wait_for_end()

    with ScriptedServer(script) as server:
        target = Target.from_url(server.url, cookies={"a": "old"})
        with Client(target, backoff=Backoff(0.01, 0.01)) as client:
            client.connect()
            client.connection.drop()
            client.wait(lambda: client.reconnects, "reconnected")

    assert heads[0]["cookie"] == "a=old"
    assert sorted(heads[1]["cookie"].split("; ")) == ["a=new", "lb=1"]


def test_a_cookie_that_is_none_is_ignored() -> None:
    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.answer("ok")
            elif b"sid=" not in request:
                peer.answer(
                    OPEN, "Set-Cookie: =;;=\r\nSet-Cookie: ;\r\nSet-Cookie: s=1; Domain=other.example\r\n"
                )
            elif b"Cookie" in request:
                peer.answer("1")
            else:
                peer.answer('40{"sid":"x"}')
                peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()

        assert client.connection.namespaces == {"/": "x"}
        assert client.engine.internal_errors == 0


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"headers": {"X": "a\r\nY: b"}}, "'X' has a line break"),
        ({"headers": {"X Y": "a"}}, "'X Y' cannot be set"),
        ({"headers": {"Content-Length": "1"}}, "'Content-Length' cannot be set"),
        ({"headers": {"X": "\u20ac"}}, "'X' is not Latin-1"),
        ({"cookies": {"a": "1;b=2"}}, "'a' is no cookie"),
        ({"ca_file": "nowhere.pem"}, "nowhere.pem cannot be used: No such file"),
    ],
)
def test_what_would_break_a_request_is_refused(keywords: dict[str, object], said: str) -> None:
    with pytest.raises(SwarmError, match=said):
        Target.from_url("https://127.0.0.1:1", **keywords)  # type: ignore[arg-type]


def test_a_push_holds_no_more_than_max_payload_in_bytes() -> None:
    bodies: list[bytes] = []
    opened = OPEN.replace("1000000", "100")
    answered = threading.Event()

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                bodies.append(request.partition(b"\r\n\r\n")[2])
                peer.answer("ok")
                if b"end" in bodies[-1]:
                    answered.set()
            elif b"sid=" not in request:
                peer.answer(opened)
            elif len(bodies) <= 1:
                peer.answer('40{"sid":"x"}')
                answered.wait(20)
            else:
                peer.answer("1")

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()
        for _ in range(6):
            client.connection.emit("é" * 20)
        client.connection.emit("x" * 200)
        client.connection.emit("end")
        client.wait(answered.is_set, "all pushed")

    packets = [packet for body in bodies[1:] for packet in body.split(b"\x1e")]
    assert len(packets) == 8
    assert [len(body) for body in bodies if b"x" not in body and len(body) > 100] == []
    assert max(body.count(b"\x1e") for body in bodies) == 1


def test_an_interim_answer_is_passed_over() -> None:
    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                peer.answer("ok")
            elif b"sid=" not in request:
                peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
                peer.answer(OPEN)
            else:
                peer.answer('40{"sid":"x"}')
                peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connect()

        assert client.connection.namespaces == {"/": "x"}


@pytest.mark.parametrize("when", ["at once", "later"])
def test_an_answer_to_no_request_is_counted(when: str) -> None:
    taken = threading.Event()

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if b"sid=" not in request:
                peer.answer(OPEN)
            elif request.startswith(b"POST"):
                twice = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                if when == "at once":
                    peer.send(twice * 2)
                else:
                    peer.send(twice)
                    taken.wait(20)
                    peer.send(twice)
                peer.wait_for_end()
            else:
                peer.wait_for_end()

    with ScriptedServer(script) as server, Client(server.url, "polling") as client:
        client.connection.connect()
        client.wait(lambda: client.connection.is_open or client.connection.closed, "open")
        polling = client.connection.session._polling
        client.wait(lambda: polling is None or not polling._push.busy, "the answer taken")
        taken.set()
        client.wait(lambda: client.connection.closed, "closed")

        assert client.counted("SIO connect")[2] == {"malformed input": 1}


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context for 127.0.0.1, and the file with the certificate of its authority."""
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "tests.strict_server", "--ping-interval", "1"]) as started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("trust", ["own authority", "none"])
def test_every_transport_works_in_tls(
    server: Server, authority: tuple[ssl.SSLContext, str], transport: str, trust: str
) -> None:
    context, ca_file = authority
    with TlsFront(context, server.url) as front:
        url = front.url if transport == "polling" else front.url.replace("https", "wss")
        how = {"ca_file": ca_file} if trust == "own authority" else {"verify": False}
        with Client(Target.from_url(url, **how), transport) as client:  # type: ignore[arg-type]
            client.connect()
            data = ["é" * 50_000, b"\x00" * 100_000, 1]
            assert client.call("message-with-ack", *data) == data
            if transport == "upgrade":
                client.wait(lambda: client.upgrades, "upgraded")
                assert client.call("message-with-ack", *data) == data
            client.close()

            assert client.failure is None
            assert client.engine.recorder.errors() == {}


def test_a_certificate_that_nobody_vouches_for_is_refused(
    server: Server, authority: tuple[ssl.SSLContext, str], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with TlsFront(authority[0], server.url) as front:
        for target in (Target.from_url(front.url), Target.from_url(front.url, ca_file=str(other))):
            with Client(target) as client:
                client.connect()

                assert client.counted("SIO connect")[2] == {"tls refused": 1}
                assert "CERTIFICATE_VERIFY_FAILED" in str(client.failure)


def test_a_server_without_tls_is_told_from_one_with() -> None:
    with (
        ScriptedServer(Peer.refuse_noise) as server,
        Client(Target.from_url(server.url.replace("http", "https"))) as client,
    ):
        client.connect()

        assert client.counted("SIO connect")[2] == {"tls refused": 1}
