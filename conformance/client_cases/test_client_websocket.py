"""WebSocket: frames in every shape, and connections that end."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import shown
from conformance.client_cases.test_client_heartbeat import beating
from conformance.client_expect import (
    ANSWER_SECONDS,
    connected,
    expect_alive,
    expect_event,
    expect_over,
    expect_packet,
    expect_said,
    expect_told,
    opened,
)
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import Opcode, SocketPacketType, encode_frame

EVENT = SocketPacketType.EVENT
TEXT, CONTINUATION, PING, PONG = Opcode.TEXT, Opcode.CONTINUATION, Opcode.PING, Opcode.PONG


def frame(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    """A frame as servers send it."""
    return encode_frame(opcode, payload, fin=fin, masked=False)


@requirement("CLI-WS-01")
async def test_asks_for_a_websocket_by_the_rules(stage: Stage, app: App, transport: Transport) -> None:
    await opened(stage, app, transport)

    request = next(one for one in stage.requests if one.is_websocket)
    key = request.header("sec-websocket-key") or ""
    wanted = {"sec-websocket-version": "13", "host": f"{stage.host}:{stage.port}"}
    for name, value in wanted.items():
        if request.header(name) != value:
            raise Violation(f"{name}: {value}", f"{name}: {request.header(name)}")
    if len(key) != 24 or not key.endswith("=="):
        raise Violation("Sec-WebSocket-Key of 16 bytes in base64", f"Sec-WebSocket-Key: {key}")
    if "upgrade" not in (request.header("connection") or "").lower():
        raise Violation("Connection: Upgrade", f"Connection: {request.header('connection')}")


@requirement("CLI-WS-02")
async def test_masks_each_frame(stage: Stage, app: App, transport: Transport) -> None:
    pings = stage.revision.client_pings
    if pings:
        stage.does.open = beating(transport, 100, 20_000)
    session = await connected(stage, app, transport)

    for _ in range(5):
        if not pings:
            await session.send("2")
        await expect_said(session, "2" if pings else "3", what="a PING" if pings else "a PONG")


async def expect_no_websocket(stage: Stage, app: App, transport: str) -> None:
    """The client takes the answer for no WebSocket, and the application is told."""
    await app.connect(transport, timeout=1000)
    await expect_told(app, seconds=8)
    if app.all("connect"):
        raise Violation(
            "no connection over a WebSocket that was not opened rightly", "the application is connected"
        )


@requirement("CLI-WS-04")
async def test_refuses_a_wrong_accept_key(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.websocket = {"Sec-WebSocket-Accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}

    await expect_no_websocket(stage, app, transport)


@requirement("CLI-WS-04")
async def test_refuses_an_extension_that_it_did_not_offer(
    stage: Stage, app: App, transport: Transport
) -> None:
    stage.does.websocket = {"Sec-WebSocket-Extensions": "x-unheard-of"}

    await expect_no_websocket(stage, app, transport)


@requirement("CLI-WS-04")
async def test_refuses_a_subprotocol_that_it_did_not_offer(
    stage: Stage, app: App, transport: Transport
) -> None:
    stage.does.websocket = {"Sec-WebSocket-Protocol": "unheard-of"}

    await expect_no_websocket(stage, app, transport)


@requirement("CLI-WS-05")
async def test_joins_fragments(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    payload = '42["news","日本"]'.encode()

    parts = [payload[:11], payload[11:12], payload[12:]]  # in the middle of a character
    opcodes = (TEXT, CONTINUATION, CONTINUATION)
    frames = [
        frame(opcode, part, fin=n == 2) for n, (opcode, part) in enumerate(zip(opcodes, parts, strict=True))
    ]
    session.open_socket().write(frames[0] + frame(PING, b"between") + frames[1] + frames[2])

    await expect_event(app, "news", "日本")


@requirement("CLI-WS-06")
async def test_reads_frames_byte_by_byte(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    session.open_socket().write(frame(TEXT, '42["news","é"]'.encode()), cut=1)

    await expect_event(app, "news", "é")


@requirement("CLI-WS-06")
async def test_reads_several_frames_at_once(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    session.open_socket().write(b"".join(frame(TEXT, b'42["news",%d]' % number) for number in range(20)))

    for number in range(20):
        await expect_event(app, "news", number)


@requirement("CLI-WS-07")
async def test_reads_frames_of_each_length(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    around = len('42["news",""]')

    for length in (125, 126, 65_535, 65_536, 300_000):
        await session.send(f'42["news","{"x" * (length - around)}"]')
        [text] = await expect_event(app, "news")
        if len(text) != length - around:
            raise Violation(f"a text of {length - around} characters", f"{len(text)} characters")


@requirement("CLI-WS-08")
async def test_answers_a_ping_frame(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    socket = session.open_socket()

    socket.write(frame(PING, b"are you there?"))

    if not await session.until(lambda: bool(socket.control)):
        raise Violation("a pong frame", f"none within {ANSWER_SECONDS:.0f} s")
    answer = socket.control[0]
    if answer.opcode is not PONG or answer.payload != b"are you there?":
        raise Violation("a pong frame with the data of the ping", f"{answer.opcode.name} {answer.payload!r}")


@requirement("CLI-WS-09")
async def test_answers_a_close_frame(stage: Stage, app: App, transport: Transport) -> None:
    for code in (1000, 1001, 1009, 1011, None):
        session = await connected(stage, app, transport)
        socket = session.open_socket()

        socket.close(code)

        if not await session.until(lambda: socket.closed_by_client is not None):  # noqa: B023 - asked at once
            raise Violation("a close frame", session.over or f"none within {ANSWER_SECONDS:.0f} s")
        await expect_told(app, "disconnect")


@requirement("CLI-WS-10")
async def test_tells_that_tcp_was_reset(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    session.open_socket().end(reset=True)

    await expect_told(app, "disconnect")


@requirement("CLI-WS-10")
async def test_tells_that_tcp_ended(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    session.open_socket().end()

    await expect_told(app, "disconnect")


async def expect_failed(stage: Stage, app: App, transport: str, data: bytes) -> None:
    """The client fails the connection when these bytes come."""
    session = await connected(stage, app, transport)
    session.open_socket().write(data)
    await expect_over(session, "the client fails the connection")


@requirement("CLI-WS-11")
async def test_fails_on_a_masked_frame(stage: Stage, app: App, transport: Transport) -> None:
    await expect_failed(stage, app, transport, encode_frame(TEXT, b'42["news",1]', mask=b"abcd"))


@requirement("CLI-WS-11")
async def test_fails_on_reserved_bits(stage: Stage, app: App, transport: Transport) -> None:
    await expect_failed(stage, app, transport, b"\xb1" + frame(TEXT, b'42["news",1]')[1:])


@requirement("CLI-WS-11")
async def test_fails_on_an_unknown_opcode(stage: Stage, app: App, transport: Transport) -> None:
    await expect_failed(stage, app, transport, b"\x83\x01x")


@requirement("CLI-WS-11")
async def test_fails_on_a_fragmented_control_frame(stage: Stage, app: App, transport: Transport) -> None:
    await expect_failed(stage, app, transport, b"\x09\x01x")


@requirement("CLI-WS-11")
async def test_fails_on_text_that_is_not_utf8(stage: Stage, app: App, transport: Transport) -> None:
    await expect_failed(stage, app, transport, frame(TEXT, b'42["news","\xff"]'))


@requirement("CLI-WS-12")
async def test_sends_large_messages_in_order(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    texts = ["small", "x" * 70_000, "between", "é" * 500_000, "last"]

    for text in texts:
        await app.emit("from app", text)

    for text in texts:
        packet = await expect_packet(session, EVENT)
        if packet.data != ["from app", text]:
            raise Violation(f"{shown(text[:20])}, {len(text)} characters", shown(packet.data)[:60])


@requirement("CLI-WS-13")
async def test_opens_one_websocket(stage: Stage, app: App, transport: Transport) -> None:
    session: Session = await connected(stage, app, transport)

    await expect_alive(session, app)


@requirement("CLI-WS-03")
async def test_uses_no_extension_without_consent(stage: Stage, app: App, transport: Transport) -> None:
    """The stage accepts none, whatever the client offers."""
    session = await connected(stage, app, transport)

    await app.emit("from app", "x" * 5000)  # long enough to be compressed

    packet = await expect_packet(session, EVENT)
    if packet.data != ["from app", "x" * 5000]:
        raise Violation("5000 times x", shown(packet.data)[:60])
    await expect_alive(session, app)
