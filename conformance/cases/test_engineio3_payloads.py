"""Engine.IO 3: how packets are written, as text, as bytes and as scripts.

The runner gives these cases a `target` that opens sessions of revision 3.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote

from conformance.cases.test_engineio3 import POLLING, PONG
from conformance.client.http import Answer, NoAnswer
from conformance.client.session import Session, Transport
from conformance.client.transcript import quoted
from conformance.expect import (
    connect_main_namespace,
    expect_ack,
    expect_equal,
    expect_event,
    expect_packet,
    expect_status,
    is_event,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import EnginePacket, EnginePacketType, SocketPacketType, engineio3
from sioprobe.wire.cookies import Cookies

B64 = "&b64=1"
FOUR_BYTES = b"\x01\x02\x03\x04"
HEADER = '451-["message",{"_placeholder":true,"num":0}]'


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
        if any(is_event(packet, "message-back") for packet in session.inbox):
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
    """Handshake and polls are scripts that call `___eio[7]`, and bring CONNECT and a pong.

    A script cannot hold binary data, so clients ask for base64 in each request.
    """
    client = target.address.new_cookies()
    query, seen = await jsonp_handshake(target, client, 7)

    expect_status(await push_form(target, query, client, b"1%3A2"), 200)

    await poll_scripts(target, query, client, seen, lambda packet: packet == PONG)
    await poll_scripts(target, query, client, seen, connects_main_namespace)


def connects_main_namespace(packet: EnginePacket) -> bool:
    return packet.type is EnginePacketType.MESSAGE and str(packet.data).startswith("0")


async def push_form(target: Target, query: str, client: Cookies, escaped: bytes) -> Answer | NoAnswer:
    form = ("Content-Type", "application/x-www-form-urlencoded")
    return await target.request("POST", query, headers=(form,), body=b"d=" + escaped, cookies=client)


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
    await poll_scripts(target, query, client, seen, connects_main_namespace)

    event = b"30%3A421%5B%22message-with-ack%22%2C%22a%5C%5Cnb%22%5D"
    expect_status(await push_form(target, query, client, event), 200)

    ack = EnginePacket(EnginePacketType.MESSAGE, '31["a\\nb"]')
    await poll_scripts(target, query, client, seen, lambda packet: packet == ack)


async def poll_scripts(
    target: Target,
    query: str,
    client: Cookies,
    seen: list[EnginePacket],
    wanted: Callable[[EnginePacket], bool],
) -> None:
    """Poll until a wanted packet is among those `seen`."""
    number = int(parse_qs(query)["j"][0])
    for _ in range(5):  # each packet may come by itself
        if any(map(wanted, seen)):
            return
        polled = expect_status(await target.request("GET", query, cookies=client), 200)
        seen += script_packets(polled, number)
    came = " ".join(f"{packet.type.value}{packet.data!s}" for packet in seen)
    raise Violation("the answer in a script", f"packets {quoted(came, 200)}")
