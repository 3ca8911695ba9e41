"""Binary data: placeholders, attachments, and what does not fit together."""

import asyncio

from conformance.client.session import Session, Transport
from conformance.expect import (
    arguments_of,
    connect,
    connect_main_namespace,
    connected,
    expect_alive,
    expect_closed,
    expect_equal,
    expect_event,
    expect_packet,
    expect_ping,
    is_alive,
)
from conformance.requirements import requirement, slow
from conformance.target import Target
from conformance.verdicts import NotApplicable, Unresponsive, Violation
from sioprobe.wire import EnginePacketType, SocketPacketType

BINARY = SocketPacketType.BINARY_EVENT


@requirement("SIO-BN-01")
async def test_an_attachment_comes_back(target: Target, transport: Transport) -> None:
    """One, with every byte that exists."""
    session = await connect_main_namespace(target, transport)
    data = bytes(range(256))

    await session.send('451-["message",{"_placeholder":true,"num":0}]', data)

    await expect_event(session, "message-back", data, kind=BINARY)


@requirement("SIO-BN-01")
async def test_several_attachments_keep_their_order(target: Target, transport: Transport) -> None:
    """Three of different length among text."""
    session = await connect_main_namespace(target, transport)

    await session.send(
        '453-["message",{"_placeholder":true,"num":0},"between",'
        '[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]]',
        b"first",
        b"2",
        b"the third",
    )

    await expect_event(session, "message-back", b"first", "between", [b"2", b"the third"], kind=BINARY)


@requirement("SIO-BN-01")
async def test_placeholders_may_come_in_any_order(target: Target, transport: Transport) -> None:
    """The number in the placeholder counts, not its place."""
    session = await connect_main_namespace(target, transport)

    await session.send(
        '452-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', b"zero", b"one"
    )

    await expect_event(session, "message-back", b"one", b"zero", kind=BINARY)


@requirement("SIO-BN-02")
async def test_binary_may_be_nested(target: Target, transport: Transport) -> None:
    """In objects in arrays in objects."""
    session = await connect_main_namespace(target, transport)
    data = {"a": [{"b": {"c": [b"deep", 1, {"d": b"deeper"}]}}], "e": b"flat", "f": None}

    await session.emit("message", data, [[b"\x00"]])

    await expect_event(session, "message-back", data, [[b"\x00"]], kind=BINARY)


@requirement("SIO-BN-02")
async def test_binary_may_stand_in_one_place_only(target: Target, transport: Transport) -> None:
    """Nothing else in the data says that there is some."""
    session = await connect_main_namespace(target, transport)

    for data in ({"a": b"\x01"}, [[b"\x02"]], {"a": {"b": {"c": b"\x03"}}}, [1, {"d": [None, b"\x04"]}]):
        await session.emit("message", "text", data)

        await expect_event(session, "message-back", "text", data, kind=BINARY)


@requirement("SIO-BN-02")
async def test_keys_of_a_placeholder_may_come_in_any_order(target: Target, transport: Transport) -> None:
    """`num` before `_placeholder`."""
    session = await connect_main_namespace(target, transport)

    await session.send('451-["message",{"num":0,"_placeholder":true}]', b"bytes")

    await expect_event(session, "message-back", b"bytes", kind=BINARY)


@requirement("SIO-BN-03")
async def test_attachments_are_packets_of_the_payload(target: Target) -> None:
    """Header and attachment in one push."""
    session = await connect_main_namespace(target)

    await session.push('451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA==')

    await expect_event(session, "message-back", b"\x01\x02\x03\x04", kind=BINARY)


@requirement("SIO-BN-03")
async def test_attachments_may_come_in_a_push_of_their_own(target: Target) -> None:
    """The header in one, the attachment in the next."""
    session = await connect_main_namespace(target)

    await session.push('451-["message",{"_placeholder":true,"num":0}]')
    await session.push("bAQIDBA==")

    await expect_event(session, "message-back", b"\x01\x02\x03\x04", kind=BINARY)


@requirement("SIO-BN-04")
async def test_closes_on_text_where_an_attachment_is_due(target: Target, transport: Transport) -> None:
    """An event follows the header."""
    session = await connect_main_namespace(target, transport)

    await session.send('451-["message",{"_placeholder":true,"num":0}]', '42["message","text"]')

    await expect_closed(target, session)


@requirement("SIO-BN-05")
async def test_closes_on_binary_without_a_header(target: Target, transport: Transport) -> None:
    """An attachment of nothing."""
    session = await target.open(transport)
    await connect(session)

    await session.send(b"\x01\x02")

    await expect_closed(target, session)


@requirement("SIO-BN-06")
async def test_closes_on_a_negative_placeholder(target: Target, transport: Transport) -> None:
    """Number -1."""
    session = await connect_main_namespace(target, transport)

    await session.send('451-["message",{"_placeholder":true,"num":-1}]', b"last")

    await expect_closed(target, session)


@requirement("SIO-BN-06")
async def test_closes_on_a_placeholder_out_of_range(target: Target, transport: Transport) -> None:
    """Number 7 of one attachment."""
    session = await connect_main_namespace(target, transport)

    await session.send('451-["message",{"_placeholder":true,"num":7}]', b"only")

    await expect_closed(target, session)


@requirement("SIO-BN-06")
async def test_closes_on_a_placeholder_without_a_number(target: Target, transport: Transport) -> None:
    """Text in place of the number."""
    session = await connect_main_namespace(target, transport)

    await session.send('451-["message",{"_placeholder":true,"num":"splice"}]', b"only")

    await expect_closed(target, session)


