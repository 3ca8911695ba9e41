"""Engine.IO 3: handshake, messages and what closes a session.

The runner gives these cases a `target` that opens sessions of revision 3.
"""

import asyncio
import json
from typing import Any

from conformance.client.http import Answer, NoAnswer
from conformance.client.session import Session, Transport
from conformance.client.transcript import quoted
from conformance.client.websocket import WebSocket
from conformance.expect import (
    REFUSED_METHOD,
    connect_main_namespace,
    expect_closed,
    expect_equal,
    expect_event,
    expect_gone,
    expect_refused,
    expect_served,
    expect_status,
)
from conformance.races import no_race
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import EnginePacket, EnginePacketType, RemoteProtocolError, SocketPacketType, engineio3

POLLING = "EIO=3&transport=polling"
PONG = EnginePacket(EnginePacketType.PONG)
NOOP = EnginePacket(EnginePacketType.NOOP)


async def open_data(target: Target, transport: str) -> dict[str, Any]:
    """What the first packet of a handshake says. Raises Violation if it is not an OPEN packet."""
    try:
        if transport == "polling":
            answer = expect_status(await target.request("GET", POLLING), 200)
            packet, *_ = engineio3.decode_payload(answer.body, binary=answer.is_binary)
        else:
            websocket = await target.websocket("EIO=3&transport=websocket")
            if not isinstance(websocket, WebSocket):
                raise Violation("101 Switching Protocols", str(websocket))
            async with asyncio.timeout(target.timing.answer):
                message = await websocket.receive()
            packet = engineio3.decode_packet(message if isinstance(message, str) else "")
        engineio3.decode_open(packet)
    except (RemoteProtocolError, TimeoutError) as error:
        raise Violation("an OPEN packet", str(error) or "no packet") from None
    data: dict[str, Any] = json.loads(packet.data)
    return data


@requirement("EIO3-01")
async def test_eio3_opens_a_session(target: Target, transport: Transport) -> None:
    """`96:0{"sid":…}` over polling, `0{"sid":…}` over WebSocket; maxPayload may come with it."""
    data = await open_data(target, transport)

    keys = sorted(data.keys() - {"maxPayload"})
    expect_equal(keys, ["pingInterval", "pingTimeout", "sid", "upgrades"], what="keys")


@requirement("EIO3-01")
async def test_eio3_offers_the_upgrades_that_there_are(target: Target, transport: Transport) -> None:
    """On polling it offers WebSocket if it upgrades, on WebSocket nothing."""
    data = await open_data(target, transport)

    upgrades = ["websocket"] if transport == "polling" and target.capabilities["upgrade"] else []
    expect_equal(data["upgrades"], upgrades, what="upgrades")


@requirement("EIO3-11")
async def test_eio3_allows_other_origins(target: Target) -> None:
    """The origin or `*` in the answer to a handshake and to a poll."""
    origin = ("Origin", "http://other.example")
    handshake = expect_status(await target.request("GET", POLLING, headers=(origin,)), 200)
    session = await target.open("polling", poll=False)

    push = await session.request("POST", headers=(origin,), body=b"1:2")

    for answer in (handshake, expect_status(push, 200)):
        allowed = answer.header("access-control-allow-origin")
        expect_equal(allowed, origin[1], "*", what="Access-Control-Allow-Origin")


WRONG_TRANSPORTS = ("EIO=3", "EIO=3&transport=abc")


@requirement("EIO3-13")
async def test_eio3_refuses_a_wrong_transport(target: Target) -> None:
    """Missing, and one that nobody knows."""
    for query in WRONG_TRANSPORTS:
        expect_status(await target.request("GET", query), 400)
    await expect_served(target)


@requirement("EIO3-25")
async def test_eio3_refuses_a_websocket_with_a_wrong_transport(target: Target) -> None:
    """Missing, and one that nobody knows."""
    for query in WRONG_TRANSPORTS:
        await expect_refused(target, await target.websocket(query))


@requirement("EIO3-14")
async def test_eio3_a_close_packet_ends_the_session(target: Target, transport: Transport) -> None:
    """Later requests get HTTP 400; a WebSocket is closed."""
    session = await connect_main_namespace(target, transport)
    if transport == "polling":
        await session.push("1:1")
        await session.stop_polling()
        await expect_gone(target, session)
        await expect_served(target)
        return

    await session.send("1")

    await expect_closed(target, session)


