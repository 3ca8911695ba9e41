"""The diagnosis names the cause, one small server for each, and says the option that helps."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sioprobe.diagnosis import Cause, Diagnosis, Visit, diagnose
from sioprobe.diagnosis.asking import Asker, Clock, OutOfTime
from sioprobe.diagnosis.streams import WebSocket
from tests.engine.clients import OPEN, OPEN_UPGRADE, Peer, ScriptedServer
from tests.engine.tls_front import TlsFront, make_authority

OPEN_3 = '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
CONNECTED = '40{"sid":"x"}'
Script = Callable[[Peer], None]


def found(url: str, **how: Any) -> Diagnosis:
    """What the diagnosis of a visit finds, with its fixed words. A server that answers takes no time."""
    diagnosis = diagnose(Visit(url, **how), question_seconds=2.0)
    assert diagnosis is not None
    assert "\n" not in diagnosis.sentence
    return diagnosis


def answering(choose: Callable[[str], tuple[int, str]], *extra: str) -> Script:
    """A server that answers the first line of each request with a status and a body. It has no WebSocket."""

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            status, body = choose(request.partition(b"\r\n")[0].decode())
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *extra]
            peer.send(("\r\n".join(lines) + f"\r\n\r\n{body}").encode())

    return script


def always(status: int, body: str = "", *extra: str) -> Script:
    """The same answer to everything."""
    return answering(lambda _: (status, body), *extra)


def session(connect: str, *, polls: tuple[str, ...] = ()) -> Script:
    """A server over polling that answers CONNECT so."""
    waiting = [connect, *polls]

    def choose(line: str) -> tuple[int, str]:
        if line.startswith("POST"):
            return 200, "ok"
        return 200, (waiting.pop(0) if waiting else "6") if "sid=" in line else OPEN

    return answering(choose)


def ending_websocket(polling: tuple[int, str]) -> Script:
    """As gevent-websocket at any path: it opens a WebSocket and closes it. Polling gets its answer."""

    def script(peer: Peer) -> None:
        request = peer.read_request()
        if b"transport=websocket" in request:
            peer.accept_key(request)
            peer.send(b"\x88\x02\x03\xe8")
            return
        status, body = polling
        peer.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    return script


def websocket_alone(*packets: str) -> Script:
    """A server without polling that sends these packets and then whatever it is told to answer."""

    def script(peer: Peer) -> None:
        request = peer.read_request()
        if b"transport=polling" in request:
            peer.send(b"HTTP/1.1 426 X\r\nContent-Length: 0\r\n\r\n")
            return
        peer.accept_key(request)
        for packet in packets:
            peer.send_text(packet)
        peer.wait_for_end()

    return script


@contextmanager
def closed_port() -> Iterator[str]:
    """The URL of a port that is bound, and at which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


def test_nobody_is_there() -> None:
    with closed_port() as url:
        assert found(url).sentence == f"nothing listens at {url}"
    unknown = found("http://nobody.invalid:5000")
    assert unknown.cause is Cause.UNKNOWN_HOST
    assert unknown.sentence.startswith(
        "the host of http://nobody.invalid:5000 is not known: nobody.invalid ("
    )


@pytest.mark.parametrize(
    ("script", "cause", "words"),
    [
        (Peer.wait_for_end, Cause.SILENT, "{url} accepts connections and does not answer"),
        (lambda peer: None, Cause.CLOSES, "{url} accepts connections and ends them without an answer: "),
        (
            lambda peer: (peer.send(b"220 mail.example ESMTP\r\n"), peer.wait_for_end())[0],
            Cause.NO_HTTP,
            "{url} does not speak HTTP: it says '220 mail.example ESMTP'",
        ),
        (
            always(404, "not found"),
            Cause.NOT_FOUND,
            "{url} is no Socket.IO server at /socket.io/: HTTP 404 'not found'; --path names another path",
        ),
        (
            always(200, "<html>0{</html>"),
            Cause.NO_OPEN,
            "{url} is no Socket.IO server at /socket.io/: the handshake got HTTP 200 '<html>0{{</html>'"
            " and no OPEN packet",
        ),
        (
            always(418, '"no"'),
            Cause.HANDSHAKE_REFUSED,
            "{url} refuses the handshake at /socket.io/: HTTP 418 'no'",
        ),
        (
            always(502, "Bad Gateway"),
            Cause.HANDSHAKE_FAILS,
            "{url} fails at /socket.io/: the handshake got HTTP 502 'Bad Gateway'",
        ),
        (
            always(403),
            Cause.LOCKED,
            "{url} lets nobody in at /socket.io/: the handshake got HTTP 403;"
            " --header, --cookie or --query may show what it wants",
        ),
        (
            always(301, "", "Location: https://chat.example/socket.io/?EIO=4&token=secret"),
            Cause.REDIRECT,
            "{url} redirects the handshake at /socket.io/ to https://chat.example/socket.io/;"
            " give the URL and the --path of that place",
        ),
    ],
)  # fmt: skip
def test_what_is_no_server_is_told_by_what_it_said(script: Script, cause: Cause, words: str) -> None:
    with ScriptedServer(script) as server:
        diagnosis = found(server.url)

    assert diagnosis.cause is cause
    assert diagnosis.sentence.startswith(words.format(url=server.url))


