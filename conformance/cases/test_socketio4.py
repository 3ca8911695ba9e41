"""Socket.IO 4 over Engine.IO 3: namespaces, events, acks, binary, rooms.

The runner gives these cases a `target` that opens sessions of revision 3.
"""

from typing import Any

from conformance.client.session import Transport
from conformance.crowd import BROADCASTS, own
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    connected,
    expect_ack,
    expect_alive,
    expect_closed,
    expect_equal,
    expect_event,
    expect_no_event,
    expect_no_events,
    expect_packet,
    is_event,
)
from conformance.requirements import exclusive_but_for, requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT, ERROR = SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR
VALUES: list[Any] = [None, True, -2.5, "", "é€\U0001f600", [], {"a": [{"b": 0}]}]


@requirement("SIO4-01")
async def test_sio4_connects_the_main_namespace_unasked(target: Target, transport: Transport) -> None:
    """CONNECT comes though the client has sent nothing."""
    session = await target.open(transport)

    await expect_packet(session, CONNECT)


@requirement("SIO4-02")
async def test_sio4_connect_carries_no_data(target: Target, transport: Transport) -> None:
    """`40` for `/` and `40/custom,` for `/custom`."""
    session = await target.open(transport)
    main = await expect_packet(session, CONNECT)

    await session.send("40/custom,")

    custom = await expect_packet(session, CONNECT, namespace="/custom")
    expect_equal([main.data, custom.data], [None, None], what="data")


@requirement("SIO4-03")
async def test_sio4_a_query_is_not_part_of_the_namespace(target: Target, transport: Transport) -> None:
    """`/custom?token=1234&uid=abcd` connects `/custom`; the contract emits the query as `auth`."""
    session = await connect_main_namespace(target, transport)

    await session.send("40/custom?token=1234&uid=abcd,")

    await expect_packet(session, CONNECT, ERROR, namespace="/custom")
    await expect_event(session, "auth", {"token": "1234", "uid": "abcd"}, namespace="/custom")


@requirement("SIO4-04")
async def test_sio4_refuses_an_unknown_namespace(target: Target, transport: Transport) -> None:
    """By ERROR in that namespace; the session goes on."""
    session = await target.open(transport)

    await session.send("40/nobody-knows-it,")

    await expect_packet(session, ERROR, namespace="/nobody-knows-it")
    await expect_alive(session)


@requirement("SIO4-15")
async def test_sio4_a_namespace_may_refuse(target: Target, transport: Transport) -> None:
    """`/reject` and `/auth` without its token: ERROR, and no CONNECT beside it."""
    session = await connect_main_namespace(target, transport)

    for text, namespace in (("40/reject,", "/reject"), ("40/auth?token=bad,", "/auth")):
        await session.send(text)

        packet = await expect_packet(session, CONNECT, ERROR, namespace=namespace)
        expect_equal(packet.type.name, ERROR.name, what=f"answer to CONNECT of {namespace}:")
    await expect_alive(session)
    await expect_no_event(session, "auth", namespace="/reject")


@requirement("SIO4-15")
async def test_sio4_the_query_lets_the_client_in(target: Target, transport: Transport) -> None:
    """`/auth?token=good` is connected."""
    session = await connect_main_namespace(target, transport)

    await session.send("40/auth?token=good,")

    packet = await expect_packet(session, CONNECT, ERROR, namespace="/auth")
    expect_equal(packet.type.name, "CONNECT", what="answer")


@requirement("SIO4-06")
async def test_sio4_disconnect_of_the_main_namespace_leaves_the_others(
    target: Target, transport: Transport
) -> None:
    """`/custom` goes on after `41`."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.send("41")

    expect_equal(await ask(session, "message-with-ack", 1, namespace="/custom"), [1], what="ack")


@requirement("SIO4-16")
async def test_sio4_disconnect_of_another_namespace_leaves_the_main_one(
    target: Target, transport: Transport
) -> None:
    """`/` goes on after `41/custom,`, and `/custom` can be connected again."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.send("41/custom,")
    await expect_alive(session)
    await session.send("40/custom,")

    await expect_packet(session, CONNECT, namespace="/custom")


@requirement("SIO4-07")
async def test_sio4_an_ack_with_binary_is_a_binary_ack(target: Target, transport: Transport) -> None:
    """`461-7[…]` and its attachment."""
    session = await connect_main_namespace(target, transport)

    await session.emit("message-with-ack", b"\x01\x02", "x", ack_id=7)

    await expect_ack(session, 7, b"\x01\x02", "x", kind=SocketPacketType.BINARY_ACK)


@requirement("SIO4-07")
async def test_sio4_an_ack_without_binary_is_an_ack(target: Target, transport: Transport) -> None:
    """`437["x"]`."""
    session = await connect_main_namespace(target, transport)

    await session.emit("message-with-ack", "x", ack_id=7)

    await expect_ack(session, 7, "x", kind=SocketPacketType.ACK)