@requirement("SIO-BN-07")
async def test_closes_on_a_binary_packet_without_a_count(target: Target, transport: Transport) -> None:
    """`451[…]`."""
    session = await connect_main_namespace(target, transport)

    await session.send('451["message",1]')

    await expect_closed(target, session)


@requirement("SIO-BN-07")
async def test_closes_on_a_binary_packet_of_its_type_only(target: Target, transport: Transport) -> None:
    """`45`."""
    session = await connect_main_namespace(target, transport)

    await session.send("45")

    await expect_closed(target, session)


@requirement("SIO-BN-08")
async def test_closes_on_a_binary_packet_without_attachments(target: Target) -> None:
    """`450-["message"]`: the session closes, or goes on as if it were an EVENT."""
    session = await connect_main_namespace(target, "websocket")

    await session.send('450-["message","none"]')
    await session.until(lambda: session.closure is not None, target.timing.close)

    if session.closure is None:
        answers = await is_alive(session, target.timing.close)
        kind, state = (Violation, "answers") if answers else (Unresponsive, "no longer answers")
        raise kind("session closed", f"still open; {state}")


@requirement("SIO-BN-09")
async def test_closes_on_more_than_ten_attachments(target: Target) -> None:
    """Eleven."""
    session = await connect_main_namespace(target, "websocket")
    holders = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(11))

    await session.send(f'4511-["message",{holders}]', *(b"x" for _ in range(11)))

    await expect_closed(target, session)


@slow
@requirement("SIO-BN-10")
async def test_a_pong_may_come_between_header_and_attachment(target: Target, transport: Transport) -> None:
    """The attachment follows after the next ping is answered."""
    if not target.timing.is_fast:
        raise NotApplicable("takes a server whose heartbeat is below 10 s")
    session = await connect_main_namespace(target, transport)
    number = len(session.packets(EnginePacketType.PING))

    await session.send('451-["message",{"_placeholder":true,"num":0}]')
    await expect_ping(session, number + 1, target.timing.heartbeat + 1)
    await session.send("3")
    await session.send(b"after the pong")

    await expect_event(session, "message-back", b"after the pong", kind=BINARY)


@requirement("SIO-BN-11")
async def test_data_without_binary_is_a_plain_event(target: Target, transport: Transport) -> None:
    """`42`, never `450-`."""
    session = await connect_main_namespace(target, transport)

    await session.emit("message", "plain", {"a": 1})

    await expect_event(session, "message-back", "plain", {"a": 1}, kind=SocketPacketType.EVENT)


@requirement("SIO-BN-12")
async def test_a_placeholder_in_a_plain_event_is_data(target: Target, transport: Transport) -> None:
    """An object that looks like one comes back as it is."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message",{"_placeholder":true,"num":0}]')

    await expect_event(session, "message-back", {"_placeholder": True, "num": 0}, kind=SocketPacketType.EVENT)


@requirement("SIO-BN-13")
async def test_attachments_do_not_interleave(target: Target, transport: Transport) -> None:
    """Twelve binary and twelve plain events in flight: each header is followed by its own attachments."""
    session = await connect_main_namespace(target, transport)

    for number in range(12):
        data = bytes([number])
        await session.emit("message", number, data, data * 2)
        await session.emit("message-with-ack", number, ack_id=number)

    seen = set()
    for _ in range(12):
        packet = await expect_packet(session, BINARY)
        number, first, second = arguments_of(packet, 3)
        expect_equal(number, *range(12), what="number")
        expect_equal([first, second], [bytes([number]), bytes([number]) * 2], what="attachments")
        seen.add(number)
    expect_equal(sorted(seen), list(range(12)), what="events")
    await expect_alive(session)


@requirement("SIO-BN-13")
async def test_binary_of_two_sources_does_not_interleave(target: Target, transport: Transport) -> None:
    """Two clients send binary to a third at the same time."""
    if target.level < 2:
        raise NotApplicable("needs contract level 2")
    room = f"interleave-{transport}"
    listener = await connect_main_namespace(target, transport)
    await listener.emit("join", room, ack_id=1)
    await expect_packet(listener, SocketPacketType.ACK)
    senders = await connected(target, *[transport] * 2)

    async def send(sender: Session, mark: bytes) -> None:
        for _ in range(10):
            await sender.emit("to", room, "blob", mark, mark * 3)

    await asyncio.gather(send(senders[0], b"a"), send(senders[1], b"b"))

    marks = []
    for _ in range(20):
        packet = await expect_packet(listener, BINARY)
        mark, triple = arguments_of(packet, 2)
        expect_equal(mark, b"a", b"b", what="mark")
        expect_equal(triple, mark * 3, what="attachments of one event")
        marks.append(mark)
    expect_equal(sorted(marks), [b"a"] * 10 + [b"b"] * 10, what="events")


@requirement("SIO-BN-13")
async def test_attachments_of_two_clients_do_not_mix(target: Target, transport: Transport) -> None:
    """Both send their header before either sends its attachment, first come first."""
    first, second = await connected(target, *[transport] * 2)
    header = '["message","{}",{{"_placeholder":true,"num":0}}]'

    await first.send("451-" + header.format("first"))
    await second.send("451-" + header.format("second"))
    await first.send(b"\x01")
    await expect_event(first, "message-back", "first", b"\x01", kind=BINARY)
    await second.send(b"\x02")

    await expect_event(second, "message-back", "second", b"\x02", kind=BINARY)


@requirement("SIO-BN-14")
async def test_an_attachment_may_be_empty(target: Target, transport: Transport) -> None:
    """No bytes at all, beside one byte."""
    session = await connect_main_namespace(target, transport)

    await session.send(
        '452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"", b"\x00"
    )

    await expect_event(session, "message-back", b"", b"\x00", kind=BINARY)
    await expect_alive(session)