def test_tls_or_not(tmp_path: Path) -> None:
    context, authority = make_authority(tmp_path)
    with ScriptedServer(always(404)) as server, TlsFront(context, server.url) as front:
        plain, secured = front.url.replace("https", "http"), server.url.replace("http", "https")
        assert found(plain).sentence == f"{plain} speaks TLS; write {front.url}"
        assert found(secured).sentence == f"{secured} does not speak TLS; write {server.url}"
        untrusted = found(front.url).sentence
        assert untrusted.startswith(f"TLS to {front.url} failed: CERTIFICATE_VERIFY_FAILED (")
        assert untrusted.endswith("; --ca-file trusts its authority, --no-verify takes any certificate")
        assert found(front.url, verify=False).cause is Cause.NOT_FOUND
        assert found(front.url, ca_file=authority).cause is Cause.NOT_FOUND

    def alarmed(peer: Peer) -> None:
        peer.sock.recv(65536)
        peer.send(b"\x15\x03\x03\x00\x02\x02\x28")
        peer.wait_for_end()

    with ScriptedServer(alarmed) as server:
        alert = found(server.url.replace("http", "https"))
        assert alert.cause is Cause.TLS_FAILED
        assert "ALERT" in alert.sentence


def test_a_proxy_that_says_plain_http_came_to_tls_is_asked_for_tls(tmp_path: Path) -> None:
    """As nginx: it answers HTTP at a port of TLS."""
    context, _ = make_authority(tmp_path)

    def script(peer: Peer) -> None:
        if peer.sock.recv(1, socket.MSG_PEEK) == b"\x16":
            with context.wrap_socket(peer.sock, server_side=True) as secured:
                secured.recv(1)
        else:
            peer.read_request()
            peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with ScriptedServer(script) as server:
        assert found(server.url).cause is Cause.SPEAKS_TLS


@pytest.mark.parametrize("transport", [None, "polling", "websocket"])
def test_a_wrong_path_where_every_websocket_opens(transport: str | None) -> None:
    """As gevent-websocket does it. Polling tells the truth."""
    with ScriptedServer(ending_websocket((404, "Not Found"))) as server:
        assert found(server.url, transport=transport).cause is Cause.NOT_FOUND


@pytest.mark.parametrize(
    ("given", "there", "cause"),
    [
        ("/chat/", "/socket.io/", Cause.OTHER_PATH),
        ("/chat", "/chat/socket.io/", Cause.OTHER_PATH),
        ("/chat/", "/chat", Cause.NO_FINAL_SLASH),
    ],
)
def test_the_path_that_was_meant_is_named(given: str, there: str, cause: Cause) -> None:
    def choose(line: str) -> tuple[int, str]:
        return (200, OPEN) if line.startswith(f"GET {there}?") else (404, "")

    with ScriptedServer(answering(choose)) as server:
        diagnosis = found(server.url, path=given)

    assert diagnosis.cause is cause
    assert "is no Socket.IO server at /chat/" in diagnosis.sentence
    assert there in diagnosis.sentence


def test_the_other_transport_is_named() -> None:
    offering = {False: OPEN, True: OPEN_UPGRADE}
    for offers, opened in offering.items():
        answers = {"GET": [CONNECTED, opened], "POST": ["ok"]}

        def choose(line: str, answers: dict[str, list[str]] = answers) -> tuple[int, str]:
            if "websocket" in line:
                return 400, ""
            return 200, answers["POST"][0] if line.startswith("POST") else answers["GET"]["sid=" not in line]

        with ScriptedServer(answering(choose)) as server:
            diagnosis = found(server.url, transport="websocket")
            assert diagnose(Visit(server.url, transport="polling")) is None
        assert diagnosis.cause is Cause.NO_WEBSOCKET
        assert "--transport polling" in diagnosis.sentence
        assert ("a proxy that drops the header Upgrade" in diagnosis.sentence) == offers
    with ScriptedServer(websocket_alone(OPEN, CONNECTED)) as server:
        diagnosis = found(server.url, transport="polling")
        assert diagnosis.cause is Cause.NO_POLLING
        assert "--transport websocket" in diagnosis.sentence
        assert diagnose(Visit(server.url)) is None


