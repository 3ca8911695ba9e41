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
from conformance.expect import ask, expect_equal, expect_event, expect_status
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation

EMIT, ROOMS, ASK = "/emit", "/rooms", "/ask-all"


async def two(
    target: Target, second: Target, transport: Transport, namespace: str
) -> tuple[Session, Session]:
    """A client of each process."""
    needs_a_queue(target)
    here = await open_in(in_flask(target), transport, namespace)
    there = await open_in(in_flask(second), transport, namespace)
    return here, there


async def post(target: Target, route: str, body: dict[str, Any]) -> None:
    """Ask a route of the first application."""
    headers = (("Content-Type", "application/json"),)
    answer = await target.request(
        "POST", "", path=f"{FLASK}{route}", headers=headers, body=json.dumps(body).encode()
    )
    expect_status(answer, 202)


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
        packet = await emitted(session, room, ASK)
        if packet.ack_id is None:
            raise Violation(f"{room!r} with an ack id", f"{room!r} without one")
        await session.send(f"43{ASK},{packet.ack_id}[{number}]")
    told = await emitted(here, "answered", ASK)
    own = here.socket_ids[ASK]
    expect_equal(told.data[1:], [room, own, [0]], [room, own, [1]], what="what the callback got")
    await expect_not_emitted("answered", here, there, namespace=ASK)


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
