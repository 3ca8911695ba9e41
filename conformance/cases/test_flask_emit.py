"""Flask-SocketIO: what emit() and send() send, and to whom.

A case asks for `emit` or `send` with the values and the named arguments of the call. `server emit` and
`server send` are the methods of the SocketIO object. Events of other cases may come in between, so each
case uses names and rooms of its own.
"""

import json
from typing import Any

from conformance.cases.flask_apps import (
    FLASK,
    expect_emitted,
    expect_not_emitted,
    in_flask,
    open_in,
    undocumented,
)
from conformance.client.session import Session, Transport
from conformance.expect import ask, expect_equal, expect_status
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import EnginePacketType

EMIT = "/emit"


async def emit(session: Session, event: str, *values: Any, server: bool = False, **named: Any) -> None:
    """Let the server call emit(event, *values, **named); the call has ended when this returns."""
    returned = await ask(
        session, "server emit" if server else "emit", event, list(values), named, namespace=EMIT
    )
    expect_equal(returned, [], what="error in emit()")


async def send(session: Session, value: Any, *, server: bool = False, **named: Any) -> None:
    """The same for send()."""
    returned = await ask(session, "server send" if server else "send", value, named, namespace=EMIT)
    expect_equal(returned, [], what="error in send()")


async def three(target: Target, transport: Transport, room: str | None = None) -> list[Session]:
    """Three clients of the namespace, in a room of their own."""
    sessions = [await open_in(in_flask(target), transport, EMIT) for _ in range(3)]
    for session in sessions if room else ():
        await ask(session, "join", room, namespace=EMIT)
    return sessions


async def expect_exactly(event: str, *arguments: Any, among: list[Session], reaches: list[Session]) -> None:
    """The event reaches these of the sessions once, and the others not at all."""
    for session in reaches:
        await expect_emitted(session, event, *arguments, namespace=EMIT)
    await expect_not_emitted(event, *among, namespace=EMIT)


def id_of(session: Session) -> str:
    return session.socket_ids[EMIT]


@requirement("FSIO-26")
async def test_flask_emits_values_as_arguments(target: Target, transport: Transport) -> None:
    """Nothing, tuples of none, one and two, a list, an object, false."""
    session = await open_in(in_flask(target), transport, EMIT)

    for values, arguments in (
        ([], []),
        ([{"tuple": []}], []),
        ([{"tuple": ["x"]}], ["x"]),
        ([{"tuple": [1, 2]}], [1, 2]),
        ([[1, 2]], [[1, 2]]),
        ([{"a": 1}], [{"a": 1}]),
        ([False], [False]),
    ):
        await emit(session, f"shape-{transport}", *values)

        await expect_emitted(session, f"shape-{transport}", *arguments, namespace=EMIT)


@requirement("FSIO-26")
async def test_flask_drops_none_unless_a_tuple_holds_it(target: Target, transport: Transport) -> None:
    """None alone is no argument; inside a tuple it is one."""
    session = await open_in(in_flask(target), transport, EMIT)

    for values, arguments in (([None], []), ([{"tuple": [None]}], [None])):
        await emit(session, f"none-{transport}", *values)

        with undocumented():
            await expect_emitted(session, f"none-{transport}", *arguments, namespace=EMIT)


async def raw_event(session: Session, event: str) -> str:
    """The text of the packet that carries the event."""

    def found() -> list[str]:
        texts = [item.packet.data for item in session.packets(EnginePacketType.MESSAGE)]
        return [text for text in texts if isinstance(text, str) and event in text and text.startswith("2")]

    await session.until(lambda: bool(found()), session.timing.answer)
    if not found():
        raise Violation(f"event {event!r}", "none came")
    return found()[0]


@requirement("FSIO-27")
async def test_flask_writes_json_as_python_does(target: Target, transport: Transport) -> None:
    """Beyond ASCII by escapes, a whole float with its decimal, no spaces."""
    session = await open_in(in_flask(target), transport, EMIT)

    await emit(session, f"euro-{transport}", {"€": [1.0, 2]})

    text = await raw_event(session, f"euro-{transport}")
    expect_equal(text, f'2/emit,["euro-{transport}",{{"\\u20ac":[1.0,2]}}]', what="packet")


@requirement("FSIO-27")
async def test_flask_writes_a_number_that_json_lacks_as_python_does(
    target: Target, transport: Transport
) -> None:
    """Python's json module has a word for it."""
    session = await open_in(in_flask(target), transport, EMIT)

    await session.emit("emit", f"number-{transport}", [{"float": "nan"}], {}, namespace=EMIT)

    text = await raw_event(session, f"number-{transport}")
    # This case is about a packet that is not JSON.
    session.malformed.clear()
    expect_equal(text, f'2/emit,["number-{transport}",NaN]', what="packet")