def test_a_websocket_server_of_another_kind() -> None:
    with ScriptedServer(websocket_alone("hello")) as server:
        assert found(server.url).cause is Cause.OTHER_WEBSOCKET


@pytest.mark.parametrize(
    ("script", "transport"),
    [
        (always(200, f"{len(OPEN_3)}:{OPEN_3}2:40"), "polling"),
        (answering(lambda line: (200, f"{len(OPEN_3)}:{OPEN_3}") if "EIO=3" in line else (400, "")), None),
        (websocket_alone(OPEN_3, "40"), "websocket"),
        (session("40"), "polling"),
    ],
    ids=["as socket.io 2", "refuses 4", "over websocket", "no socket id"],
)
def test_engine_io_3(script: Script, transport: str | None) -> None:
    with ScriptedServer(script) as server:
        diagnosis = found(server.url, transport=transport)

    assert diagnosis.cause is Cause.OLD_REVISION
    assert diagnosis.sentence.startswith(f"{server.url} speaks Engine.IO 3")


def origins(*, wanted: bool) -> Script:
    """A server that wants an Origin, or refuses the one of `https://other.example`."""

    def script(peer: Peer) -> None:
        request = peer.read_request().lower()
        given = b"\r\norigin: " in request
        body = OPEN if given == wanted else "not an accepted origin"
        status = 200 if given == wanted else 400
        peer.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    return script


def test_the_origin() -> None:
    with ScriptedServer(origins(wanted=False)) as server:
        refused = found(server.url, headers={"origin": "https://other.example", "X-Token": "t"})
    assert refused.cause is Cause.ORIGIN_REFUSED
    assert "HTTP 400 'not an accepted origin'" in refused.sentence
    with ScriptedServer(origins(wanted=True)) as server:
        wanted = found(server.url)
    assert wanted.cause is Cause.ORIGIN_WANTED
    assert wanted.sentence.endswith(f"; write --header 'Origin: {server.url}'")


def test_the_namespace() -> None:
    refusal = '44{"message":"bad token"}'
    with ScriptedServer(session(refusal, polls=(refusal,))) as server:
        plain = found(server.url)
        asked = found(server.url, auth={"token": "x"})
    hint = "; --auth, --header, --cookie or --query may show what it wants"
    assert plain.sentence == f"{server.url} refuses the namespace: bad token{hint}"
    assert asked.sentence == f"{server.url} refuses the namespace: bad token"
    with ScriptedServer(session('44/a,{"message":"Invalid namespace"}', polls=("2",))) as server:
        other = found(server.url, namespace="/a")
    assert other.cause is Cause.NAMESPACE_REFUSED
    assert other.sentence.endswith("refuses the namespace: Invalid namespace; --namespace names another")


def test_connect_without_an_answer() -> None:
    with ScriptedServer(session("1")) as server:
        closed = found(server.url)
    assert closed.cause is Cause.NO_CONNECT
    assert "the server closed the session" in closed.sentence
    with ScriptedServer(websocket_alone(OPEN)) as server:
        silent = found(server.url)
    assert silent.cause is Cause.NO_CONNECT
    assert silent.sentence.endswith("does not let it into /: no answer to CONNECT")


def closing_on_text(packed: bytes) -> Script:
    """A server over polling that closes a session for a CONNECT in text, and answers one in base64."""
    state = {"alive": True}

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            line = request.partition(b"\r\n")[0].decode()
            status, answer = 200, "ok"
            if "websocket" in line:
                status = 400
            elif "sid=" not in line:
                state["alive"], answer = True, OPEN
            elif not state["alive"]:
                status, answer = 400, '"Invalid session"'
            elif line.startswith("GET"):
                answer = f"b{base64.b64encode(packed).decode()}"
            else:
                state["alive"] = not request.partition(b"\r\n\r\n")[2].startswith(b"40")
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(answer)}"]
            peer.send(("\r\n".join(lines) + f"\r\n\r\n{answer}").encode())

    return script


@pytest.mark.parametrize(
    ("packed", "cause"),
    [
        (b"\x82\xa4type\x00\xa3nsp\xa1/", Cause.PARSER),
        (b"something else", Cause.NO_CONNECT),
    ],
)
def test_a_session_that_a_connect_ends_is_no_sign_of_several_processes(packed: bytes, cause: Cause) -> None:
    with ScriptedServer(closing_on_text(packed)) as server:
        assert found(server.url).cause is cause