@requirement("SIO4-08")
async def test_sio4_events_go_both_ways(target: Target, transport: Transport) -> None:
    """Any JSON."""
    session = await connect_main_namespace(target, transport)

    await session.emit("message", *VALUES)

    await expect_event(session, "message-back", *VALUES)


@requirement("SIO4-08")
async def test_sio4_events_keep_their_order(target: Target, transport: Transport) -> None:
    """Three, of one argument."""
    session = await connect_main_namespace(target, transport)

    for number in range(3):
        await session.emit("message", number)

    for number in range(3):
        await expect_event(session, "message-back", number)


@requirement("SIO4-09")
async def test_sio4_acks_carry_the_id(target: Target, transport: Transport) -> None:
    """0 and 456, with all arguments and with none."""
    session = await connect_main_namespace(target, transport)

    await session.emit("message-with-ack", 1, "2", [3], ack_id=0)
    await expect_ack(session, 0, 1, "2", [3])
    await session.emit("message-with-ack", ack_id=456)

    await expect_ack(session, 456)


@requirement("SIO4-09")
async def test_sio4_an_ack_stays_in_its_namespace(target: Target, transport: Transport) -> None:
    """`43/custom,13["x"]`."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.emit("message-with-ack", "x", namespace="/custom", ack_id=13)

    await expect_ack(session, 13, "x", namespace="/custom")


@requirement("SIO4-10")
async def test_sio4_binary_goes_both_ways(target: Target, transport: Transport) -> None:
    """Two attachments, nested."""
    session = await connect_main_namespace(target, transport)
    data = {"a": [b"\x00\xff", {"b": b"\x01"}], "c": "text"}

    await session.emit("message", data, 1)

    await expect_event(session, "message-back", data, 1, kind=SocketPacketType.BINARY_EVENT)


@requirement("SIO4-10")
async def test_sio4_an_attachment_may_be_empty(target: Target, transport: Transport) -> None:
    """No byte, and one beside it."""
    session = await connect_main_namespace(target, transport)

    await session.emit("message", b"", b"\x01")

    await expect_event(session, "message-back", b"", b"\x01", kind=SocketPacketType.BINARY_EVENT)


@requirement("SIO4-11")
async def test_sio4_the_server_takes_acks(target: Target, transport: Transport) -> None:
    """The server asks, with text and with binary data in the answer."""
    session = await connect_main_namespace(target, transport)

    await session.emit("ask", "question", 1)
    event = await expect_packet(session, SocketPacketType.EVENT)
    while is_event(event, "auth"):
        event = await expect_packet(session, SocketPacketType.EVENT)
    expect_equal(event.data, ["question", 1], what="event")
    if event.ack_id is None:
        raise Violation("an event with an ack id", "an event without one")
    await session.send(f'43{event.ack_id}["answer",2]')

    await expect_event(session, "asked", "answer", 2)


@exclusive_but_for(BROADCASTS)
@requirement("SIO4-12")
async def test_sio4_a_broadcast_reaches_the_others(target: Target, transport: Transport) -> None:
    """Two others, once each, not the sender."""
    sender, *others = await connected(target, *[transport] * 3)

    await sender.emit("broadcast", own("to-all-others"), 1)

    for other in others:
        await expect_event(other, own("to-all-others"), 1)
    await expect_no_events(own("to-all-others"), sender, *others)


@requirement("SIO4-13")
async def test_sio4_an_event_to_a_room_reaches_its_members(target: Target, transport: Transport) -> None:
    """A member, not who left, not who never joined."""
    room = f"sio4-room-{transport}"
    sender, member, gone, outside = await connected(target, *[transport] * 4)
    for session in (sender, member, gone):
        expect_equal(await ask(session, "join", room), [[room]], what="rooms")
    expect_equal(await ask(gone, "leave", room), [[]], what="rooms")

    await sender.emit("to", room, "to-members", 1)

    await expect_event(member, "to-members", 1)
    await expect_no_events("to-members", sender, gone, outside)


@requirement("SIO4-14")
async def test_sio4_closes_on_an_event_that_is_no_array(target: Target, transport: Transport) -> None:
    """`42{}`."""
    session = await connect_main_namespace(target, transport)

    await session.send("42{}")

    await expect_closed(target, session)


@requirement("SIO3-01")
async def test_sio3_a_namespace_without_a_comma(target: Target, transport: Transport) -> None:
    """`40/custom`."""
    session = await connect_main_namespace(target, transport)

    await session.send("40/custom")

    packet = await expect_packet(session, CONNECT, ERROR, namespace="/custom")
    expect_equal(packet.type.name, "CONNECT", what="answer")
