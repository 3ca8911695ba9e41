"""Clients of another process of a cluster: put into rooms, out of them, and disconnected.

`target` is the first process (level 3), `second` another, `cluster` are all of them.
"""

from conformance.client.session import Transport
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_equal,
    expect_event,
    expect_no_event,
    expect_no_events,
    expect_packet,
    is_event,
)
from conformance.requirements import exclusive, requirement
from conformance.target import Target
from sioprobe.wire import MAIN_NAMESPACE, SocketPacketType

# The first try must succeed: a second one would hide a message that was lost.


@exclusive
@requirement("SIO-CL-08")
async def test_a_client_of_another_process_joins_and_leaves(
    target: Target, second: Target, transport: Transport
) -> None:
    """An event to the room reaches it in between, and its own process lists the room."""
    room = f"put-into-{transport}"
    here, there = [await connect_main_namespace(server, transport) for server in (target, second)]
    other = there.socket_ids[MAIN_NAMESPACE]

    expect_equal(await ask(here, "join-other", other, room), [other], what="ack")
    await here.emit("to", room, "to-members")
    await expect_event(there, "to-members")
    expect_equal(await ask(there, "leave", "no such room"), [[room]], what="rooms")

    expect_equal(await ask(here, "leave-other", other, room), [other], what="ack")
    await here.emit("to", room, "to-members")
    await expect_no_event(there, "to-members")
    # What went through the queue before this has been done.
    await here.emit("broadcast", "later")
    await expect_event(there, "later")


@exclusive
@requirement("SIO-CL-09")
async def test_a_room_is_closed_at_every_process(cluster: list[Target], transport: Transport) -> None:
    """Members at each leave it, and keep their other room."""
    closed, kept = f"closed-{transport}", f"kept-{transport}"
    sessions = [await connect_main_namespace(server, transport) for server in cluster]
    for session in sessions:
        await ask(session, "join", closed)
        await ask(session, "join", kept)

    expect_equal(await ask(sessions[0], "close-room", closed), [closed], what="ack")
    await sessions[0].emit("in", kept, "to-members")
    for session in sessions:
        await expect_event(session, "to-members")
    for session in sessions:
        await session.emit("in", closed, "to-nobody")

    await expect_no_events("to-nobody", *sessions)


@exclusive
@requirement("SIO-CL-10")
async def test_a_client_of_another_process_is_disconnected(
    target: Target, second: Target, transport: Transport
) -> None:
    """It hears of it, and stays in `/custom`. A neighbour stays in both."""
    here, there, beside = [
        await connect_main_namespace(server, transport) for server in (target, second, second)
    ]
    for session in (there, beside):
        await connect(session, "/custom")
    other = there.socket_ids[MAIN_NAMESPACE]

    expect_equal(await ask(here, "disconnect-other", other), [other], what="ack")
    await expect_packet(there, SocketPacketType.DISCONNECT)
    await here.emit("broadcast", "to-who-stays")

    await expect_event(beside, "to-who-stays")
    for session in (there, beside):
        expect_equal(await ask(session, "message-with-ack", 1, namespace="/custom"), [1], what="ack")
    packet = await there.take(lambda p: is_event(p, "to-who-stays"), second.timing.quiet)
    expect_equal(packet, None, what="event at the disconnected client:")
