"""Custom namespaces, and leaving them from either side."""

from conformance.client.session import Transport
from conformance.crowd import BROADCASTS, own
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_alive,
    expect_closed,
    expect_equal,
    expect_event,
    expect_no_event,
    expect_packet,
    expect_served,
    needs_binary,
)
from conformance.requirements import exclusive_but_for, requirement
from conformance.target import Target
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import SocketPacketType


@requirement("SIO-NS-01")
async def test_events_name_their_namespace(target: Target, transport: Transport) -> None:
    """An answer in `/custom` is sent as `42/custom,[…]`."""
    session = await target.open(transport)
    await connect(session, "/custom")

    await session.send('42/custom,["message",1]')

    await expect_event(session, "message-back", 1, namespace="/custom")


@requirement("SIO-NS-02")
async def test_a_question_mark_belongs_to_the_name(target: Target, transport: Transport) -> None:
    """`/custom?token=1` is another namespace than `/custom`; revision 4 had a query there."""
    session = await target.open(transport)

    await session.send("40/custom?token=1,")

    packet = await session.take(
        lambda p: p.type in (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)
    )
    if packet is None and not session.closure:
        raise Violation(("CONNECT_ERROR in /custom?token=1", "session closed"), "no answer")
    if packet is not None:
        expect_equal(packet.namespace, "/custom?token=1", what="namespace of the answer:")
    await expect_served(target)


@requirement("SIO-NS-01")
async def test_binary_events_name_their_namespace(target: Target, transport: Transport) -> None:
    """`451-/custom,[…]`."""
    needs_binary(target, transport)
    session = await target.open(transport)
    await connect(session, "/custom")

    await session.send('451-/custom,["message",{"_placeholder":true,"num":0}]', b"\x01\x02")

    await expect_event(session, "message-back", b"\x01\x02", namespace="/custom")


@requirement("SIO-NS-05")
async def test_an_event_stays_in_its_namespace(target: Target, transport: Transport) -> None:
    """The client is in both namespaces; each answers its own event only."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.emit("message", "in custom", namespace="/custom")
    await expect_event(session, "message-back", "in custom", namespace="/custom")
    await expect_no_event(session, "message-back")
    await session.emit("message", "in main")
    await expect_event(session, "message-back", "in main")

    await ask(session, "message-with-ack", 1, namespace="/custom")
    await expect_no_event(session, "message-back", namespace="/custom")


@requirement("SIO-NS-03")
async def test_closes_on_an_event_of_a_namespace_not_connected(target: Target, transport: Transport) -> None:
    """The client is in `/` only."""
    session = await connect_main_namespace(target, transport)

    await session.send('42/custom,["message",1]')

    await expect_closed(target, session)


@requirement("SIO-NS-04")
async def test_closes_on_a_disconnect_of_a_namespace_not_connected(
    target: Target, transport: Transport
) -> None:
    """The client is in `/` only."""
    session = await connect_main_namespace(target, transport)

    await session.send("41/custom,")

    await expect_closed(target, session)


@requirement("SIO-DC-01")
async def test_a_disconnect_is_not_answered(target: Target, transport: Transport) -> None:
    """Neither by a DISCONNECT nor by anything else in that namespace."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")
    await expect_alive(session)
    session.inbox.clear()

    await session.send("41/custom,")

    await expect_alive(session)
    packet = await session.take(lambda p: p.namespace == "/custom", target.timing.quiet)
    if packet is not None:
        raise Violation("no answer to DISCONNECT", packet.type.name)


@exclusive_but_for(BROADCASTS)
@requirement("SIO-DC-01")
async def test_a_disconnected_client_hears_no_broadcast(target: Target, transport: Transport) -> None:
    """It has left `/custom` but keeps its session."""
    if target.level < 2:
        raise NotApplicable("needs contract level 2")
    gone = await connect_main_namespace(target, transport)
    await connect(gone, "/custom")
    await gone.send("41/custom,")
    await expect_alive(gone)
    member = await target.open(transport)
    await connect(member, "/custom")

    await member.emit("all", own("for-members"), namespace="/custom")

    await expect_event(member, own("for-members"), namespace="/custom")
    await expect_no_event(gone, own("for-members"), namespace="/custom")


@requirement("SIO-DC-02")
async def test_events_after_a_disconnect_are_not_processed(target: Target, transport: Transport) -> None:
    """An event of a namespace that the client has left: no answer, or the session closes."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")
    await ask(session, "message-with-ack", 1, namespace="/custom")
    await session.send("41/custom,")

    await session.send('42/custom,["message","late"]')

    packet = await session.take(
        lambda p: p.namespace == "/custom" and p.data == ["message-back", "late"], target.timing.close
    )
    if packet is not None:
        raise Violation(("no answer", "session closed"), "the event was answered")


@requirement("SIO-DC-03")
async def test_other_namespaces_survive_a_disconnect(target: Target, transport: Transport) -> None:
    """`/` goes on when `/custom` is left."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.send("41/custom,")

    await expect_alive(session)


@requirement("SIO-DC-04")
async def test_the_server_disconnects_a_namespace(target: Target, transport: Transport) -> None:
    """`kick` sends `41/custom,`; `/` goes on."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.emit("kick", namespace="/custom")

    await expect_packet(session, SocketPacketType.DISCONNECT, namespace="/custom")
    await expect_alive(session)


@requirement("SIO-DC-04")
async def test_the_server_closes_the_session(target: Target, transport: Transport) -> None:
    """`kick-all` ends it well before the heartbeat could."""
    session = await connect_main_namespace(target, transport)

    await session.emit("kick-all")

    await expect_closed(target, session)
    if session.closure is None:
        raise Violation("session closed", "DISCONNECT packet only, session left open")


@exclusive_but_for(BROADCASTS)
@requirement("SIO-DC-04")
async def test_a_kicked_client_hears_no_broadcast(target: Target, transport: Transport) -> None:
    """It is out of the namespace."""
    kicked = await connect_main_namespace(target, transport)
    await connect(kicked, "/custom")
    await kicked.emit("kick", namespace="/custom")
    await expect_packet(kicked, SocketPacketType.DISCONNECT, namespace="/custom")
    member = await target.open(transport)
    await connect(member, "/custom")

    await member.emit("all", own("for-members"), namespace="/custom")

    await expect_event(member, own("for-members"), namespace="/custom")
    await expect_no_event(kicked, own("for-members"), namespace="/custom")


@requirement("SIO-DC-05")
async def test_the_disconnect_of_the_server_has_no_data(target: Target, transport: Transport) -> None:
    """`41`, nothing behind it."""
    session = await connect_main_namespace(target, transport)

    await session.emit("kick")

    packet = await expect_packet(session, SocketPacketType.DISCONNECT)
    expect_equal(packet.data, None, what="data")


@requirement("SIO-DC-05")
async def test_closes_on_a_disconnect_with_data(target: Target, transport: Transport) -> None:
    """`41{"a":1}`: not taken as a plain DISCONNECT."""
    session = await connect_main_namespace(target, transport)

    await session.send('41{"a":1}')

    await expect_closed(target, session)
