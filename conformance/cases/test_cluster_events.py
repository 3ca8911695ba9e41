"""Events between processes of one cluster: to all, to rooms, in their namespace, in order.

`target` is the first process (level 3), `second` another, `cluster` are all of them.
"""

from conformance.cases.counting import expect_counted
from conformance.client.session import Transport
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_equal,
    expect_event,
    expect_gone,
    expect_no_event,
    expect_no_events,
    is_event,
)
from conformance.requirements import exclusive, requirement
from conformance.target import Target

COUNTED = 1_000

# The first try must succeed: a second one would hide a message that was lost.


@exclusive
@requirement("SIO-CL-01")
async def test_a_broadcast_reaches_the_other_process(
    target: Target, second: Target, transport: Transport
) -> None:
    """In both directions, every one of ten, in order."""
    here = await connect_main_namespace(target, transport)
    there = await connect_main_namespace(second, transport)

    for number in range(10):
        await here.emit("broadcast", "from-here", number)
        await expect_event(there, "from-here", number)
        await there.emit("broadcast", "from-there", number)
        await expect_event(here, "from-there", number)


@exclusive
@requirement("SIO-CL-01")
async def test_all_reaches_both_processes_once(target: Target, second: Target, transport: Transport) -> None:
    """The sender, a neighbour, and a client of the other process."""
    sender, neighbour = [await connect_main_namespace(target, transport) for _ in range(2)]
    there = await connect_main_namespace(second, transport)

    await sender.emit("all", "for-all", b"\x01\x02", {"three": 3})

    for client in (sender, neighbour, there):
        await expect_event(client, "for-all", b"\x01\x02", {"three": 3})
    await expect_no_events("for-all", sender, neighbour, there)


@exclusive
@requirement("SIO-CL-01")
async def test_a_broadcast_reaches_every_process_once(cluster: list[Target], transport: Transport) -> None:
    """From each process in turn."""
    sessions = [await connect_main_namespace(server, transport) for server in cluster]

    for number, sender in enumerate(sessions):
        await sender.emit("all", "for-every-process", number)
        for session in sessions:
            await expect_event(session, "for-every-process", number)

    await expect_no_events("for-every-process", *sessions)


@exclusive
@requirement("SIO-CL-01")
async def test_a_broadcast_between_processes_stays_in_its_namespace(
    target: Target, second: Target, transport: Transport
) -> None:
    """Sent in `/custom` of the one, heard in `/custom` of the other only."""
    here = await target.open(transport)
    await connect(here, "/custom")
    there = await connect_main_namespace(second, transport)
    await connect(there, "/custom")

    await here.emit("broadcast", "here-only", namespace="/custom")

    await expect_event(there, "here-only", namespace="/custom")
    await expect_no_event(there, "here-only")


@exclusive
@requirement("SIO-CL-02")
async def test_a_room_spans_both_processes(target: Target, second: Target, transport: Transport) -> None:
    """Members at both; a client outside the room hears nothing."""
    room = f"span-{transport}"
    here = await connect_main_namespace(target, transport)
    there, outside = [await connect_main_namespace(second, transport) for _ in range(2)]
    await ask(here, "join", room)
    await ask(there, "join", room)

    await here.emit("to", room, "to-members", [1])

    await expect_event(there, "to-members", [1])
    await expect_no_events("to-members", outside, here)

    await there.emit("in", room, "to-everybody", 2)

    await expect_event(here, "to-everybody", 2)
    await expect_event(there, "to-everybody", 2)


@exclusive
@requirement("SIO-CL-02")
async def test_a_room_between_processes_stays_in_its_namespace(
    target: Target, second: Target, transport: Transport
) -> None:
    """A room of the same name in `/` and in `/custom`."""
    room = f"apart-{transport}"
    here, in_main, in_custom = [
        await connect_main_namespace(server, transport) for server in (target, second, second)
    ]
    await connect(here, "/custom")
    await connect(in_custom, "/custom")
    await ask(in_main, "join", room)
    await ask(in_custom, "join", room, namespace="/custom")

    await here.emit("to", room, "to-members", 1, namespace="/custom")
    await expect_event(in_custom, "to-members", 1, namespace="/custom")
    await expect_no_events("to-members", in_main, in_custom)

    await here.emit("to", room, "to-members", 2)
    await expect_event(in_main, "to-members", 2)
    await expect_no_event(in_custom, "to-members", namespace="/custom")


@exclusive
@requirement("SIO-CL-04")
async def test_who_left_is_not_reached_by_the_other_process(
    target: Target, second: Target, transport: Transport
) -> None:
    """One left the room, one left the namespace, one closed its session; one stays."""
    room = f"leavers-{transport}"
    sender = await connect_main_namespace(target, transport)
    left, disconnected, closed, stays = [await connect_main_namespace(second, transport) for _ in range(4)]
    for client in (left, disconnected, closed, stays):
        await ask(client, "join", room)
    await ask(left, "leave", room)
    await connect(disconnected, "/custom")
    await disconnected.send("41")
    await ask(disconnected, "message-with-ack", "in order", namespace="/custom")
    await closed.release()
    await expect_gone(second, closed)

    await sender.emit("to", room, "to-members")

    await expect_event(stays, "to-members")
    await expect_no_event(left, "to-members")
    packet = await disconnected.take(lambda p: is_event(p, "to-members"), second.timing.quiet)
    expect_equal(packet, None, what="event at the disconnected client:")


@exclusive
@requirement("SIO-CL-11")
async def test_a_thousand_events_of_each_process_keep_their_order(
    target: Target, second: Target, transport: Transport
) -> None:
    """Both emit to one room at the same time."""
    room = f"counting-{transport}"
    sessions = [await connect_main_namespace(server, transport) for server in (target, second)]
    for session in sessions:
        await ask(session, "join", room)

    names = ("from-here", "from-there")
    for name, session in zip(names, sessions, strict=True):
        await session.emit("count", room, name, COUNTED)

    for session in sessions:
        for name in names:
            await expect_counted(session, name, COUNTED)
