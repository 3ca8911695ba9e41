"""Flask-SocketIO with a message queue: other processes emit, and rooms have members at each of them."""

import json
from typing import Any

from conformance.cases.flask_apps import (
    FLASK,
    emitted,
    expect_emitted,
    expect_not_emitted,
    in_flask,
    needs_a_queue,
    open_in,
)
from conformance.client.session import Session, Transport
from conformance.expect import (
    ask,
    connect_main_namespace,
    expect_ack,
    expect_equal,
    expect_event,
    expect_gone,
    expect_status,
)
from conformance.requirements import exclusive, requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import MAIN_NAMESPACE, SocketPacket, SocketPacketType

EMIT, ROOMS, ASK = "/emit", "/rooms", "/ask-all"
PROGRAM_SECONDS = 30.0  # in which a program starts, emits and ends


async def two(
    target: Target, second: Target, transport: Transport, namespace: str
) -> tuple[Session, Session]:
    """A client of each process."""
    needs_a_queue(target)
    here = await open_in(in_flask(target), transport, namespace)
    there = await open_in(in_flask(second), transport, namespace)
    return here, there


async def post(target: Target, route: str, body: dict[str, Any], seconds: float | None = None) -> None:
    """Ask a route of the first application."""
    headers = (("Content-Type", "application/json"),)
    sent = json.dumps(body).encode()
    answer = await target.request(
        "POST", "", path=f"{FLASK}{route}", headers=headers, body=sent, seconds=seconds
    )
    expect_status(answer, 202)


async def _answer(session: Session, event: str, *values: Any, namespace: str) -> None:
    """Answer the question that comes as this event."""
    question = await emitted(session, event, namespace)
    if question.ack_id is None:
        raise Violation(f"{event!r} with an ack id", f"{event!r} without one")
    await session.send_packet(SocketPacket(SocketPacketType.ACK, namespace, list(values), question.ack_id))


@exclusive
@requirement("FSIO-71")
async def test_flask_lets_a_process_without_clients_emit(target: Target, transport: Transport) -> None:
    """To a room, to one client, and to all; then it closes the room."""
    needs_a_queue(target)
    room = f"outside-{transport}"
    member, other = [await open_in(in_flask(target), transport, EMIT) for _ in range(2)]
    await ask(member, "join", room, namespace=EMIT)

    for number, to in ((1, room), (2, other.socket_ids[EMIT]), (3, None)):
        named = {"namespace": EMIT, "to": to}
        await post(target, "/emit", {"event": room, "values": [number], "named": named, "from_outside": True})

    for number, session in ((1, member), (2, other), (3, member), (3, other)):
        await expect_emitted(session, room, number, namespace=EMIT)
    await post(target, "/close-room", {"room": room, "namespace": EMIT})
    named = {"namespace": EMIT, "to": other.socket_ids[EMIT]}
    await post(target, "/emit", {"event": room, "values": ["closed"], "named": named, "from_outside": True})
    # What went through the queue before this has been done.
    await expect_emitted(other, room, "closed", namespace=EMIT)
    await ask(member, "emit", room, [4], {"to": room}, namespace=EMIT)
    await expect_not_emitted(room, member, namespace=EMIT)


@exclusive
@requirement("FSIO-71")
async def test_flask_lets_another_program_emit(target: Target, transport: Transport) -> None:
    """It makes a SocketIO object with the queue, emits to a room, and ends."""
    needs_a_queue(target)
    room = f"program-{transport}"
    member, other = [await open_in(in_flask(target), transport, EMIT) for _ in range(2)]
    await ask(member, "join", room, namespace=EMIT)

    named = {"namespace": EMIT, "to": room}
    body = {"event": room, "values": [{"a": [1]}], "named": named}
    await post(target, "/emit-by-program", body, PROGRAM_SECONDS)

    await expect_emitted(member, room, {"a": [1]}, namespace=EMIT)
    await expect_not_emitted(room, member, other, namespace=EMIT)


@exclusive
@requirement("FSIO-72")
async def test_flask_joins_a_client_of_another_process(
    target: Target, second: Target, transport: Transport
) -> None:
    """It is reached in the room; the process that asked for it knows none of its rooms."""
    here, there = await two(target, second, transport, ROOMS)
    room = f"span-{transport}"
    other = there.socket_ids[ROOMS]

    known = await ask(here, "join other", room, other, namespace=ROOMS)
    await ask(here, "say", room, f"to-{room}", namespace=ROOMS)

    expect_equal(known, [[]], what="rooms of a client of another process")
    await expect_event(there, f"to-{room}", namespace=ROOMS)
    rooms = await ask(there, "rooms", namespace=ROOMS)
    expect_equal(rooms, [[other, room]], [[room, other]], what="rooms at its own process")


@exclusive
@requirement("FSIO-73")
async def test_flask_runs_the_callback_for_the_first_answer_of_a_room(
    target: Target, second: Target, transport: Transport
) -> None:
    """A room with a member at each process, which both answer."""
    here, there = await two(target, second, transport, ASK)
    room = f"answers-{transport}"
    for session in (here, there):
        await ask(session, "join", room, namespace=ASK)

    await here.emit("ask", room, {"to": room}, namespace=ASK)

    for number, session in enumerate((here, there)):
        await _answer(session, room, number, namespace=ASK)
    told = await emitted(here, "answered", ASK)
    own = here.socket_ids[ASK]
    expect_equal(told.data[1:], [room, own, [0]], [room, own, [1]], what="what the callback got")
    await expect_not_emitted("answered", here, there, namespace=ASK)


