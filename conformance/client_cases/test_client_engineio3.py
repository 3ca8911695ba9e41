"""Engine.IO 3: lengths before packets, the type before binary data, and a client that pings."""

from __future__ import annotations

import asyncio

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import shown
from conformance.client_cases.test_client_handshake import expect_handshake, expect_sid_in_each_request
from conformance.client_cases.test_client_heartbeat import EARLY, LATE, beating, expect_end
from conformance.client_cases.test_client_polling import expect_many_packets
from conformance.client_expect import (
    ANSWER_SECONDS,
    connected,
    expect_alive,
    expect_closed_or_alive,
    expect_event,
    expect_packet,
    expect_said,
    opened,
)
from conformance.requirements import requirement, slow
from conformance.stage.requests import Answer
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import SocketPacketType

EVENT, BINARY_EVENT = SocketPacketType.EVENT, SocketPacketType.BINARY_EVENT
TEXTS = ("plain", "é", "日本", "😀 and 𝄞", "7:4", "")
BYTES = bytes(range(256))
PLACE = '451-["news",{"_placeholder":true,"num":0}]'
WRONG_LENGTHS = ('42["news",1]', "x:6", ":6", "-1:6", "5:6", "1:6x", "")
ODD_FRAMES = (b"", b"\x09\x01", b"\x02", b"\xff")
INTERVAL = 0.5  # seconds: pingInterval


async def anew(stage: Stage, app: App, transport: str) -> Session:
    """A session of its own. The application leaves the one before."""
    if stage.taken:
        await app.do("disconnect", namespace="/")
    session = await connected(stage, app, transport)
    app.seen.clear()
    return session


@requirement("CLI3-01")
async def test_begins_with_a_get_that_says_eio_3(stage: Stage, app: App, transport: Transport) -> None:
    await opened(stage, app, transport)

    expect_handshake(stage, transport)


@requirement("CLI3-02")
async def test_says_eio_3_in_each_request(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await app.emit("from app", 1)
    await expect_packet(session, EVENT)

    expect_sid_in_each_request(stage, session)


@requirement("CLI3-03")
async def test_reads_lengths_in_utf_16(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send(*(f'42["news","{text}"]' for text in TEXTS), "6", '42["news","last"]')

    for text in (*TEXTS, "last"):
        await expect_event(app, "news", text)


@requirement("CLI3-03")
async def test_reads_each_packet_of_a_long_payload(stage: Stage, app: App, transport: Transport) -> None:
    await expect_many_packets(stage, app, transport)


@requirement("CLI3-04")
async def test_writes_lengths_in_utf_16(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    stage.does.push_seconds = 0.2  # what follows the first goes together

    for text in TEXTS:
        await app.emit("from app", text)

    for text in TEXTS:
        packet = await expect_packet(session, EVENT)
        if packet.data != ["from app", text]:
            raise Violation(shown(["from app", text]), shown(packet.data))


async def connected_for_binary(stage: Stage, app: App, transport: str) -> Session:
    """A session in which binary data goes as it is."""
    session = await connected(stage, app, transport)
    if session.base64:
        raise NotApplicable("the client asks for base64")
    return session


async def exchange_binary(session: Session, app: App) -> None:
    """Binary data arrives unchanged in both directions, with text before and behind it."""
    await session.send('42["news","é"]', PLACE, BYTES, '42["news","behind"]')
    for value in ("é", BYTES, "behind"):
        await expect_event(app, "news", value)

    await app.emit("from app", BYTES, "é")
    packet = await expect_packet(session, EVENT, BINARY_EVENT)
    if packet.type is not BINARY_EVENT or packet.data != ["from app", BYTES, "é"]:
        raise Violation("BINARY_EVENT with 256 bytes and a text", shown(packet))


@requirement("CLI3-05")
async def test_exchanges_base64(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, forceBase64=True)
    if not session.base64:
        raise NotApplicable("the client does not ask for base64")

    await exchange_binary(session, app)

    kinds = {push.header("content-type") or "none" for push in session.pushes}
    if any(kind.startswith("application/octet-stream") for kind in kinds):
        raise Violation("text payloads", f"Content-Type: {', '.join(sorted(kinds))}")


@requirement("CLI3-06")
async def test_exchanges_binary_payloads(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected_for_binary(stage, app, transport)

    await exchange_binary(session, app)


@requirement("CLI3-07")
async def test_frames_binary_with_its_type(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected_for_binary(stage, app, transport)

    await exchange_binary(session, app)

    for first in (b"", b"\x04", b"4", b"b", b"\x00"):
        await session.send(PLACE, first)
        await expect_event(app, "news", first)


@slow
@requirement("CLI3-08")
async def test_pings_again_and_again(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 1000 * INTERVAL, 20_000)
    session = await opened(stage, app, transport)

    before = None  # the first may come at once
    for _ in range(3):
        said = await expect_said(session, "2", what="a PING each 0.5 s", seconds=INTERVAL + LATE)
        if before is not None and said.at - before < INTERVAL - EARLY:
            raise Violation("a PING 0.5 s after a PONG", f"after {said.at - before:.2f} s")
        before = said.at


@slow
@requirement("CLI3-09")
async def test_leaves_a_server_without_pong(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 1000 * INTERVAL, 1000)
    stage.does.pong = False
    session = await connected(stage, app, transport)

    ping = await expect_said(session, "2", what="a PING", seconds=INTERVAL + LATE)

    await expect_end(app, ping.at, "the session ends pingTimeout after a PING, 1 s")


@slow
@requirement("CLI3-10")
async def test_is_kept_by_any_packet(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 1000 * INTERVAL, 1000)
    stage.does.pong = False
    session = await connected(stage, app, transport)

    for number in range(8):
        await asyncio.sleep(0.3)
        await session.send(f'42["news",{number}]')

    await expect_alive(session, app)


@requirement("CLI3-11")
async def test_takes_a_ping_of_the_server(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send("2")
    await session.send("2abc")

    await expect_alive(session, app)


@requirement("CLI3-12")
async def test_survives_wrong_lengths(stage: Stage, app: App, transport: Transport) -> None:
    for payload in WRONG_LENGTHS:
        session = await anew(stage, app, transport)
        (await session.poll(ANSWER_SECONDS)).answer(Answer(body=payload))
        await expect_closed_or_alive(session, app)


@requirement("CLI3-13")
async def test_survives_odd_binary_frames(stage: Stage, app: App, transport: Transport) -> None:
    for message in ODD_FRAMES:
        session = await anew(stage, app, transport)
        session.open_socket().send(message)
        await expect_closed_or_alive(session, app)
