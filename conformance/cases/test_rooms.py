"""Rooms and broadcasts of the contract (level 2)."""

from conformance.client.session import Session, Transport
from conformance.client.transcript import shown
from conformance.crowd import BROADCASTS, own
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    connected,
    expect_alive,
    expect_equal,
    expect_event,
    expect_gone,
    expect_no_event,
    expect_no_events,
    expect_processed,
    is_event,
    needs_binary,
)
from conformance.requirements import exclusive_but_for, requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable


def needs_both_transports(target: Target) -> None:
    if not (target.capabilities["polling"] and target.capabilities["websocket"]):
        raise NotApplicable("takes a server with both transports")


async def join(session: Session, room: str, namespace: str = "/") -> None:
    answer = await ask(session, "join", room, namespace=namespace)
    if not answer or not isinstance(answer[0], list) or room not in answer[0]:
        raise Inconclusive(f"the ack of join {room!r} is {shown(answer)}")


@requirement("SIO-RM-01")
async def test_join_and_leave_list_the_rooms(target: Target, transport: Transport) -> None:
    """Sorted, without the client's own id."""
    session = await connect_main_namespace(target, transport)

    listed = [
        await ask(session, "join", "b-room"),
        await ask(session, "join", "a-room"),
        await ask(session, "join", "a-room"),
        await ask(session, "leave", "b-room"),
        await ask(session, "leave", "b-room"),
        await ask(session, "leave", "a-room"),
    ]

    expect_equal(
        listed,
        [[["b-room"]], [["a-room", "b-room"]], [["a-room", "b-room"]], [["a-room"]], [["a-room"]], [[]]],
        what="rooms after each step",
    )


