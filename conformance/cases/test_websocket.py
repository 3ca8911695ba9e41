"""The WebSocket transport: one packet in each message, one WebSocket for each session, RFC 6455."""

import asyncio

from conformance.client.session import PROTOCOL, Transport
from conformance.client.websocket import Ended, WebSocket
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_alive,
    expect_closed,
    expect_connected,
    expect_equal,
    expect_event,
    expect_packet,
    expect_refused,
    is_event,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable, Violation
from sioprobe.wire import EnginePacketType, Opcode, SocketPacketType, encode_frame


@requirement("EIO-WS-02")
async def test_each_frame_holds_one_packet(target: Target, transport: Transport) -> None:
    """Events that are emitted together, and attachments, come in frames of their own."""
    session = await connect_main_namespace(target, transport)
    room = f"frames-{transport}"
    await ask(session, "join", room)  # a server may handle events at the same time

    await session.emit("burst", 5, 1)
    await session.emit("in", room, "two-attachments", b"\x01", b"\x02")

    # The two events are independent: either may come first.
    found = await session.take(lambda packet: is_event(packet, "two-attachments"))
    expect_equal(found and found.data[1:], [b"\x01", b"\x02"], what="attachments")
    for number in range(5):
        await expect_event(session, "b", number, "x")
    packets = [item.packet.data for item in session.packets(EnginePacketType.MESSAGE)]
    if any(isinstance(data, str) and "\x1e" in data for data in packets):
        raise Violation("one packet a frame", "a frame with a record separator")


@requirement("EIO-WS-02")
async def test_packets_of_the_upgrade_come_in_frames_of_their_own(target: Target) -> None:
    """The server sends together what waited for the end of the upgrade."""
    if not target.capabilities["upgrade"]:
        raise NotApplicable("the server has no upgrade")
    session = await connect_main_namespace(target)
    websocket = await session.open_probe()
    if not isinstance(websocket, WebSocket):
        raise Inconclusive(f"upgrade: {websocket}")
    if await websocket.probe(target.timing.answer) != "3probe":
        raise Inconclusive("upgrade: the probe was not answered")
    await session.stop_polling()
    await session.emit("burst", 10, 1)

    await websocket.send("5")
    session.use(websocket)

    for number in range(10):
        await expect_event(session, "b", number, "x")


@requirement("EIO-WS-03")
async def test_binary_travels_raw(target: Target, transport: Transport) -> None:
    """The attachment is the whole payload of a binary frame."""
    session = await connect_main_namespace(target, transport)
    session.received.clear()

    await session.emit("message", b"\x01\x02\x03\x04")

    await expect_event(session, "message-back", b"\x01\x02\x03\x04")
    frames = [item.packet.data for item in session.packets(EnginePacketType.MESSAGE)]
    expect_equal(b"\x01\x02\x03\x04" in frames, True, what="binary frame of the four bytes:")


@requirement("EIO-WS-03")
async def test_text_travels_in_text_frames(target: Target) -> None:
    """From the first packet on."""
    if not target.capabilities["websocket"]:
        raise NotApplicable("the server has no websocket")
    websocket = await target.websocket("EIO=4&transport=websocket")
    if not isinstance(websocket, WebSocket):
        raise Inconclusive(f"handshake over WebSocket: {websocket}")

    async with asyncio.timeout(target.timing.answer):
        message = await websocket.receive()

    expect_equal(type(message).__name__, "str", what="type of the OPEN packet's frame:")


@requirement("EIO-WS-04")
async def test_refuses_a_second_websocket_after_the_upgrade(target: Target) -> None:
    """Refused by HTTP 400 or closed at once; the first goes on."""
    session = await connect_main_namespace(target, "upgraded")

    second = await session.open_probe()

    await expect_refused(target, second)
    await expect_alive(session)


@requirement("EIO-WS-05")
async def test_refuses_a_second_websocket_during_the_upgrade(target: Target) -> None:
    """The second gets no answer to its probe."""
    session = await connect_main_namespace(target)
    first = await session.open_probe()
    if not isinstance(first, WebSocket):
        raise Inconclusive(f"upgrade: {first}")
    if await first.probe(target.timing.answer) != "3probe":
        raise Inconclusive("upgrade: the probe was not answered")

    second = await session.open_probe()

    if isinstance(second, WebSocket):
        await second.send("2probe")
    await expect_refused(target, second)


