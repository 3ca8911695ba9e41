"""The load, the judge and the doctor say the same sentence; a healthy server is asked nothing for it."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.client.address import parse_url
from conformance.finding.profile import ServerProfile
from conformance.finding.server import NoServer, find_target
from conformance.target import Target as JudgedTarget
from load.doctor.__main__ import PROGRAM
from load.doctor.__main__ import main as doctor
from load.doctor.instruments.blocking_clients import PollingClient
from load.watching.locating import locate
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.engine import Target
from sioprobe.engine.first_visit import problem_with
from tests.diagnosis.fronts import Straying, Unsticky
from tests.engine.clients import OPEN, Client, Peer, ScriptedServer
from tests.engine.tls_front import TlsFront, make_authority
from tests.in_process import run_here
from tests.servers import Server, start_command, start_server

CONFIGURED = [sys.executable, "-m", "tests.bare_servers.configured"]
NO_PROFILE = ServerProfile()


def configured(**options: Any) -> Server:
    """The bare Flask-SocketIO server with these options."""
    return start_command([*CONFIGURED, json.dumps(options)])


def judged(url: str, profile: ServerProfile = NO_PROFILE, **options: Any) -> JudgedTarget:
    """What the judge finds out about the server."""
    return asyncio.run(find_target(parse_url(url, ConnectionOptions(**options)), profile))


def refused(url: str, **options: Any) -> str:
    """Why the judge finds no server to judge."""
    with pytest.raises(NoServer) as caught:
        judged(url, **options)
    return str(caught.value)


def examined(url: str, *words: str) -> str:
    """Why the doctor finds no server to examine."""
    done = run_here(doctor, "sioprobe doctor", url, "--server-pid", "none", *words)
    assert done.returncode == 4, done.stdout
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix(f"{PROGRAM}: error: ").rstrip("\n")


@contextmanager
def two_processes() -> Iterator[str]:
    """The URL of two servers behind a balancer that knows no sessions."""
    with configured() as one, configured() as other, Unsticky(one.url, other.url) as front:
        yield front.url


def test_several_processes_that_share_no_sessions() -> None:
    with two_processes() as url:
        loaded = problem_with(url, transport="polling")
        over_websocket = problem_with(url, transport="websocket")
        told = refused(url)
        declared = judged(url, ServerProfile(capabilities={"polling": False, "upgrade": False}))
        only = [word for each in ("transports", "roundtrips", "sessions") for word in ("--only", each)]
        done = run_here(doctor, "sioprobe doctor", url, "--server-pid", "none", *only, "--json")

    assert loaded is not None
    beginning = f"several processes that share no sessions answer at {url}: "
    assert loaded.startswith(beginning)
    assert "Invalid session" in loaded
    assert loaded.endswith("; make the balancer sticky, or write --transport websocket")
    assert over_websocket is None, "over WebSocket a session has one connection"
    assert told.startswith(beginning)
    assert told.endswith("; make the balancer sticky, or give the URL of one process")
    assert not declared.capabilities["polling"]
    # Each thing that fails for this cause names it.
    findings = {each["id"]: each["means"] for each in json.loads(done.stdout)["findings"]}
    assert set(findings) - {"upgrade-fails"} == {"calls-fail", "sessions-not-sticky"}
    assert findings.pop("sessions-not-sticky").startswith("Several processes answer at this address")
    assert all(means.startswith(beginning) for means in findings.values())


def test_several_processes_are_named_though_the_first_visit_succeeds() -> None:
    with configured() as one, configured() as other, Straying(one.url, other.url) as front:
        told = refused(front.url)

    assert told.startswith(f"several processes that share no sessions answer at {front.url}: a request of a")


def test_another_parser() -> None:
    with configured(serializer="msgpack") as server:
        told = {
            problem_with(server.url, transport="polling", seconds=1.0),
            problem_with(server.url, transport="websocket", seconds=1.0),
            refused(server.url),
        }

    (sentence,) = told
    assert str(sentence).startswith(f"{server.url} speaks Socket.IO with the msgpack parser")


def test_a_server_that_wants_a_token_is_not_judged_without_it() -> None:
    with start_command([sys.executable, "-m", "tests.bare_servers.token_server", "T-1"]) as server:
        told = {problem_with(server.url), refused(server.url), refused(server.url, auth={"token": "T-2"})}
        known = judged(server.url, auth={"token": "T-1"})
        declared = judged(server.url, ServerProfile(contract_level=0))

    assert {each is not None and " refuses the namespace: " in each for each in told} == {True}
    assert sum("; --auth, --header, --cookie or --query may show" in str(each) for each in told) == 1
    assert known.level == 0
    assert known.note is not None
    assert "shows no sign of contract level 1" in known.note
    assert declared.level == 0


def test_a_refused_origin() -> None:
    headers = {"Origin": "https://other.example"}
    with configured(cors_allowed_origins=["https://chat.example"]) as server:
        told = {
            problem_with(server.url, transport="polling", how={"headers": headers}),
            problem_with(server.url, transport="websocket", how={"headers": headers}),
            refused(server.url, headers=headers),
            examined(server.url, "--header", "Origin: https://other.example"),
        }
        right = {"Origin": "https://chat.example"}
        assert problem_with(server.url, how={"headers": right}) is None

    for sentence in told:
        assert str(sentence).startswith(f"{server.url} refuses the Origin that --header gives (HTTP 400 ")


def test_engine_io_3_is_judged_and_not_loaded() -> None:
    command = [sys.executable, "-m", "tests.strict_server", "--revisions", "3"]
    with start_command(command) as server:
        told = {problem_with(server.url, transport=each) for each in ("polling", "websocket", "upgrade")}
        assert judged(server.url).revisions == (3,)

    (sentence,) = told
    assert str(sentence).startswith(f"{server.url} speaks Engine.IO 3, as socket.io 2")


def test_a_wrong_path_on_gevent_websocket() -> None:
    """It opens a WebSocket at every path, and closes it."""
    with start_server("gevent") as server:
        told = {
            problem_with(server.url, path="/chat", transport="polling"),
            problem_with(server.url, path="/chat", transport="websocket"),
            refused(server.url, path="/chat"),
            examined(server.url, "--path", "/chat"),
        }

    assert told == {f"{server.url} is no Socket.IO server at /chat/; the nearest is --path /socket.io/"}


def test_a_path_without_its_final_slash() -> None:
    given = "/ws/socket.io"
    with configured(path="ws/socket.io") as server:
        assert problem_with(server.url, path=given) is None
        assert problem_with(server.url, path=given, transport="websocket") is None
        assert judged(server.url, path=given).address.path == "/ws/socket.io/"
        done = run_here(
            doctor, "sioprobe doctor", server.url, "--path", given, "--only", "transports", "--json"
        )
        assert json.loads(done.stdout)["examined"][0]["figures"]["polling"]
        assert Target.from_url(server.url, "ws/socket.io").endpoint("polling").startswith("/ws/socket.io/?")


def test_http_and_https_are_told_apart(tmp_path: Path) -> None:
    context, _ = make_authority(tmp_path)
    with configured() as server, TlsFront(context, server.url) as front:
        plain, secured = front.url.replace("https", "http"), server.url.replace("http", "https")
        for url, sentence in (
            (plain, f"{plain} speaks TLS; write {front.url}"),
            (secured, f"{secured} does not speak TLS; write {server.url}"),
        ):
            assert problem_with(url, transport="polling") == sentence
            assert problem_with(url, transport="websocket") == sentence
            assert refused(url) == sentence
            assert examined(url) == sentence


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a name that is 127.0.0.1 and ::1, of which the server listens at the second alone."""

    def both(name: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        port = server.url.rpartition(":")[2]
        url = f"http://two.example:{port}"
        monkeypatch.setattr(socket, "getaddrinfo", both)
        for transport in ("polling", "websocket", "upgrade"):
            with Client(url, transport) as client:
                client.connect()
                assert client.connection.namespaces
        assert problem_with(url) is None
        assert PollingClient(Target.from_url(url)).opened
        assert locate([url]).pids == (server.process.pid,)
        assert judged(url).capabilities["polling"]
    # Nobody is at any of them now: the first one tells why.
    assert problem_with(url) == f"nothing listens at {url}"


def test_the_doctor_shows_the_query() -> None:
    def script(peer: Peer) -> None:
        while request := peer.read_request():
            if b"token=t" in request.partition(b"\r\n")[0] and b"transport=polling" in request:
                peer.answer(OPEN)
            else:
                peer.send(b"HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n")

    with ScriptedServer(script) as server:
        words = (server.url, "--server-pid", "none", "--only", "heartbeat")
        shown = run_here(doctor, "sioprobe doctor", *words, "--query", "token=t")
        assert "; --header, --cookie or --query may show what it wants" in examined(server.url)

    assert shown.returncode == 0, shown.stderr
    assert "heartbeat and payload: ping interval 25 s" in shown.stdout


def test_a_healthy_server_is_not_asked_for_a_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: Any, **__: Any) -> None:
        raise AssertionError("a diagnosis of a healthy server")

    for module in ("sioprobe.engine.first_visit", "conformance.finding.server", "load.doctor.__main__"):
        monkeypatch.setattr(f"{module}.diagnose", ask)
    with configured() as server:
        for transport in ("polling", "websocket", "upgrade"):
            assert problem_with(server.url, transport=transport) is None
        assert judged(server.url).level == 0
        words = (server.url, "--server-pid", "none", "--only", "heartbeat")
        assert run_here(doctor, "sioprobe doctor", *words).returncode == 0