@requirement("SIO-RM-01")
async def test_rooms_are_those_of_the_namespace(target: Target, transport: Transport) -> None:
    """A room of `/` is no room of `/custom`."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await join(session, "room-of-main")

    rooms = await ask(session, "join", "room-of-custom", namespace="/custom")
    expect_equal(rooms, [["room-of-custom"]], what="rooms in /custom")


@requirement("SIO-RM-01")
async def test_a_room_may_have_any_name(target: Target, transport: Transport) -> None:
    """Long, with spaces, with a comma, of another script; one room is not another of a similar name."""
    session = await connect_main_namespace(target, transport)
    names = ["two words", "a,b", "/custom", "Room", "room", "Комната 🙂", "x" * 60 + "1", "x" * 60 + "2"]

    for number, name in enumerate(names, 1):
        listed = await ask(session, "join", name)
        found = sorted(listed[0], key=str) if listed and isinstance(listed[0], list) else listed
        expect_equal(found, sorted(names[:number]), what="rooms")


@requirement("SIO-RM-02")
async def test_rooms_of_similar_names_are_apart(target: Target, transport: Transport) -> None:
    """They differ in case, or far behind."""
    room = "similar-" * 8 + transport
    member, *others = await connected(target, *[transport] * 4)
    await join(member, room)
    for other, name in zip(others, (room.upper(), room + "2", room[:-1]), strict=True):
        await join(other, name)

    await member.emit("in", room, "to-one-room")

    await expect_event(member, "to-one-room")
    await expect_no_events("to-one-room", *others)


@requirement("SIO-RM-02")
async def test_an_event_to_a_room_reaches_its_members_only(target: Target, transport: Transport) -> None:
    """Two members, one client outside, one member of the namesake in `/custom`."""
    room = f"members-{transport}"
    first, second, outside, elsewhere = await connected(target, *[transport] * 4)
    await join(first, room)
    await join(second, room)
    await connect(elsewhere, "/custom")
    await join(elsewhere, room, "/custom")

    await outside.emit("in", room, "to-members", 1, [2])

    await expect_event(first, "to-members", 1, [2])
    await expect_event(second, "to-members", 1, [2])
    await expect_no_events("to-members", outside, elsewhere)
    await expect_no_event(elsewhere, "to-members", namespace="/custom")


@requirement("SIO-RM-02")
async def test_who_left_a_room_hears_nothing(target: Target, transport: Transport) -> None:
    """Joined and left before the event."""
    room = f"left-{transport}"
    member, left = await connected(target, *[transport] * 2)
    await join(member, room)
    await join(left, room)
    await ask(left, "leave", room)

    await member.emit("in", room, "still-here")

    await expect_event(member, "still-here")
    await expect_no_event(left, "still-here")


@requirement("SIO-RM-02")
async def test_binary_to_a_room_reaches_every_transport(target: Target) -> None:
    """A member on each transport. Each gets the attachment in the form of its transport."""
    needs_both_transports(target)
    needs_binary(target, "polling")
    sender = await connect_main_namespace(target)
    members = [await connect_main_namespace(target), await connect_main_namespace(target, "websocket")]
    if target.capabilities["upgrade"]:
        members.append(await connect_main_namespace(target, "upgraded"))
    for member in members:
        await join(member, "mixed")

    await sender.emit("in", "mixed", "picture", b"\x01\x02")

    for member in members:
        await expect_event(member, "picture", b"\x01\x02")


@requirement("SIO-RM-03")
async def test_to_leaves_the_sender_out(target: Target, transport: Transport) -> None:
    """Both are members; only the other hears it."""
    room = f"to-{transport}"
    sender, other = await connected(target, *[transport] * 2)
    await join(sender, room)
    await join(other, room)

    await sender.emit("to", room, "hello", "others")

    await expect_event(other, "hello", "others")
    await expect_no_event(sender, "hello")


@requirement("SIO-RM-03")
async def test_in_includes_the_sender(target: Target, transport: Transport) -> None:
    """Both are members; both hear it."""
    room = f"in-{transport}"
    sender, other = await connected(target, *[transport] * 2)
    await join(sender, room)
    await join(other, room)

    await sender.emit("in", room, "hello", "everybody")

    await expect_event(other, "hello", "everybody")
    await expect_event(sender, "hello", "everybody")


@requirement("SIO-RM-04")
async def test_rooms_end_with_the_disconnect(target: Target, transport: Transport) -> None:
    """Who connects again on the same session is in no room."""
    session = await connect_main_namespace(target, transport)
    await join(session, f"before-{transport}")
    await session.send("41")
    await expect_processed(session)

    await connect(session)

    expect_equal(await ask(session, "join", "after"), [["after"]], what="rooms")


@requirement("SIO-RM-04")
async def test_a_disconnected_member_hears_nothing(target: Target, transport: Transport) -> None:
    """It left the namespace while it was in the room; its session goes on in `/custom`."""
    room = f"gone-{transport}"
    gone, member = await connected(target, *[transport] * 2)
    await connect(gone, "/custom")
    await join(gone, room)
    await join(member, room)
    await gone.send("41")
    await ask(gone, "message-with-ack", "still here", namespace="/custom")

    await member.emit("in", room, "to-members")

    await expect_event(member, "to-members")
    packet = await gone.take(lambda p: is_event(p, "to-members"), target.timing.quiet)
    expect_equal(packet, None, what="event at the disconnected member:")


@requirement("SIO-RM-04")
async def test_a_room_survives_the_end_of_a_member(target: Target, transport: Transport) -> None:
    """One member's session ends; the other is reached."""
    room = f"rest-{transport}"
    gone, member = await connected(target, *[transport] * 2)
    await join(gone, room)
    await join(member, room)
    gone.drop_poll()
    await gone.release()
    await expect_gone(target, gone)

    await member.emit("in", room, "who-is-here")

    await expect_event(member, "who-is-here")


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-01")
async def test_a_broadcast_reaches_all_but_the_sender(target: Target, transport: Transport) -> None:
    """Three others hear it once."""
    sender, *others = await connected(target, *[transport] * 4)

    await sender.emit("broadcast", own("news"), 1, {"two": 2})

    for other in others:
        await expect_event(other, own("news"), 1, {"two": 2})
    await expect_no_events(own("news"), sender, *others)


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-01")
async def test_a_broadcast_holds_binary(target: Target, transport: Transport) -> None:
    """Each receiver gets the attachment."""
    sender, *others = await connected(target, *[transport] * 3)

    await sender.emit("broadcast", own("picture"), b"\x89PNG")

    for other in others:
        await expect_event(other, own("picture"), b"\x89PNG")


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-01")
async def test_a_broadcast_reaches_every_transport(target: Target) -> None:
    """One client on each transport."""
    needs_both_transports(target)
    transports: list[Transport] = ["polling", "polling", "websocket"]
    if target.capabilities["upgrade"]:
        transports.append("upgraded")
    sender, *others = await connected(target, *transports)

    await sender.emit("broadcast", own("everywhere"))

    for other in others:
        await expect_event(other, own("everywhere"))


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-01")
async def test_a_broadcast_reaches_many(target: Target, transport: Transport) -> None:
    """Twelve others."""
    sender, *others = await connected(target, *[transport] * 13)

    await sender.emit("broadcast", own("to-many"), 12)

    for other in others:
        await expect_event(other, own("to-many"), 12)


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-01")
async def test_a_broadcast_waits_for_the_next_poll(target: Target) -> None:
    """No poll of the receiver is pending when the event is sent."""
    sender = await connect_main_namespace(target)
    receiver = await connect_main_namespace(target, poll=False)

    await sender.emit("broadcast", own("meanwhile"), 1)
    await expect_alive(sender)

    receiver.start_polling()
    await expect_event(receiver, own("meanwhile"), 1)


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-01")
async def test_a_binary_broadcast_reaches_every_transport(target: Target) -> None:
    """Base64 over polling and bytes over WebSocket, from one broadcast."""
    needs_both_transports(target)
    needs_binary(target, "polling")
    sender = await connect_main_namespace(target)
    others = await connected(target, "polling", "websocket", "polling")

    await sender.emit("broadcast", own("mixed"), b"\x01\x02\xff")

    for other in others:
        await expect_event(other, own("mixed"), b"\x01\x02\xff")


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-02")
async def test_all_includes_the_sender(target: Target, transport: Transport) -> None:
    """The sender and two others."""
    clients = await connected(target, *[transport] * 3)

    await clients[0].emit("all", own("for-all"), "x")

    for client in clients:
        await expect_event(client, own("for-all"), "x")


@exclusive_but_for(BROADCASTS)
@requirement("SIO-BC-03")
async def test_a_broadcast_stays_in_its_namespace(target: Target, transport: Transport) -> None:
    """Sent in `/custom`: a client that is in both hears it there only."""
    sender = await target.open(transport)
    await connect(sender, "/custom")
    both = await connect_main_namespace(target, transport)
    await connect(both, "/custom")

    await sender.emit("broadcast", own("here-only"), namespace="/custom")

    await expect_event(both, own("here-only"), namespace="/custom")
    await expect_no_event(both, own("here-only"))
