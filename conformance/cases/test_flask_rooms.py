"""Flask-SocketIO: rooms, and the one that is named after the client's id."""

from typing import Any

from conformance.cases.flask_apps import expect_emitted, expect_not_emitted, in_flask, open_in, undocumented
from conformance.client.session import Session, Transport
from conformance.expect import ask, connect, expect_equal
from conformance.requirements import requirement
from conformance.target import Target

ROOMS = "/rooms"


async def rooms(session: Session, event: str, *arguments: str, namespace: str = ROOMS) -> Any:
    """The rooms of the client after the event, or the name of the error."""
    answer = await ask(session, event, *arguments, namespace=namespace)
    return answer[0] if answer else None


@requirement("FSIO-38")
async def test_flask_puts_a_client_into_the_room_of_its_id(target: Target, transport: Transport) -> None:
    """rooms() of a client that joined nothing, then of one that joined."""
    session = await open_in(in_flask(target), transport, ROOMS)
    own = session.socket_ids[ROOMS]

    before = await rooms(session, "rooms")
    await rooms(session, "join", f"own-b-{transport}")
    after = await rooms(session, "join", f"own-a-{transport}")

    expect_equal(before, [own], what="rooms")
    expected = sorted([own, f"own-a-{transport}", f"own-b-{transport}"])
    expect_equal(sorted(after or []), expected, what="rooms later")


@requirement("FSIO-38")
async def test_flask_lists_rooms_in_the_order_they_came_to_be(target: Target, transport: Transport) -> None:
    """A room that existed before the client comes before the client's own."""
    room = f"older-{transport}"
    older, session = [await open_in(in_flask(target), transport) for _ in range(2)]
    await connect(older, ROOMS)
    await rooms(older, "join", room)
    await connect(session, ROOMS)

    listed = await rooms(session, "join", room)

    with undocumented():
        expect_equal(listed, [room, session.socket_ids[ROOMS]], what="rooms")


@requirement("FSIO-39")
async def test_flask_joins_and_leaves_once_and_again(target: Target, transport: Transport) -> None:
    """The second time changes nothing, and neither does leaving a room that does not exist."""
    session = await open_in(in_flask(target), transport, ROOMS)
    own, room = session.socket_ids[ROOMS], f"again-{transport}"

    listed = [
        await rooms(session, "join", room),
        await rooms(session, "join", room),
        await rooms(session, "leave", room),
        await rooms(session, "leave", room),
        await rooms(session, "leave", "no-such-room"),
    ]

    expect_equal(listed, [[own, room], [own, room], [own], [own], [own]], what="rooms after each step")


@requirement("FSIO-39")
async def test_flask_closes_a_room_for_all(target: Target, transport: Transport) -> None:
    """Both members are out of it, and neither is told."""
    room = f"closed-{transport}"
    first, second = [await open_in(in_flask(target), transport, ROOMS) for _ in range(2)]
    await rooms(first, "join", room)
    await rooms(second, "join", room)
    first.inbox.clear()
    second.inbox.clear()

    await rooms(first, "close", room)

    listed = [await rooms(first, "rooms"), await rooms(second, "rooms")]
    expect_equal(listed, [[first.socket_ids[ROOMS]], [second.socket_ids[ROOMS]]], what="rooms of both")
    expect_equal([packet.data for packet in second.inbox], [], what="packets at the other member")
    await rooms(first, "say", room, f"to-{room}")
    await expect_not_emitted(f"to-{room}", first, second, namespace=ROOMS)


@requirement("FSIO-40")
async def test_flask_reserves_the_rooms_of_ids(target: Target, transport: Transport) -> None:
    """Another client's can neither be joined nor closed."""
    first, second = [await open_in(in_flask(target), transport, ROOMS) for _ in range(2)]
    other = second.socket_ids[ROOMS]

    answers = [await rooms(first, "join", other), await rooms(first, "close", other)]

    expect_equal(answers, ["ValueError", "ValueError"], what="errors")
    expect_equal(await rooms(second, "rooms"), [other], what="rooms of the other")


@requirement("FSIO-41")
async def test_flask_loses_a_client_that_left_its_own_room(target: Target, transport: Transport) -> None:
    """What is emitted to the sender goes nowhere; acks still come."""
    session = await open_in(in_flask(target), transport, ROOMS)
    own, name = session.socket_ids[ROOMS], f"to-myself-{transport}"
    await rooms(session, "answer", name)
    await expect_emitted(session, name, namespace=ROOMS)

    left = await rooms(session, "leave", own)

    expect_equal(left, [], what="rooms")
    expect_equal(await rooms(session, "answer", name), own, what="ack")
    await expect_not_emitted(name, session, namespace=ROOMS)


@requirement("FSIO-42")
async def test_flask_keeps_the_rooms_of_namespaces_apart(target: Target, transport: Transport) -> None:
    """A room of the same name in two namespaces."""
    room = f"apart-{transport}"
    first, second = [await open_in(in_flask(target), transport, ROOMS, "/rooms-too") for _ in range(2)]
    await rooms(first, "join", room)
    await rooms(second, "join", room, namespace="/rooms-too")

    await rooms(first, "say", room, f"to-{room}")

    await expect_emitted(first, f"to-{room}", namespace=ROOMS)
    await expect_not_emitted(f"to-{room}", second, namespace=ROOMS)
    await expect_not_emitted(f"to-{room}", first, second, namespace="/rooms-too")


@requirement("FSIO-42")
async def test_flask_takes_a_client_out_of_its_rooms_when_it_leaves(
    target: Target, transport: Transport
) -> None:
    """It connects again on the same session."""
    session = await open_in(in_flask(target), transport, ROOMS)
    await rooms(session, "join", f"before-{transport}")

    await session.send(f"41{ROOMS},")

    await connect(session, ROOMS)
    expect_equal(await rooms(session, "rooms"), [session.socket_ids[ROOMS]], what="rooms")
