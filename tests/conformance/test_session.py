"""What a session of the judge keeps of bytes that are partly wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from conformance.client.address import parse_url
from conformance.client.opening import open_session
from conformance.client.revisions import REVISIONS
from conformance.client.session import Session, Transport
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING, Recording
from conformance.client.websocket import WebSocket, open_websocket
from sioprobe.wire import EnginePacketType, accept_key

OPEN_3 = '0{"sid":"one","upgrades":[],"pingInterval":20000,"pingTimeout":20000}'
OPEN_4 = OPEN_3.replace("}", ',"maxPayload":1000}')
OVER_HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"


def text_frame(text: bytes) -> bytes:
    return bytes((0x81, len(text))) + text


async def with_session(
    transport: Transport, revision: int, sent: bytes, work: Callable[[Session], Awaitable[None]]
) -> None:
    """`work` on a session whose server sends `sent` in one piece, as frames or as the body of a handshake."""
    RECORDING.set(Recording())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if "Sec-WebSocket-Key" in head:
            key = head.partition("Sec-WebSocket-Key: ")[2].split("\r\n")[0]
            writer.write(
                b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %s\r\n\r\n%s"
                % (accept_key(key).encode(), sent if transport == "websocket" else b"")
            )
        else:
            body = b"ok" if "sid=" in head else sent
            writer.write(OVER_HTTP % (len(body), body))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = parse_url(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        session = await open_session(
            address, Timing(20.0, 20.0), transport, poll=False, revision=REVISIONS[revision]
        )
        try:
            await work(session)
        finally:
            await session.release()


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b"\xc1\x00", "reserved bits 0x40 in a frame"),
        (text_frame(b"4\xff"), "text frame is not UTF-8 at byte 1"),
        (b"\x80\x00", "continuation frame without a start"),
    ],
)
def test_what_comes_before_a_wrong_frame_in_one_read_counts(bad: bytes, error: str) -> None:
    async def work(session: Session) -> None:
        assert await session.until(lambda: session.closure is not None, 20)

        assert [packet.data for packet in session.inbox] == [["good"]]
        assert session.malformed == [error]
        meanings = [entry.meaning for entry in RECORDING.get().read()]
        assert meanings.index('EVENT ["good"]') < meanings.index("invalid WebSocket frame")

    sent = text_frame(OPEN_4.encode()) + text_frame(b'42["good"]') + bad
    asyncio.run(with_session("websocket", 4, sent, work))


@pytest.mark.parametrize(
    ("revision", "payload", "error"),
    [
        (4, OPEN_4.encode() + b'\x1e42["good"]\x1e7', "unknown packet type '7'"),
        (4, OPEN_4.encode() + b'\x1e42["good"]\x1e4\xff', "payload is not UTF-8 at byte 100"),
        (3, b'%d:%s10:42["good"]1:7' % (len(OPEN_3), OPEN_3.encode()), "unknown packet type '7'"),
        (3, b'%d:%s10:42["good"]0:' % (len(OPEN_3), OPEN_3.encode()), "length '0' is no number of 1 or more"),
    ],
)
def test_what_comes_before_a_wrong_packet_in_a_payload_counts(
    revision: int, payload: bytes, error: str
) -> None:
    async def work(session: Session) -> None:
        assert [packet.data for packet in session.inbox] == [["good"]]
        (malformed,) = session.malformed
        assert malformed.endswith(f": {error}")

    asyncio.run(with_session("polling", revision, payload, work))


@pytest.mark.parametrize(
    ("revision", "body", "binary", "records"),
    [
        (4, b"2\x1e4\xff", False, ["2", "4\ufffd"]),
        (3, "2:4€1:3?:x", False, ["4€", "3", "?:x"]),
        (3, b"2:4a5:\xff", False, ["4a", "5:\ufffd"]),
        (3, b"\x00\x04\xff4\xe2\x82\xac\x01\x02\xff\x04\x01\x00\x09\xff4", True,
         ["4€", b"\x04\x01", b"\x00\x09\xff4"]),
    ],
)  # fmt: skip
def test_a_transcript_shows_what_can_be_told_apart_before_the_rest(
    revision: int, body: str | bytes, binary: bool, records: list[str | bytes]
) -> None:
    assert REVISIONS[revision].split(body, binary) == records


def test_offsets_are_cut_off_once_a_namespace_has_a_private_id() -> None:
    """Also off events that are replayed before the answer to CONNECT; questions have none."""
    texts = (
        OPEN_4,
        '42["missed",1,"o1"]',
        '42/b,["other","text"]',
        '40{"sid":"s","pid":"p"}',
        '42["bare","o2"]',
        '427["question","text"]',
        '42["none",3]',
        '42/b,["other","more"]',
    )

    async def work(session: Session) -> None:
        assert await session.until(lambda: len(session.inbox) == len(texts) - 1, 20)

        missed, other, connected, bare, question, none, more = session.inbox
        assert [missed.data, bare.data, question.data] == [["missed", 1], ["bare"], ["question", "text"]]
        assert [other.data, none.data, more.data] == [["other", "text"], ["none", 3], ["other", "more"]]
        assert connected.data == {"sid": "s", "pid": "p"}
        assert [session.offsets.of(event) for event in (missed, bare, question, none)] == [
            "o1",
            "o2",
            None,
            None,
        ]
        assert session.offsets.pids == {"/": "p"}
        assert session.offsets.last == {"/": "o2"}

    sent = b"".join(text_frame(text.encode()) for text in texts)
    asyncio.run(with_session("websocket", 4, sent, work))


def test_without_a_private_id_the_last_argument_is_one_unless_offsets_are_expected_everywhere() -> None:
    texts = (OPEN_3, "40", '42["early","o1"]', '42["late",1,"o2"]')

    async def work(session: Session) -> None:
        assert await session.until(lambda: len(session.inbox) == 3, 20)
        assert [packet.data for packet in session.inbox[1:]] == [["early", "o1"], ["late", 1, "o2"]]

        session.offsets.expect_unannounced()
        assert [packet.data for packet in session.inbox[1:]] == [["early"], ["late", 1]]

    sent = b"".join(text_frame(text.encode()) for text in texts)
    asyncio.run(with_session("websocket", 3, sent, work))


def test_a_close_packet_over_websocket_closes_nothing_by_itself() -> None:
    """The official clients do not act on it. The end of the WebSocket closes the session."""

    async def left_open(session: Session) -> None:
        assert await session.until(lambda: bool(session.packets(EnginePacketType.CLOSE)), 20)
        assert session.closure is None

    async def ended(session: Session) -> None:
        assert await session.until(lambda: session.closure is not None, 20)
        assert str(session.closure) == "Engine.IO close packet, then WebSocket close 1000"

    sent = text_frame(OPEN_4.encode()) + text_frame(b"1")
    asyncio.run(with_session("websocket", 4, sent, left_open))
    asyncio.run(with_session("websocket", 4, sent + b"\x88\x02\x03\xe8", ended))


def test_a_session_whose_case_ends_in_mid_upgrade_is_released() -> None:
    """Another part of the case may still be upgrading it. Nobody waits for its WebSocket."""

    async def upgrade_late(session: Session) -> None:
        websocket = await open_websocket(session.address, session.query("websocket"), seconds=20)
        assert isinstance(websocket, WebSocket)
        releasing = asyncio.create_task(session.release())
        await asyncio.sleep(0)
        session.use(websocket)
        async with asyncio.timeout(20):
            await releasing

    asyncio.run(with_session("polling", 4, OPEN_4.encode(), upgrade_late))
