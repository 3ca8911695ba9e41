"""What is no Socket.IO server ends in one clear sentence, exit code 4, within seconds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from conformance.__main__ import main
from conformance.client.address import parse_url
from conformance.client.revisions import REVISIONS
from conformance.finding.profile import ServerProfile, read_profile
from conformance.finding.server import NoServer, find_target
from conformance.usage_error import UsageError
from sioprobe.wire import EnginePacket, EnginePacketType, RemoteProtocolError
from tests.conformance.targets import broken_polling, refusing, running
from tests.in_process import run_here
from tests.servers import ROOT
from tests.strict_server.server import StrictServer

SENTENCES = {
    "nothing": "nothing listens at",
    "plain_http": "is no Socket.IO server at /socket.io/: HTTP 404 'not found'",
    "any_page": "is no Socket.IO server at /socket.io/: the handshake got HTTP 200 '<html>",
    "echo": "a WebSocket server answers at",
    "silent": "accepts connections and does not answer",
    "babble": "does not speak HTTP: it says '220 mail.example ESMTP'",
}


@pytest.mark.parametrize("kind", SENTENCES)
def test_the_sentence_names_what_is_there(kind: str) -> None:
    with running(kind) as url, pytest.raises(NoServer) as caught:
        asyncio.run(find_target(parse_url(url), ServerProfile()))
    assert SENTENCES[kind] in str(caught.value)
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_ends_with_4() -> None:
    with running("plain_http") as url:
        done = run_here(main, "sioprobe conform", "--url", url)
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("python -m conformance: error: ")
    assert SENTENCES["plain_http"] in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("status", "body", "applies"),
    [(400, "", False), (404, "", False), (500, "", True), (200, "0{", True), (200, "<html>", True)],
)
def test_a_transport_is_absent_only_where_it_is_refused(status: int, body: str, applies: bool) -> None:
    """A broken one is there, so that its cases fail."""

    async def look() -> dict[str, bool]:
        answers = refusing(status, body)
        async with serve(broken_polling, "127.0.0.1", 0, process_request=answers) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            target = await find_target(parse_url(f"http://127.0.0.1:{port}"), ServerProfile(contract_level=0))
        return target.capabilities

    capabilities = asyncio.run(look())
    assert (capabilities["polling"], capabilities["upgrade"]) == (applies, applies)
    assert capabilities["websocket"]


@pytest.mark.parametrize(("status", "applies"), [(400, False), (500, True), (200, True)])
def test_a_websocket_that_fails_otherwise_than_refused_is_judged(status: int, applies: bool) -> None:
    opened = '0{"sid":"one","upgrades":[],"pingInterval":1000,"pingTimeout":1000,"maxPayload":1000}'

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        code, body = (200, opened) if b"transport=polling" in head else (status, "")
        length = f"Content-Length: {len(body)}"
        writer.write(f"HTTP/1.1 {code} X\r\n{length}\r\nConnection: close\r\n\r\n{body}".encode())
        writer.close()

    async def look() -> dict[str, bool]:
        server = await asyncio.start_server(reply, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            target = await find_target(parse_url(f"http://127.0.0.1:{port}"), ServerProfile(contract_level=0))
        return target.capabilities

    capabilities = asyncio.run(look())
    assert capabilities["polling"]
    assert capabilities["websocket"] == applies


def test_a_handshake_without_max_payload_is_read_all_the_same() -> None:
    """The field is younger than the revision: EIO-HS-11 notices that it is missing, nothing else does."""
    text = '{"sid":"one","upgrades":[],"pingInterval":1000,"pingTimeout":3000%s}'
    read = REVISIONS[4].decode_open

    assert read(EnginePacket(EnginePacketType.OPEN, text % "")).max_payload == 0
    assert read(EnginePacket(EnginePacketType.OPEN, text % ',"maxPayload":9')).max_payload == 9
    for wrong in (text % ',"maxPayload":"9"', text % ',"maxPayload":null', '{"sid":"one"}', "[", "[]"):
        with pytest.raises(RemoteProtocolError):
            read(EnginePacket(EnginePacketType.OPEN, wrong))
    with pytest.raises(RemoteProtocolError):
        read(EnginePacket(EnginePacketType.MESSAGE, text % ""))


@pytest.mark.parametrize("transports", [["websocket"], None])
def test_a_server_says_itself_what_it_lacks(transports: list[str] | None) -> None:
    about = {"versions": {"socketioxide": "0.18.9"}, "transports": transports}
    about["capabilities"] = {"kick_all": False, "variadic": True, "cors": "no", "wings": False}
    about["settings"] = {"connect_timeout": 1, "upgrade_timeout": 2.5, "ping_timeout": "3", "naps": 4}

    async def look() -> dict[str, bool]:
        answers = refusing(400, "")

        def answer(connection: ServerConnection, request: Request) -> Response | None:
            if request.path == "/about":
                return connection.respond(200, json.dumps(about))
            return answers(connection, request)

        async with serve(broken_polling, "127.0.0.1", 0, process_request=answer) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            profile = ServerProfile(capabilities={"variadic": False}, settings={"upgrade_timeout": 5.0})
            target = await find_target(parse_url(f"http://127.0.0.1:{port}"), profile)
            assert (target.library, target.version) == ("socketioxide", "0.18.9")
            assert target.settings == {"connect_timeout": 1.0, "upgrade_timeout": 5.0}
            return target.capabilities

    found = asyncio.run(look())
    assert found["kick_all"] is False
    assert found["variadic"] is False, "a profile goes before what the server says"
    assert found["cors"] is True, "what is neither true nor false says nothing"
    assert "wings" not in found


def test_the_contract_level_is_found_over_whatever_transport_opens() -> None:
    async def look() -> int:
        answers = refusing(500, "")
        async with serve(broken_polling, "127.0.0.1", 0, process_request=answers) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            return (await find_target(parse_url(f"http://127.0.0.1:{port}"), ServerProfile())).level

    assert asyncio.run(look()) == 2


@pytest.mark.parametrize(
    ("recovery", "declared", "found"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_connection_state_recovery_is_found_unless_it_is_declared(
    recovery: bool, declared: bool | None, found: bool
) -> None:
    capabilities = {} if declared is None else {"recovery": declared}

    async def look() -> bool:
        async with StrictServer(recovery=recovery) as server:
            target = await find_target(parse_url(server.url), ServerProfile(capabilities=capabilities))
            return target.capabilities["recovery"]

    assert asyncio.run(look()) is found


def test_pytest_itself_ends_with_4(tmp_path: Path) -> None:
    with running("nothing") as url:
        command = [sys.executable, "-m", "pytest", str(ROOT / "conformance"), "--url", url]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert SENTENCES["nothing"] in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:5000", "is not a URL like"),
        ("ftp://127.0.0.1", "is not a URL like"),
        ("http://127.0.0.1:5000/socket.io/", "give that of the Socket.IO endpoint with --path"),
        ("http://127.0.0.1:port", "no valid port"),
    ],
)
def test_a_wrong_url_is_named(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_url(url)


def test_https_is_tls_on_port_443() -> None:
    address = parse_url("https://example.org")
    assert address.port == 443
    assert address.tls is not None
    assert address.url == "https://example.org"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[targets]\n", r"unknown section 'targets' \(the nearest is 'target'; "),
        ("[target]\nlibary = 'x'\n", r"\[target\]: unknown key 'libary' \(the nearest is 'library'; "),
        ("[target]\ncontract_level = '2'\n", "is not a whole number"),
        ("[capabilities]\nwebsockets = true\n", "the nearest is 'websocket'"),
        ("[capabilities]\nwebsocket = 1\n", "is not true or false"),
        ("[settings]\nping_interval = -1\n", "is not a number of seconds"),
        ("[settings]\nping = 1\n", "unknown key 'ping'"),
        ("target = \n", "Invalid value"),
    ],
)
def test_a_wrong_profile_names_section_key_and_the_nearest_valid_one(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_profile(path)


def test_a_profile_is_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(
        "[target]\ncontract_level = 1\ntitle = 'mine'\n"
        "[settings]\nping_interval = 1.5\n[capabilities]\nupgrade = false\n"
    )
    profile = read_profile(path)
    assert profile.contract_level == 1
    assert profile.title == "mine"
    assert profile.settings == {"ping_interval": 1.5}
    assert profile.capabilities == {"upgrade": False}