@requirement("FSIO-27")
async def test_flask_emits_bytes_as_attachments(target: Target, transport: Transport) -> None:
    """Alone, and inside a list and an object."""
    session = await open_in(in_flask(target), transport, EMIT)

    for value in (b"\x01", {"list": [b"\x02", 1, b"\x03"]}):
        await emit(session, f"bytes-{transport}", value)

        packet = await expect_emitted(session, f"bytes-{transport}", value, namespace=EMIT)
        expect_equal(packet.type.name, "BINARY_EVENT", what="packet")


@requirement("FSIO-28")
async def test_flask_sends_unnamed_events(target: Target, transport: Transport) -> None:
    """`message` for send(), `json` for send() with json=True."""
    session = await open_in(in_flask(target), transport, EMIT)

    await send(session, "hi")
    await expect_emitted(session, "message", "hi", namespace=EMIT)

    await send(session, {"a": [1]}, json=True)
    await expect_emitted(session, "json", {"a": [1]}, namespace=EMIT)


@requirement("FSIO-29")
async def test_flask_answers_the_sender_in_its_namespace(target: Target, transport: Transport) -> None:
    """Two others are in the namespace; the sender is in another one as well."""
    sessions = await three(target, transport)
    sender = await open_in(in_flask(target), transport, EMIT, "/emit-too")
    name = f"reply-{transport}"

    await emit(sender, name, 1)

    await expect_exactly(name, 1, among=[sender, *sessions], reaches=[sender])
    await expect_not_emitted(name, sender, namespace="/emit-too")


@requirement("FSIO-29")
async def test_flask_broadcasts_to_the_namespace(target: Target, transport: Transport) -> None:
    """All of it, the sender included, and nobody elsewhere."""
    sessions = await three(target, transport)
    elsewhere = await open_in(in_flask(target), transport, "/emit-too")
    name = f"broadcast-{transport}"

    await emit(sessions[0], name, 1, broadcast=True)

    await expect_exactly(name, 1, among=sessions, reaches=sessions)
    await expect_not_emitted(name, elsewhere, namespace="/emit-too")


@requirement("FSIO-30")
async def test_flask_leaves_the_sender_out(target: Target, transport: Transport) -> None:
    """include_self=False with broadcast."""
    sessions = await three(target, transport)
    name = f"without-me-{transport}"

    await emit(sessions[0], name, broadcast=True, include_self=False)

    await expect_exactly(name, among=sessions, reaches=sessions[1:])


@requirement("FSIO-30")
async def test_flask_skips_clients_by_id(target: Target, transport: Transport) -> None:
    """One id, then a list of two."""
    sessions = await three(target, transport)
    first, second, third = sessions

    await emit(first, f"skip-one-{transport}", broadcast=True, skip_sid=id_of(second))
    await expect_exactly(f"skip-one-{transport}", among=sessions, reaches=[first, third])

    await emit(first, f"skip-two-{transport}", broadcast=True, skip_sid=[id_of(first), id_of(second)])
    await expect_exactly(f"skip-two-{transport}", among=sessions, reaches=[third])


@requirement("FSIO-31")
async def test_flask_emit_prefers_skip_sid(target: Target, transport: Transport) -> None:
    """Both arguments: the sender gets the event."""
    room = f"both-emit-{transport}"
    sessions = await three(target, transport, room)
    first, second, third = sessions

    await emit(first, room, to=room, include_self=False, skip_sid=id_of(second))

    await expect_exactly(room, among=sessions, reaches=[first, third])


@requirement("FSIO-31")
async def test_flask_send_prefers_include_self(target: Target, transport: Transport) -> None:
    """Both arguments: the one to skip gets the event."""
    room = f"both-send-{transport}"
    sessions = await three(target, transport, room)
    first, second, third = sessions

    await send(first, room, to=room, include_self=False, skip_sid=id_of(second))

    await expect_exactly("message", room, among=sessions, reaches=[second, third])


@requirement("FSIO-32")
async def test_flask_emits_to_a_room_or_a_client(target: Target, transport: Transport) -> None:
    """`to` is the name of a room, then an id."""
    room = f"to-{transport}"
    sessions = await three(target, transport)
    first, second, third = sessions
    await ask(second, "join", room, namespace=EMIT)

    await emit(first, f"to-room-{transport}", to=room)
    await expect_exactly(f"to-room-{transport}", among=sessions, reaches=[second])

    await emit(first, f"to-client-{transport}", to=id_of(third))
    await expect_exactly(f"to-client-{transport}", among=sessions, reaches=[third])


@requirement("FSIO-32")
async def test_flask_emits_once_to_who_is_in_several_rooms(target: Target, transport: Transport) -> None:
    """`to` is a list: one client is in both rooms, one in one of them, one in none."""
    rooms = [f"one-{transport}", f"other-{transport}"]
    sessions = await three(target, transport)
    both, one, _ = sessions
    await ask(both, "join", *rooms, namespace=EMIT)
    await ask(one, "join", rooms[1], namespace=EMIT)
    name = f"once-{transport}"

    await emit(both, name, to=rooms)

    await expect_exactly(name, among=sessions, reaches=[both, one])


