"""Connection state recovery: a client that was lost comes back as who it was, and misses nothing.

Sessions cut the offset off each event that comes, and know it (`Session.offsets`).
"""

from conformance.client.session import Session, Transport
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_alive,
    expect_connected,
    expect_equal,
    expect_event,
    expect_gone,
    expect_no_event,
    expect_packet,
    expect_processed,
    needs_binary,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, Violation
from sioprobe.wire import MAIN_NAMESPACE, SocketPacket, SocketPacketType

JOINED = "joined"


async def member(target: Target, transport: Transport, *rooms: str) -> Session:
    """A client in these rooms that has got an event, and with it an offset."""
    session = await connect_main_namespace(target, transport)
    for room in rooms:
        await ask(session, "join", room)
    await session.emit("message", JOINED)
    await expect_event(session, "message-back", JOINED)
    return session


def private_id(session: Session, namespace: str = MAIN_NAMESPACE) -> str:
    """The `pid` that the server gave. Raises Violation if it gave none."""
    pid = session.offsets.pids.get(namespace)
    if not pid:
        raise Violation("CONNECT with a text as `pid`", "CONNECT without one")
    return pid


def last_offset(session: Session, namespace: str = MAIN_NAMESPACE) -> str:
    """The offset of the last event that came. Raises Inconclusive if none had one."""
    offset = session.offsets.last.get(namespace)
    if offset is None:
        raise Inconclusive("no event had an offset")
    return offset


def offset_of(session: Session, event: SocketPacket) -> str:
    """The offset of this event. Raises Violation if it had none."""
    offset = session.offsets.of(event)
    if offset is None:
        raise Violation(f"{event.data[0]!r} with an offset as its last argument", "an event without one")
    return offset


async def lose(target: Target, session: Session) -> None:
    """End the session as a client that calls `engine.close()`, or that loses its network."""
    if session.transport == "polling":
        await session.push("1")
    else:
        session.websocket.abort()
    try:
        await expect_gone(target, session)
    except Violation as error:
        raise Inconclusive(f"the server did not notice the end of the session: {error.actual}") from None


async def come_back(
    target: Target, transport: Transport, pid: object, offset: object, namespace: str = MAIN_NAMESPACE
) -> Session:
    """A new session whose CONNECT of the namespace is answered by CONNECT."""
    session = await target.open(transport)
    await session.send(session.connecting(namespace, {"pid": pid, "offset": offset}))
    await expect_connected(session, namespace)
    return session


async def recovered(
    target: Target, transport: Transport, lost: Session, offset: str | None = None
) -> Session:
    """A session that has recovered the lost one. Raises Inconclusive if the server did not recover it."""
    back = await come_back(target, transport, private_id(lost), offset or last_offset(lost))
    if private_id(back) != private_id(lost):
        raise Inconclusive("the server did not recover the connection")
    return back


def expect_fresh(session: Session, *before: Session, namespace: str = MAIN_NAMESPACE) -> None:
    """The session has none of the ids that the others had."""
    for lost in before:
        for what, new, old in (
            ("socket id", session.socket_ids, lost.socket_ids),
            ("private id", session.offsets.pids, lost.offsets.pids),
        ):
            if new.get(namespace) in old.values():
                raise Violation(f"a new {what}", f"the {what} of the connection before")


@requirement("SIO-RC-01")
async def test_each_connection_has_a_private_id(target: Target, transport: Transport) -> None:
    """Of two sessions, in two namespaces: all differ, and from the ids that others may know."""
    ids: list[str] = []
    for _ in range(2):
        session = await target.open(transport)
        ids.append(session.session_id)
        for namespace in (MAIN_NAMESPACE, "/custom"):
            ids += [await connect(session, namespace), private_id(session, namespace)]

    expect_equal(len(set(ids)), 10, what="number of different ids")