@requirement("EIO-WS-06")
async def test_a_session_needs_no_polling(target: Target) -> None:
    """Handshake and connect over WebSocket alone."""
    websocket = await target.websocket("EIO=4&transport=websocket")
    if not isinstance(websocket, WebSocket):
        raise Violation("101 Switching Protocols", str(websocket))
    websocket.abort()

    session = await target.open("websocket")
    await connect(session)

    await expect_alive(session)


@requirement("EIO-WS-07")
async def test_joins_a_fragmented_message(target: Target, transport: Transport) -> None:
    """One packet in three frames."""
    session = await target.open(transport)

    await session.websocket.send_frame(Opcode.TEXT, b"4", fin=False)
    await session.websocket.send_frame(Opcode.CONTINUATION, b"", fin=False)
    await session.websocket.send_frame(Opcode.CONTINUATION, b"0")

    await expect_connected(session)


@requirement("EIO-WS-07")
async def test_a_character_may_span_two_frames(target: Target, transport: Transport) -> None:
    """`é` has two bytes, one in each frame of the message."""
    session = await target.open(transport)

    await session.websocket.send_frame(Opcode.TEXT, b"40/\xc3", fin=False)
    await session.websocket.send_frame(Opcode.CONTINUATION, b"\xa9,")

    await expect_packet(session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace="/é")


@requirement("EIO-WS-07")
async def test_answers_a_ping_frame(target: Target, transport: Transport) -> None:
    """With a pong frame that repeats its data."""
    session = await target.open(transport)

    await session.websocket.send_frame(Opcode.PING, b"are you there")

    if not await session.until(lambda: session.websocket.pongs != [], target.timing.answer):
        await expect_alive(session)
    expect_equal(session.websocket.pongs, [b"are you there"], what="pong frames")


@requirement("EIO-WS-07")
async def test_answers_a_close_frame(target: Target, transport: Transport) -> None:
    """With a close frame; the connection ends."""
    session = await target.open(transport)

    await session.websocket.send_frame(Opcode.CLOSE, b"\x03\xe8")

    if not await session.until(lambda: session.closure is not None, target.timing.close):
        raise Violation("a close frame", "WebSocket still open")
    by = session.closure.by if session.closure else None
    if not isinstance(by, Ended) or not by.by_a_close_frame:
        raise Violation("a close frame", str(session.closure))


@requirement("EIO-WS-07")
async def test_closes_on_text_that_is_not_utf_8(target: Target, transport: Transport) -> None:
    """A text frame of bytes that UTF-8 does not have."""
    session = await target.open(transport)
    await connect(session)

    await session.websocket.send_frame(Opcode.TEXT, b'42["message","\xff"]')

    await expect_closed(target, session)


@requirement("EIO-WS-07")
async def test_closes_on_a_frame_without_a_mask(target: Target, transport: Transport) -> None:
    """A client must mask its frames."""
    session = await target.open(transport)

    await session.websocket.send_bytes(b"\x81\x02" + b"40")

    await expect_closed(target, session)


@requirement("EIO-WS-07")
async def test_closes_on_compression_that_was_not_agreed_on(target: Target, transport: Transport) -> None:
    """A frame whose first reserved bit is set, although nobody offered permessage-deflate."""
    session = await target.open(transport)

    await session.websocket.send_frame(Opcode.TEXT, b"40", compressed=True)

    await expect_closed(target, session)


@requirement("EIO-WS-07")
async def test_closes_on_a_reserved_bit(target: Target, transport: Transport) -> None:
    """The second and the third have no meaning that anybody knows."""
    for bit in (0x20, 0x10):
        session = await target.open(transport)

        await session.websocket.send_bytes(bytes((0x81 | bit,)) + encode_frame(Opcode.TEXT, b"40")[1:])

        await expect_closed(target, session)


@requirement("EIO-WS-08")
async def test_refuses_a_websocket_of_an_unknown_session(target: Target) -> None:
    """A sid that the server has not given."""
    outcome = await target.websocket(f"{PROTOCOL}&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA")

    await expect_refused(target, outcome)


@requirement("EIO-WS-09")
async def test_closes_on_an_empty_frame(target: Target) -> None:
    """A packet has at least its type."""
    session = await connect_main_namespace(target, "websocket")

    await session.websocket.send_frame(Opcode.TEXT, b"")

    await expect_closed(target, session)