def test_a_connect_at_which_the_connection_ends_is_no_sign_of_several_processes() -> None:
    """As where the handler of CONNECT raises an exception."""

    def script(peer: Peer) -> None:
        while request := peer.read_request():
            head, _, body = request.partition(b"\r\n\r\n")
            if body == b"40":
                return
            answer = "ok" if b"sid=" in head.partition(b"\r\n")[0] else OPEN
            peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())

    with ScriptedServer(script) as server:
        diagnosis = found(server.url)

    assert diagnosis.cause is Cause.NO_CONNECT
    assert diagnosis.sentence.endswith("a request got connection closed, and the next was answered")


def test_a_session_that_is_always_refused_is_not_said_to_be_of_several_processes() -> None:
    def choose(line: str) -> tuple[int, str]:
        return (400, '"Invalid session s"') if "sid=" in line else (200, OPEN)

    with ScriptedServer(answering(choose)) as server:
        diagnosis = found(server.url)

    assert diagnosis.cause is Cause.SESSION_REFUSED
    assert "HTTP 400 'Invalid session s'" in diagnosis.sentence


def test_a_session_that_ends_is_not_said_to_be_of_several_processes() -> None:
    """CONNECT is taken, and then the session is gone for good."""
    taken: list[str] = []

    def choose(line: str) -> tuple[int, str]:
        if "sid=" not in line:
            return 200, OPEN
        taken.append(line)
        return (200, "ok") if len(taken) == 1 else (400, "unknown session")

    with ScriptedServer(answering(choose)) as server:
        assert found(server.url).cause is Cause.SESSION_REFUSED


def test_a_session_that_keeps_to_a_connection_is_of_several_processes() -> None:
    """With many processes none of twelve requests may find the right one. The first connection does."""

    def script(peer: Peer) -> None:
        opened_here = False
        while request := peer.read_request():
            line = request.partition(b"\r\n")[0]
            if b"sid=" not in line and b"polling" in line:
                opened_here = True
                peer.answer(OPEN)
            elif opened_here:
                peer.answer("ok")
            else:
                peer.send(b"HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n")

    with ScriptedServer(script) as server:
        polling, websocket = (found(server.url, transport=each) for each in ("polling", "websocket"))

    assert polling.cause is websocket.cause is Cause.PROCESSES
    assert "known on the connection that opened it" in polling.sentence
    assert polling.sentence.endswith("or write --transport websocket")
    # It was written already, and no WebSocket opens.
    assert websocket.sentence.endswith("or give the URL of one process")


def echo(peer: Peer) -> None:
    """Says what it hears."""
    while data := peer.sock.recv(65536):
        peer.send(data)


def test_no_secret_of_the_server_is_repeated() -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "***")

    # What is shown of an answer ends in the middle of the second.
    words = f"not with hunter2 {'-' * 57}hunter2"
    for script, told in ((always(403, words), "HTTP 403 'not with *** ---"), (echo, "says 'GET ")):
        with ScriptedServer(script) as server:
            visit = Visit(server.url, headers={"Authorization": "hunter2"}, query={"token": "hunter2"})
            diagnosis = diagnose(visit, redact=redact)
        assert diagnosis is not None
        assert told in diagnosis.sentence
        assert "hunt" not in diagnosis.sentence


def test_a_server_that_never_ends_its_answer_does_not_hold_the_diagnosis() -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 404 X\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            peer.send(b".")
            time.sleep(0.02)

    with ScriptedServer(script) as server:
        diagnosis = diagnose(Visit(server.url), seconds=1.0, question_seconds=0.2)

    assert diagnosis is not None
    assert diagnosis.cause is Cause.NOT_FOUND


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def both(name: str, port: int, **_: Any) -> list[Any]:
        asked.append(name)
        return [(socket.AF_INET, 1, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with ScriptedServer(always(404)) as server:
        port = server.url.rpartition(":")[2]
        assert found(f"http://two.example:{port}").cause is Cause.NOT_FOUND
    assert set(asked) == {"two.example"}


def test_a_websocket_is_left_when_the_time_is_over() -> None:
    ended: list[int] = []

    def script(peer: Peer) -> None:
        peer.accept_websocket()
        ended.append(peer.read_frame()[0])

    with ScriptedServer(script) as server:
        asker = Asker(Visit(server.url), Clock(60.0, 2.0), str)
        websocket = asker.websocket()
        assert isinstance(websocket, WebSocket)
        asker.clock = Clock(0.0, 2.0)
        with pytest.raises(OutOfTime):
            asker.first_message(websocket)

    assert ended == [8]