@exclusive
@requirement("FSIO-73")
async def test_flask_runs_the_callback_of_a_room_elsewhere(
    target: Target, second: Target, transport: Transport
) -> None:
    """Both members are at the other process; one answers nothing."""
    here, there = await two(target, second, transport, ASK)
    silent = await open_in(in_flask(second), transport, ASK)
    room = f"elsewhere-{transport}"
    for session in (there, silent):
        await ask(session, "join", room, namespace=ASK)

    await here.emit("ask", room, {"to": room}, namespace=ASK)
    await emitted(silent, room, ASK)
    await _answer(there, room, "first", namespace=ASK)

    await expect_emitted(here, "answered", room, here.socket_ids[ASK], ["first"], namespace=ASK)


@exclusive
@requirement("FSIO-74")
async def test_flask_keeps_an_event_within_its_process(
    target: Target, second: Target, transport: Transport
) -> None:
    """ignore_queue=True; without it binary reaches the other process as it was."""
    here, there = await two(target, second, transport, EMIT)
    alone, both = f"alone-{transport}", f"both-{transport}"
    # Not to all: binary is for clients of one transport.
    for session in (here, there):
        await ask(session, "join", both, namespace=EMIT)

    await ask(here, "emit", alone, [1], {"to": both, "ignore_queue": True}, namespace=EMIT)
    await ask(here, "emit", both, [{"a": b"\x01\x02"}], {"to": both}, namespace=EMIT)

    for session in (here, there):
        await expect_emitted(session, both, {"a": b"\x01\x02"}, namespace=EMIT)
    await expect_emitted(here, alone, 1, namespace=EMIT)
    await expect_not_emitted(alone, there, namespace=EMIT)


@exclusive
@requirement("FSIO-76")
async def test_flask_call_returns_what_a_client_elsewhere_answers(
    target: Target, second: Target, transport: Transport
) -> None:
    """One value, a tuple of two, and nothing in time."""
    here, there = await two(target, second, transport, ASK)
    other = there.socket_ids[ASK]

    for number, (values, returned) in enumerate(
        (((7,), ["int", 7]), ((7, "a"), ["tuple", [7, "a"]])), start=1
    ):
        await here.emit("call", "called", {"to": other}, namespace=ASK, ack_id=number)
        await _answer(there, "called", *values, namespace=ASK)
        await expect_ack(here, number, returned, namespace=ASK)

    await here.emit("call", "called", {"to": other, "timeout": 0.2}, namespace=ASK, ack_id=3)
    await emitted(there, "called", ASK)
    await expect_ack(here, 3, "TimeoutError", namespace=ASK)


@exclusive
@requirement("FSIO-77")
async def test_flask_keeps_channels_apart(target: Target, second: Target, transport: Transport) -> None:
    """Two applications on one queue, which both have `/`. Each emits to all there."""
    needs_a_queue(target)
    main, main_elsewhere = [await connect_main_namespace(server, transport) for server in (target, second)]
    flask, flask_elsewhere = [
        await open_in(in_flask(server), transport, MAIN_NAMESPACE, EMIT) for server in (target, second)
    ]

    await main.emit("all", "of-main", transport)
    named = {"namespace": MAIN_NAMESPACE, "broadcast": True}
    await flask.emit("emit", "of-flask", [transport], named, namespace=EMIT)

    for session in (main, main_elsewhere):
        await expect_emitted(session, "of-main", transport, namespace=MAIN_NAMESPACE)
    for session in (flask, flask_elsewhere):
        await expect_emitted(session, "of-flask", transport, namespace=MAIN_NAMESPACE)
    await expect_not_emitted("of-flask", main, main_elsewhere, namespace=MAIN_NAMESPACE)
    await expect_not_emitted("of-main", flask, flask_elsewhere, namespace=MAIN_NAMESPACE)


@exclusive
@requirement("FSIO-78")
async def test_flask_keeps_callbacks_of_clients_elsewhere(
    target: Target, second: Target, transport: Transport
) -> None:
    """One client of each process is asked, answers nothing, and leaves."""
    here, there = await two(target, second, transport, ASK)
    beside = await open_in(in_flask(target), transport, ASK)
    others = [session.socket_ids[ASK] for session in (beside, there)]
    for session, other in zip((beside, there), others, strict=True):
        await ask(here, "ask", "unanswered", {"to": other}, namespace=ASK)
        await emitted(session, "unanswered", ASK)
    for other in others:
        expect_equal(await ask(here, "waits for", other, namespace=ASK), [True], what="a callback:")

    for session, server in ((beside, target), (there, second)):
        await session.release()
        await expect_gone(in_flask(server), session)

    for other, kept in zip(others, (False, True), strict=True):
        expect_equal(await ask(here, "waits for", other, namespace=ASK), [kept], what="a callback:")
