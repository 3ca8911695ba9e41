"""Engine.IO 3: handshake, polling payloads, frames, messages and what closes a session.

The runner gives these cases a `target` that opens sessions of revision 3.
"""

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote

from conformance.client.http import Answer, NoAnswer
from conformance.client.session import Session, Transport
from conformance.client.transcript import quoted
from conformance.client.websocket import WebSocket
from conformance.expect import (
    REFUSED_METHOD,
    connect_main_namespace,
    expect_ack,
    expect_closed,
    expect_equal,
    expect_event,
    expect_gone,
    expect_packet,
    expect_refused,
    expect_served,
    expect_status,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, Violation
from sioprobe.wire import EnginePacket, EnginePacketType, RemoteProtocolError, SocketPacketType, engineio3
from sioprobe.wire.cookies import Cookies

POLLING = "EIO=3&transport=polling"
B64 = "&b64=1"
PONG = EnginePacket(EnginePacketType.PONG)
NOOP = EnginePacket(EnginePacketType.NOOP)
FOUR_BYTES = b"\x01\x02\x03\x04"
HEADER = '451-["message",{"_placeholder":true,"num":0}]'


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


@requirement("EIO3-02")
async def test_eio3_lengths_count_utf_16_code_units(target: Target) -> None:
    """One unit of three bytes and a pair of four, and another packet behind them in the payload."""
    session = await connect_main_namespace(target, parameters=B64)

    await session.push('30:421["message-with-ack","€\U0001f600€"]27:422["message-with-ack","b"]')

    await expect_acks(session, {1: ["€\U0001f600€"], 2: ["b"]})


async def expect_acks(session: Session, wanted: dict[int, list[Any]]) -> None:
    """Arguments by the id of the ack, in any order: a server may handle events at the same time."""
    acks = [await expect_packet(session, SocketPacketType.ACK) for _ in wanted]
    expect_equal({ack.ack_id: ack.data for ack in acks}, wanted, what="arguments by ack id")


@requirement("EIO3-03")
async def test_eio3_takes_several_packets_of_one_payload(target: Target) -> None:
    """Three events in one push, and the acks in one answer or in several."""
    session = await connect_main_namespace(target, parameters=B64)

    await session.push(
        '25:421["message-with-ack",1]27:422["message-with-ack","2"]27:423["message-with-ack",[3]]'
    )

    await expect_acks(session, {1: [1], 2: ["2"], 3: [[3]]})


async def poll_for_event(session: Session) -> list[Answer]:
    """The answers to polls, until there is a whole event that is not `auth`."""
    answers: list[Answer] = []
    for _ in range(6):  # pongs may come first, and an event's attachments after it
        if any(packet.data[:1] == ["message-back"] for packet in session.inbox if packet.data):
            return answers
        answer = await session.poll_once()
        if not isinstance(answer, Answer) or answer.status != 200:
            raise Violation("HTTP 200 to a poll", str(answer))
        answers.append(answer)
    return answers


@requirement("EIO3-04")
async def test_eio3_takes_base64(target: Target) -> None:
    """A push of text with the attachment as `b4AQIDBA==`."""
    session = await connect_main_namespace(target, parameters=B64)

    await session.push(f"45:{HEADER}10:b4AQIDBA==")

    await expect_event(session, "message-back", FOUR_BYTES)


@requirement("EIO3-04")
async def test_eio3_sends_base64(target: Target) -> None:
    """The answer is text and holds `10:b4AQIDBA==`."""
    session = await connect_main_namespace(target, poll=False, parameters=B64)
    await session.push(f"45:{HEADER}10:b4AQIDBA==")

    answers = await poll_for_event(session)

    await expect_event(session, "message-back", FOUR_BYTES)
    expect_equal([answer.is_binary for answer in answers], [False] * len(answers), what="binary answers")
    expect_equal(any(b"10:b4AQIDBA==" in answer.body for answer in answers), True, what="base64 packet:")


@requirement("EIO3-05")
async def test_eio3_takes_a_binary_payload(target: Target) -> None:
    """Text that is not ASCII and an attachment in one push of `application/octet-stream`."""
    session = await connect_main_namespace(target)

    await session.push(
        b'\x00\x02\x09\xff421["message-with-ack","\xe2\x82\xac"]'
        b'\x00\x04\x05\xff451-["message",{"_placeholder":true,"num":0}]'
        b"\x01\x05\xff\x04\x01\x02\x03\x04",
        binary=True,
    )

    await expect_ack(session, 1, "€")
    await expect_event(session, "message-back", FOUR_BYTES)


@requirement("EIO3-05")
async def test_eio3_sends_a_binary_payload(target: Target) -> None:
    """The attachment is `01 05 ff 04 01 02 03 04` in an answer of `application/octet-stream`."""
    session = await connect_main_namespace(target, poll=False)
    await session.send(HEADER, FOUR_BYTES)

    answers = await poll_for_event(session)

    await expect_event(session, "message-back", FOUR_BYTES)
    record = b"\x01\x05\xff\x04" + FOUR_BYTES
    found = [answer.is_binary for answer in answers if record in answer.body]
    expect_equal(found, [True], what="answers that hold the attachment, and whether they are binary:")


@requirement("EIO3-06")
async def test_eio3_a_binary_frame_starts_with_its_type(target: Target, transport: Transport) -> None:
    """`04` and the data, both ways."""
    session = await connect_main_namespace(target, transport)

    await session.websocket.send(HEADER)
    await session.websocket.send(b"\x04" + FOUR_BYTES)

    await expect_event(session, "message-back", FOUR_BYTES)


@requirement("EIO3-10")
async def test_eio3_answers_jsonp(target: Target) -> None:
    """The handshake and the poll that follows are scripts that call `___eio[7]`.

    A script cannot hold binary data, so clients ask for base64 in each request.
    """
    client = target.address.new_cookies()
    query, _ = await jsonp_handshake(target, client, 7)

    # CONNECT of `/` or the contract's `auth` is due to it.
    polled = expect_status(await target.request("GET", query, cookies=client), 200)

    script_packets(polled, 7)


async def jsonp_handshake(target: Target, client: Cookies, number: int) -> tuple[str, list[EnginePacket]]:
    """The query of the session's further requests, and the packets of the handshake."""
    query = f"{POLLING}&j={number}{B64}"
    handshake = expect_status(await target.request("GET", query, cookies=client), 200)
    packets = script_packets(handshake, number)
    return f"{query}&sid={quote(engineio3.decode_open(packets[0]).session_id)}", packets


def script_packets(answer: Answer, number: int) -> list[EnginePacket]:
    """The packets of a JSONP answer. JavaScript writes a string between either quotes."""
    start, end = f"___eio[{number}](", ");"
    text = answer.text.strip()
    if not text.startswith(start) or not text.endswith(end):
        raise Violation(f'{start}"…"{end}', quoted(text, 60))
    try:
        return [*engineio3.decode_payload(str(json.loads(in_double_quotes(text[len(start) : -len(end)]))))]
    except ValueError as error:
        raise Violation("a payload in a string", str(error)) from None


def in_double_quotes(literal: str) -> str:
    if not re.fullmatch(r"'.*'", literal, re.DOTALL):
        return literal
    swapped = {"\\'": "'", '"': '\\"'}
    inside = re.sub(r'\\.|"', lambda found: swapped.get(found[0], found[0]), literal[1:-1])
    return f'"{inside}"'


@requirement("EIO3-10")
async def test_eio3_takes_a_jsonp_push(target: Target) -> None:
    """A form whose field d is the payload. As clients do, it escapes twice a newline that JSON escapes."""
    client = target.address.new_cookies()
    query, seen = await jsonp_handshake(target, client, 0)
    await poll_script_for(target, query, client, "0", seen)

    pushed = await target.request(
        "POST",
        query,
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"d=30%3A421%5B%22message-with-ack%22%2C%22a%5C%5Cnb%22%5D",
        cookies=client,
    )

    expect_status(pushed, 200)
    await poll_script_for(target, query, client, '31["a\\nb"]', seen)


async def poll_script_for(
    target: Target, query: str, client: Cookies, start: str, seen: list[EnginePacket]
) -> None:
    """Poll until a message that starts so is among the packets `seen`."""
    for _ in range(5):  # `auth` and pongs may come first, each by itself
        messages = [str(packet.data) for packet in seen if packet.type is EnginePacketType.MESSAGE]
        if any(message.startswith(start) for message in messages):
            return
        polled = expect_status(await target.request("GET", query, cookies=client), 200)
        seen += script_packets(polled, 0)
    raise Violation(f"a message that starts with {start}", f"messages {messages}")


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
            break
    expect_equal(packets, [NOOP], what="packets")


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
    raise Inconclusive(f"the poll did not wait: {poll.result()}")


@requirement("EIO3-16")
async def test_eio3_text_goes_both_ways(target: Target, transport: Transport) -> None:
    """One MESSAGE packet there, one back."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message","hello"]')

    await expect_event(session, "message-back", "hello", kind=SocketPacketType.EVENT)
    kinds = [item.packet.type for item in session.received if "hello" in str(item.packet.data)]
    expect_equal(kinds, [EnginePacketType.MESSAGE], what="packets that hold the text:")


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
                break
        finally:
            first.cancel()

    expect_status(second, 400, 500)
    expect_status(pushed, 400)
    await expect_served(target)


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
