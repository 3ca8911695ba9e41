"""Binary data: attachments in both directions."""

from __future__ import annotations

from typing import Any

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import describe, shown
from conformance.client_cases.test_client_acks import ask, expect_acked
from conformance.client_cases.test_client_reconnection import cut
from conformance.client_expect import (
    connected,
    expect_alive,
    expect_event,
    expect_joined,
    expect_packet,
    expect_said,
    expect_told,
    next_session,
)
from conformance.expect import same
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import ACKS, EVENTS, SocketPacketType

BINARY_EVENT, BINARY_ACK = SocketPacketType.BINARY_EVENT, SocketPacketType.BINARY_ACK
SMALL = b"\x01\x02\x03\x04"


def place(number: int) -> str:
    """The placeholder of an attachment."""
    return f'{{"_placeholder":true,"num":{number}}}'


async def expect_binary(session: Session, kind: SocketPacketType, data: list[Any]) -> None:
    """The next event or ack is of this binary type, and has this data."""
    kinds = EVENTS if kind in EVENTS else ACKS
    packet = await expect_packet(session, *kinds)
    if packet.type is not kind or not same(packet.data, data):
        raise Violation(f"{kind.name} {shown(data)}", describe(packet))


@requirement("CLI-BN-01")
async def test_puts_attachments_in_their_places(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send(f'452-["news",{place(1)},{{"a":[{place(0)},"between"]}}]', SMALL, b"second")

    await expect_event(app, "news", b"second", {"a": [SMALL, "between"]})


@requirement("CLI-BN-01")
async def test_takes_one_after_the_other(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for number in range(3):
        await session.send(f'451-["news",{number},{place(0)}]', bytes([number]), '42["news","between"]')

    for number in range(3):
        await expect_event(app, "news", number, bytes([number]))
        await expect_event(app, "news", "between")


@requirement("CLI-BN-02")
async def test_sends_attachments_after_their_header(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await app.emit("from app", SMALL, {"deep": [b"\xff\x00"]}, "text")

    await expect_binary(session, BINARY_EVENT, ["from app", SMALL, {"deep": [b"\xff\x00"]}, "text"])
    raw = [said.raw for said in session.said if isinstance(said.raw, bytes) or said.raw.startswith("45")]
    if not str(raw[0]).startswith("452-") or raw[1:] != [SMALL, b"\xff\x00"]:
        raise Violation("452-[...] and two attachments", shown(raw))


@requirement("CLI-BN-03")
async def test_answers_binary_by_a_binary_ack(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send(f'451-7["news",{place(0)},1]', SMALL)

    await expect_binary(session, BINARY_ACK, [SMALL, 1])


@requirement("CLI-BN-04")
async def test_asks_and_is_answered_in_binary(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    await app.emit("question", SMALL, ack="binary")
    packet = await expect_packet(session, *EVENTS)
    if packet.type is not BINARY_EVENT or packet.ack_id is None or packet.data != ["question", SMALL]:
        raise Violation("BINARY_EVENT with an ack id", describe(packet))

    await session.send(f"461-{packet.ack_id}[{place(0)},2]", b"answer")

    await expect_acked(app, "binary", b"answer", 2)


@requirement("CLI-BN-05")
async def test_takes_an_empty_attachment(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send(f'451-["news",{place(0)}]', b"")

    await expect_event(app, "news", b"")
    await expect_alive(session, app)


@requirement("CLI-BN-06")
async def test_takes_twelve_attachments(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    many = [bytes([number]) for number in range(12)]

    await session.send(f'4512-["news",{",".join(map(place, range(12)))}]', *many)

    await expect_event(app, "news", *many)


@requirement("CLI-BN-07")
async def test_takes_a_ping_before_an_attachment(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send(f'451-["news",{place(0)}]', "2", "6", SMALL)

    await expect_said(session, "3", what="a PONG")
    await expect_event(app, "news", SMALL)


@requirement("CLI-BN-08")
async def test_leaves_each_first_byte(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for first in (b"\x04", b"4", b"b", b"\x00", b"\xff", b"\x1e"):
        await session.send(f'451-["news",{place(0)}]', first + SMALL)
        await expect_event(app, "news", first + SMALL)


@requirement("CLI-BN-09")
async def test_takes_a_large_attachment_of_its_own(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    large = bytes(range(256)) * 1200

    await session.send(f'451-["news",{place(0)}]')
    await session.send(large)

    [got] = await expect_event(app, "news")
    if got != large:
        raise Violation(f"{len(large)} bytes", shown(got))


@requirement("CLI-BN-10")
async def test_forgets_half_a_packet_of_a_lost_session(stage: Stage, app: App, transport: Transport) -> None:
    first = await connected(stage, app, transport, reconnection=True, reconnectionDelay=100)
    await first.send(f'451-["news","half",{place(0)}]')
    await cut(first)
    await expect_told(app, "disconnect")

    second = await next_session(stage, app, transport)
    await expect_joined(second, app)

    await expect_alive(second, app)
    if any(seen.fields["args"][:1] == ["half"] for seen in app.all("event")):
        raise Violation("no event of the lost session", "half a packet is delivered")


@requirement("CLI-BN-04")
async def test_asks_in_text_and_is_answered_in_binary(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    asked = await ask(session, app, "text", "give me bytes")

    await session.send(f"461-{asked.ack_id}[{place(0)}]", b"\x04")

    await expect_acked(app, "text", b"\x04")