@requirement("SIO-RC-02")
async def test_every_event_ends_with_an_offset(target: Target, transport: Transport) -> None:
    """An answer, one without arguments, one in another namespace, to a room, to all, and a burst."""
    session = await member(target, transport, f"offsets-{transport}")
    await connect(session, "/custom")
    events = []

    for arguments in (["text"], [], [1, {"a": [None]}]):
        await session.emit("message", *arguments)
        events.append(await expect_event(session, "message-back", *arguments))
    await session.emit("message", 2, namespace="/custom")
    events.append(await expect_event(session, "message-back", 2, namespace="/custom"))
    await session.emit("in", f"offsets-{transport}", f"to-room-{transport}", 3)
    events.append(await expect_event(session, f"to-room-{transport}", 3))
    await session.emit("burst", 20, 1)
    events += [await expect_event(session, "b", number, "x") for number in range(20)]

    offsets = {offset_of(session, event) for event in events}
    expect_equal(len(offsets), len(events), what="number of different offsets")


@requirement("SIO-RC-02")
async def test_a_binary_event_ends_with_an_offset(target: Target, transport: Transport) -> None:
    """Behind the placeholders."""
    needs_binary(target, transport)
    session = await member(target, transport)

    await session.emit("message", b"\x01", {"a": b"\x02"})

    event = await expect_event(
        session, "message-back", b"\x01", {"a": b"\x02"}, kind=SocketPacketType.BINARY_EVENT
    )
    offset_of(session, event)


@requirement("SIO-RC-03")
async def test_a_question_has_no_offset(target: Target, transport: Transport) -> None:
    """A callback would no longer be the last argument. Acks have none either."""
    session = await member(target, transport)

    await session.emit("ask", "question", "text")

    await expect_event(session, "question", "text")
    expect_equal(await ask(session, "message-with-ack", "text"), ["text"], what="ack")


@requirement("SIO-RC-04")
async def test_a_lost_connection_is_recovered(target: Target, transport: Transport) -> None:
    """The same ids, twice in a row, and the client is served."""
    lost = await member(target, transport)

    for _ in range(2):
        await lose(target, lost)
        back = await come_back(target, transport, private_id(lost), last_offset(lost))

        for what, new, old in (
            ("private id", private_id(back), private_id(lost)),
            ("socket id", back.socket_ids, lost.socket_ids),
        ):
            if new != old:
                raise Violation(f"the {what} of the lost connection", f"another {what}")
        await back.emit("message", "back")
        await expect_event(back, "message-back", "back")
        await expect_alive(back)
        lost = back


@requirement("SIO-RC-04")
async def test_each_namespace_is_recovered(target: Target, transport: Transport) -> None:
    """`/custom` of a lost session, with its own `pid`."""
    lost = await target.open(transport)
    await connect(lost, "/custom")
    await lost.emit("message", JOINED, namespace="/custom")
    await expect_event(lost, "message-back", JOINED, namespace="/custom")
    await lose(target, lost)

    pid, offset = private_id(lost, "/custom"), last_offset(lost, "/custom")
    back = await come_back(target, transport, pid, offset, "/custom")

    if private_id(back, "/custom") != pid or back.socket_ids != lost.socket_ids:
        raise Violation("the ids of the lost connection", "other ids")


@requirement("SIO-RC-05")
async def test_missed_events_follow(target: Target, transport: Transport) -> None:
    """Five to the room of the client, and one after its return; nothing comes twice."""
    room = f"missed-{transport}"
    lost, sender = await member(target, transport, room), await member(target, transport)
    await lose(target, lost)
    for number in range(5):
        await sender.emit("to", room, "missed", number, {"number": number})
    await expect_alive(sender)

    back = await recovered(target, transport, lost)

    for number in range(5):
        event = await expect_event(back, "missed", number, {"number": number})
        offset_of(back, event)
    await sender.emit("to", room, "later", 5)
    await expect_event(back, "later", 5)
    await expect_no_event(back, "missed")


@requirement("SIO-RC-05")
async def test_a_client_goes_on_from_its_offset(target: Target, transport: Transport) -> None:
    """It is lost while the missed events come, and has got two of four: the other two follow."""
    room = f"half-{transport}"
    lost, sender = await member(target, transport, room), await member(target, transport)
    await lose(target, lost)
    for number in range(4):
        await sender.emit("to", room, "missed", number)
    await expect_alive(sender)
    halfway = await recovered(target, transport, lost)
    events = [await expect_event(halfway, "missed", number) for number in range(4)]
    await lose(target, halfway)

    back = await recovered(target, transport, lost, offset_of(halfway, events[1]))

    for number in (2, 3):
        await expect_event(back, "missed", number)
    await expect_no_event(back, "missed")