@requirement("FSIO-33")
async def test_flask_takes_an_empty_target_for_none(target: Target, transport: Transport) -> None:
    """An empty list, an empty text and 0: the SocketIO object emits to all."""
    sessions = await three(target, transport)

    for number, nobody in enumerate(([], "", 0)):
        name = f"nobody-{number}-{transport}"
        await emit(sessions[0], name, server=True, namespace=EMIT, to=nobody)

        for session in sessions:
            await expect_emitted(session, name, namespace=EMIT)


@requirement("FSIO-33")
async def test_flask_answers_the_sender_for_an_empty_target(target: Target, transport: Transport) -> None:
    """The function emit(), inside a handler."""
    sessions = await three(target, transport)
    name = f"nobody-here-{transport}"

    await emit(sessions[0], name, to=[])

    await expect_exactly(name, among=sessions, reaches=sessions[:1])


@requirement("FSIO-34")
async def test_flask_emits_to_nobody_in_an_unknown_room(target: Target, transport: Transport) -> None:
    """By either way to emit."""
    sessions = await three(target, transport)
    name = f"unknown-{transport}"

    await emit(sessions[0], name, to="no-such-room")
    await emit(sessions[0], name, server=True, namespace=EMIT, to="no-such-room")

    await expect_exactly(name, among=sessions, reaches=[])


@requirement("FSIO-35")
async def test_flask_takes_room_for_to(target: Target, transport: Transport) -> None:
    """By either way to emit, and to send."""
    room = f"alias-{transport}"
    sessions = await three(target, transport)
    await ask(sessions[1], "join", room, namespace=EMIT)

    await emit(sessions[0], room, 1, room=room)
    await emit(sessions[0], room, 2, server=True, namespace=EMIT, room=room)
    await send(sessions[0], room, room=room)

    await expect_emitted(sessions[1], room, 1, namespace=EMIT)
    await expect_exactly(room, 2, among=sessions, reaches=sessions[1:2])
    await expect_exactly("message", room, among=sessions, reaches=sessions[1:2])


@requirement("FSIO-36")
async def test_flask_emits_to_the_main_namespace_outside_of_events(
    target: Target, transport: Transport
) -> None:
    """The SocketIO object gets no namespace, and neither does its send()."""
    session = await open_in(in_flask(target), transport, EMIT, "/")
    name = f"main-{transport}"

    await emit(session, name, 1, server=True)
    await expect_emitted(session, name, 1, namespace="/")

    await send(session, name, server=True, to=session.socket_ids["/"])
    await expect_emitted(session, "message", name, namespace="/")
    await expect_not_emitted(name, session, namespace=EMIT)


@requirement("FSIO-37")
async def test_flask_class_emits_to_all_of_its_namespace(target: Target, transport: Transport) -> None:
    """The method of the class, without receivers."""
    sessions = [await open_in(in_flask(target), transport, "/class") for _ in range(2)]
    name = f"class-{transport}"

    await sessions[0].emit("emit", name, 1, {}, namespace="/class")

    for session in sessions:
        await expect_emitted(session, name, 1, namespace="/class")


@requirement("FSIO-37")
async def test_flask_class_emit_takes_fewer_arguments(target: Target, transport: Transport) -> None:
    """The class's error handler is told of a TypeError."""
    session = await open_in(in_flask(target), transport, "/class")

    for name in ("to", "skip_sid", "broadcast"):
        answer = await ask(session, "emit", "x", 1, {name: "a"}, namespace="/class")

        expect_equal(answer, ["TypeError in /class"], what=f"ack of emit({name}=...)")


@requirement("FSIO-54")
async def test_flask_emits_in_the_background(target: Target, transport: Transport) -> None:
    """The handler returns at once; three events come, in order, with nothing sent meanwhile."""
    session = await open_in(in_flask(target), transport, EMIT)
    name = f"background-{transport}"

    await ask(session, "background", name, 3, id_of(session), EMIT, namespace=EMIT)

    for number in (1, 2, 3):
        await expect_emitted(session, name, number, namespace=EMIT)


@requirement("FSIO-55")
async def test_flask_emits_from_a_route(target: Target, transport: Transport) -> None:
    """From a request that comes from no client: to all, then to one client."""
    sessions = await three(target, transport)
    name = f"route-{transport}"

    for values, named in (([1], {}), ([2], {"to": id_of(sessions[0])})):
        body = {"event": name, "values": values, "named": {"namespace": EMIT, **named}}
        answer = await target.request(
            "POST",
            "",
            path=f"{FLASK}/emit",
            headers=(("Content-Type", "application/json"),),
            body=json.dumps(body).encode(),
        )
        expect_status(answer, 202)

    for session in sessions:
        await expect_emitted(session, name, 1, namespace=EMIT)
    await expect_exactly(name, 2, among=sessions, reaches=sessions[:1])