@requirement("EIO3-14")
async def test_eio3_a_close_packet_ends_the_poll(target: Target) -> None:
    """By `1:6`."""
    for _ in range(3):
        session, poll = await pending_poll(target)

        await session.push("1:1")

        packets = packets_of(expect_status(await poll, 200))
        if packets != [PONG]:
            expect_equal(packets, [NOOP], what="packets")
            return
    raise no_race(target, "the CLOSE met no pending poll in any of three tries")


def packets_of(answer: Answer) -> list[EnginePacket]:
    """The packets in the answer to a poll, whether it is text or binary. Raises Violation."""
    try:
        return [*engineio3.decode_payload(answer.body, binary=answer.is_binary)]
    except RemoteProtocolError as error:
        raise Violation("a payload", f"{quoted(answer.body, 60)}: {error}") from None


async def pending_poll(target: Target) -> tuple[Session, asyncio.Task[Answer | NoAnswer]]:
    """A connected session and a poll of it that waits at the server. Raises Inconclusive.

    The pong to an earlier ping may still end it. Then the case asks again.
    """
    session = await connect_main_namespace(target, poll=False)
    session.answer_pings = False
    for _ in range(3):
        poll = asyncio.create_task(session.poll_once())
        await target.request("GET", POLLING)  # the poll is there by now
        if not poll.done():
            return session, poll
    raise no_race(target, f"the poll did not wait: {poll.result()}")


@requirement("EIO3-16")
async def test_eio3_text_goes_both_ways(target: Target, transport: Transport) -> None:
    """One MESSAGE packet there, one back."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message","hello"]')

    await expect_event(session, "message-back", "hello", kind=SocketPacketType.EVENT)
    kinds = [item.packet.type.name for item in session.received if "hello" in str(item.packet.data)]
    expect_equal(kinds, ["MESSAGE"], what="packets that hold the text:")


@requirement("EIO3-17")
async def test_eio3_closes_on_a_packet_that_is_none(target: Target, transport: Transport) -> None:
    """`abc`, over polling without a length."""
    session = await connect_main_namespace(target, transport)

    await (session.push("abc") if transport == "polling" else session.send("abc"))

    await expect_closed(target, session)


@requirement("EIO3-17")
async def test_eio3_closes_on_an_unknown_packet_type(target: Target, transport: Transport) -> None:
    """Type 7, with its right length over polling."""
    session = await connect_main_namespace(target, transport)

    await session.send("7abc")

    await expect_closed(target, session)


@requirement("EIO3-18")
async def test_eio3_closes_on_overlapping_polls(target: Target) -> None:
    """The second gets HTTP 400 or 500, and so does a push."""
    for _ in range(3):
        session, first = await pending_poll(target)
        try:
            second = await session.request("GET", seconds=target.timing.close)
            # Now, because giving up the first would end the session by itself.
            pushed = await session.send('42["message",1]')
            if not (first.done() and is_pong(first.result())):
                expect_status(second, 400, 500)
                expect_status(pushed, 400)
                await expect_served(target)
                return
        finally:
            first.cancel()
    raise no_race(target, "two polls did not overlap in any of three tries")


def is_pong(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, Answer) and answer.status == 200 and packets_of(answer) == [PONG]


@requirement("EIO3-21")
async def test_eio3_refuses_a_websocket_with_an_unknown_eio(target: Target) -> None:
    """`EIO=abc`: servers that know one revision need not look at it."""
    await expect_refused(target, await target.websocket("EIO=abc&transport=websocket"))


@requirement("EIO3-22")
async def test_eio3_refuses_a_handshake_by_post(target: Target) -> None:
    """A POST without sid."""
    answer = await target.request("POST", POLLING, body=b"1:2")

    expect_status(answer, *REFUSED_METHOD)
    await expect_served(target)


UNKNOWN = "&sid=AAAAAAAAAAAAAAAAAAAA"


@requirement("EIO3-24")
async def test_eio3_refuses_an_unknown_session(target: Target) -> None:
    """HTTP 400 to a poll and a push."""
    expect_status(await target.request("GET", POLLING + UNKNOWN), 400)
    expect_status(await target.request("POST", POLLING + UNKNOWN, body=b"1:2"), 400)
    await expect_served(target)


@requirement("EIO3-27")
async def test_eio3_refuses_a_websocket_with_an_unknown_session(target: Target) -> None:
    """No WebSocket stays open."""
    await expect_refused(target, await target.websocket(f"EIO=3&transport=websocket{UNKNOWN}"))