@requirement("SIO-RC-05")
async def test_missed_binary_follows(target: Target, transport: Transport) -> None:
    """Between two events of text."""
    needs_binary(target, transport)
    room = f"missed-binary-{transport}"
    lost, sender = await member(target, transport, room), await member(target, transport)
    await lose(target, lost)
    for values in (["before"], [b"\x01\x02", {"a": b""}], ["after"]):
        await sender.emit("to", room, "missed", *values)
    await expect_alive(sender)

    back = await recovered(target, transport, lost)

    for values in (["before"], [b"\x01\x02", {"a": b""}], ["after"]):
        await expect_event(back, "missed", *values)


@requirement("SIO-RC-06")
async def test_the_rooms_are_recovered(target: Target, transport: Transport) -> None:
    """Both rooms of the client, and no other."""
    rooms = [f"kept-a-{transport}", f"kept-b-{transport}"]
    lost, sender = await member(target, transport, *rooms), await member(target, transport)
    await lose(target, lost)

    back = await recovered(target, transport, lost)

    for room in rooms:
        await sender.emit("to", room, "to-members", room)
        await expect_event(back, "to-members", room)
    expect_equal(await ask(back, "leave", rooms[0]), [rooms[1:]], what="rooms after one was left")


@requirement("SIO-RC-06")
async def test_what_was_for_others_is_not_replayed(target: Target, transport: Transport) -> None:
    """Events to another room, to another client, and to a room of the same name in another namespace."""
    room = f"mine-{transport}"
    lost, sender = (
        await member(target, transport, room),
        await member(target, transport, f"other-{transport}"),
    )
    await connect(sender, "/custom")
    await ask(sender, "join", room, namespace="/custom")
    await lose(target, lost)
    await sender.emit("in", f"other-{transport}", "for-others")
    await sender.emit("message", "for-others")
    await sender.emit("in", room, "for-others", namespace="/custom")
    await sender.emit("to", room, "for-me")
    await expect_alive(sender)

    back = await recovered(target, transport, lost)

    await expect_event(back, "for-me")
    for event in ("for-others", "message-back"):
        await expect_no_event(back, event)


@requirement("SIO-RC-07")
async def test_who_left_is_not_recovered(target: Target, transport: Transport) -> None:
    """The client sent DISCONNECT, and connects again on the same session."""
    session = await member(target, transport)
    pid, socket_id, offset = private_id(session), session.socket_ids[MAIN_NAMESPACE], last_offset(session)
    await session.send("41")
    await expect_processed(session)

    await session.send(session.connecting(own={"pid": pid, "offset": offset}))

    if await expect_connected(session) == socket_id or private_id(session) == pid:
        raise Violation("new ids", "an id of the connection before")


@requirement("SIO-RC-07")
async def test_who_was_put_out_is_not_recovered(target: Target, transport: Transport) -> None:
    """The server sent DISCONNECT."""
    kicked = await member(target, transport)
    await kicked.emit("kick")
    await expect_packet(kicked, SocketPacketType.DISCONNECT)

    back = await come_back(target, transport, private_id(kicked), last_offset(kicked))

    expect_fresh(back, kicked)


@requirement("SIO-RC-08")
async def test_what_is_unknown_begins_anew(target: Target, transport: Transport) -> None:
    """An unknown `pid`, an unknown offset, and values that are no text."""
    room = f"unknown-{transport}"
    lost, sender = await member(target, transport, room), await member(target, transport)
    await lose(target, lost)
    await sender.emit("to", room, "missed")
    await expect_alive(sender)
    pid, offset = private_id(lost), last_offset(lost)

    for shown in ((pid[::-1], offset), (pid, offset[::-1] + "?"), (pid, None), (7, offset), (None, {"a": 1})):
        session = await come_back(target, transport, *shown)

        expect_fresh(session, lost)
        await expect_no_event(session, "missed")


@requirement("SIO-RC-08")
async def test_a_private_id_is_of_one_namespace(target: Target, transport: Transport) -> None:
    """That of `/` recovers nothing in `/custom`."""
    lost = await member(target, transport)
    await lose(target, lost)

    session = await come_back(target, transport, private_id(lost), last_offset(lost), "/custom")

    expect_fresh(session, lost, namespace="/custom")
