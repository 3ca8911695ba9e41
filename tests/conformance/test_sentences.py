"""What is said to a reader: no words of Python, no contradictions, and what an answer really was."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest

from conformance.client.address import parse_url
from conformance.client.http import Answer, NoAnswer, exchange
from conformance.client.transcript import RECORDING, Recording, describe, quoted, shown
from conformance.client.websocket import WebSocket, open_websocket
from conformance.judging.outcomes import Outcome
from sioprobe.wire import SocketPacket, SocketPacketType

OF_PYTHON = re.compile(
    r"""<class|<\w+\.\w+:|object\ at\ 0x|Packet\(|bytearray\(|Decimal\(
      | (?:^|[\s(\[{,:])b'[^']*' | (?<!")\b(?:None|True|False)\b""",
    re.VERBOSE,
)
CONTRADICTIONS = re.compile(r"nothing within [^;]*;|answered by:? nothing")


def sentences(outcome: Outcome) -> Iterator[str]:
    judgement = outcome.judgement
    yield from judgement.expected
    yield from filter(None, (judgement.actual, judgement.reason, outcome.closed, outcome.earlier))
    yield from (entry.meaning for entry in outcome.transcript)
    yield from (attempt.failure for attempt in outcome.attempts if attempt.failure)


def unreadable(outcome: Outcome) -> list[str]:
    """The sentences that show Python or contradict themselves."""
    return [one for one in sentences(outcome) if OF_PYTHON.search(one) or CONTRADICTIONS.search(one)]


@pytest.mark.parametrize(
    "text",
    [
        "SocketPacket(type=<SocketPacketType.EVENT: 2>)",
        "<class 'int'>",
        "attachments [b'\\x01']",
        "body None",
        "DISCONNECT came: True",
        "illegal status line: bytearray(b'220')",
        "nothing within 5.0 s; instead CONNECT",
    ],
)
def test_the_guard_finds_what_it_looks_for(text: str) -> None:
    assert OF_PYTHON.search(text) or CONTRADICTIONS.search(text)


def test_data_is_shown_as_json_and_bytes_as_hexadecimal() -> None:
    packet = SocketPacket(SocketPacketType.BINARY_EVENT, "/custom", ["a", b"\x01\x02", {"b": None}, True], 3)
    assert describe(packet) == 'BINARY_EVENT ["a", 2 bytes 01 02, {"b": null}, true] in /custom, ack id 3'
    assert [shown(value) for value in (None, True, False, "text", b"\x01", [1.5, "ä"])] == [
        "none", "yes", "no", "'text'", "1 byte 01", '[1.5, "ä"]',
    ]  # fmt: skip
    assert (quoted(b"text", 60), quoted(b"\xff\x00", 60)) == ("'text'", "2 bytes ff 00")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(302, (("location", "/login"),), b"moved"), "HTTP 302 Found to /login 'moved'"),
        (
            Answer(401, (("www-authenticate", 'Basic realm="x"'),)),
            'HTTP 401 Unauthorized (WWW-Authenticate: Basic realm="x")',
        ),
        (Answer(502, ()), "HTTP 502 Bad Gateway"),
        (Answer(599, (), b"?"), "HTTP 599 '?'"),
    ],
)
def test_a_status_has_its_text_and_says_where_it_leads(answer: Answer, said: str) -> None:
    assert str(answer) == said


async def _answer_of(sends: bytes, ask: Callable[[str], Awaitable[Answer | NoAnswer | WebSocket]]) -> str:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sends)
        await writer.drain()
        writer.close()

    RECORDING.set(Recording())
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        return str(await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    finally:
        server.close()


async def _by_polling(url: str) -> Answer | NoAnswer:
    return await exchange(parse_url(url), "GET", "/socket.io/?EIO=4&transport=polling", seconds=20)


async def _by_websocket(url: str) -> Answer | NoAnswer | WebSocket:
    return await open_websocket(parse_url(url), "EIO=4&transport=websocket", seconds=20)


@pytest.mark.parametrize("ask", [_by_polling, _by_websocket])
@pytest.mark.parametrize(
    ("sends", "said"),
    [
        (b"", "connection closed before an answer"),
        (b"220 mail.example ESMTP\r\n", r"the answer is not HTTP: '220 mail.example ESMTP\r\n' ("),
        (b"\x16\x03\xff\r\n\r\n", "the answer is not HTTP: 7 bytes 16 03 ff 0d 0a 0d 0a ("),
        (
            b"HTTP/1.1 400 Bad\r\nContent-Length: 90\r\n\r\n",
            r"the connection closed within the answer 'HTTP/1.1 400 Bad\r\n",
        ),
    ],
)
def test_what_is_no_answer_is_said(
    ask: Callable[[str], Awaitable[Answer | NoAnswer | WebSocket]], sends: bytes, said: str
) -> None:
    found = asyncio.run(_answer_of(sends, ask))
    assert found.startswith(said)
    assert not OF_PYTHON.search(found)
