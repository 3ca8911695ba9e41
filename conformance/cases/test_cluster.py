"""Processes of one cluster (level 3): `target` is the first, `second` another, `cluster` are all of them."""

import asyncio
import time
from typing import Any

from conformance.client.session import Session, Transport
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_equal,
    expect_event,
    expect_gone,
    expect_no_event,
    expect_no_events,
    expect_packet,
    is_alive,
    is_event,
    needs_binary,
)
from conformance.requirements import exclusive, last, requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, Violation
from sioprobe.wire import MAIN_NAMESPACE, SocketPacket, SocketPacketType

COUNTED = 1_000
TALK_SECONDS = 0.05  # between two events of somebody who talks
DEAF_SECONDS = 1.0  # for which somebody talks on
AGAIN_SECONDS = 5.0  # for a process that has to connect to the queue again

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
@requirement("SIO-CL-03")
async def test_questions_and_acks_work_at_both_processes(
    target: Target, second: Target, transport: Transport
) -> None:
    """Asked at the same time, each gets its own answer."""
    sessions = [await connect_main_namespace(server, transport) for server in (target, second)]

    async def talk(session: Session, mark: str) -> None:
        await session.emit("ask", "question", mark)
        question = await expect_event(session, "question", mark)
        expect_equal(question.ack_id is not None, True, what="an ack id:")
        await session.send(f'43{question.ack_id}["{mark}"]')
        await expect_event(session, "asked", mark)
        expect_equal(await ask(session, "message-with-ack", mark), [mark], what="ack")

    await asyncio.gather(*(talk(session, f"mark-{i}") for i, session in enumerate(sessions)))


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


async def answer(session: Session, event: str, *values: Any, namespace: str = MAIN_NAMESPACE) -> None:
    """Answer the question that comes as this event."""
    question = await expect_event(session, event, namespace=namespace)
    expect_equal(question.ack_id is not None, True, what="an ack id:")
    await session.send_packet(SocketPacket(SocketPacketType.ACK, namespace, list(values), question.ack_id))


@exclusive
@requirement("SIO-CL-05")
async def test_a_client_of_another_process_answers(
    target: Target, second: Target, transport: Transport
) -> None:
    """In both directions. Nobody else is asked, and nobody else hears of the answer."""
    here, there, beside = [
        await connect_main_namespace(server, transport) for server in (target, second, second)
    ]

    for number, (asking, asked) in enumerate(((here, there), (there, here))):
        await asking.emit("ask-other", asked.socket_ids[MAIN_NAMESPACE], "question")
        await answer(asked, "question", number)
        await expect_event(asking, "asked", number)

    await expect_no_events("question", beside, here, there)
    await expect_no_events("asked", beside, here, there)


@exclusive
@requirement("SIO-CL-05")
async def test_a_client_of_another_process_answers_in_its_namespace(
    target: Target, second: Target, transport: Transport
) -> None:
    """Both are in `/` too, where nothing of it is heard."""
    here, there = [await connect_main_namespace(server, transport) for server in (target, second)]
    for session in (here, there):
        await connect(session, "/custom")

    await here.emit("ask-other", there.socket_ids["/custom"], "question", namespace="/custom")
    await answer(there, "question", "in /custom", namespace="/custom")

    await expect_event(here, "asked", "in /custom", namespace="/custom")
    await expect_no_event(there, "question")
    await expect_no_event(here, "asked")


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
            await _expect_counted(session, name, COUNTED)


async def _expect_counted(session: Session, name: str, count: int) -> None:
    """So many events, numbered from 0."""
    for number in range(count):
        packet = await session.take(lambda p: is_event(p, name))
        if packet is None:
            raise Violation(f"{count} events {name!r}", f"{number}, and no more")
        if packet.data[1:] != [number]:
            raise Violation(f"{name!r} number {number}", f"number {packet.data[1:]}")
    packet = await session.take(lambda p: is_event(p, name), session.timing.quiet)
    if packet is not None:
        raise Violation(f"{count} events {name!r}", f"one more: {packet.data[1:]}")


# An answer that a server cannot hand on may cost it more than this answer: these are asked at the end.


@last
@requirement("SIO-CL-06")
async def test_a_client_of_another_process_answers_with_binary(target: Target, second: Target) -> None:
    """Alone and nested."""
    needs_binary(second, second.any_transport)
    here = await connect_main_namespace(target, target.any_transport)
    there = await connect_main_namespace(second, second.any_transport)

    await here.emit("ask-other", there.socket_ids[MAIN_NAMESPACE], "question")
    await answer(there, "question", {"nested": [b"\x01\x02"]})

    await expect_event(here, "asked", {"nested": [b"\x01\x02"]})


@last
@requirement("SIO-CL-07")
async def test_processes_hear_each_other_whatever_clients_answer(target: Target, second: Target) -> None:
    """Nothing, one value, several, binary; meanwhile two others talk in a room, until a second afterwards."""
    here, near = [await connect_main_namespace(target, target.any_transport) for _ in range(2)]
    there, far = [await connect_main_namespace(second, second.any_transport) for _ in range(2)]
    for session in (near, far):
        await ask(session, "join", "others-talk")
    answers: list[tuple[Any, ...]] = [(), ("one",), (1, [2], {"three": None})]
    if second.any_transport == "websocket" or second.capabilities["binary_polling"]:
        answers.append((b"\x01\x02",))
    over = asyncio.Event()

    async def talk(session: Session, name: str) -> int:
        """The number of events."""
        number = 0
        while not over.is_set():
            await session.emit("to", "others-talk", name, number)
            number += 1
            await asyncio.sleep(TALK_SECONDS)
        return number

    async def answer_all() -> None:
        for number, values in enumerate(answers):
            question = f"question-{number}"
            await here.emit("ask-other", there.socket_ids[MAIN_NAMESPACE], question)
            await answer(there, question, *values)
        await ask(there, "message-with-ack", "in order")  # its process has dealt with the answers
        await asyncio.sleep(DEAF_SECONDS)

    talks = [asyncio.create_task(talk(*one)) for one in ((near, "from-here"), (far, "from-there"))]
    try:
        await answer_all()
    finally:
        over.set()
        counts = await asyncio.gather(*talks)
    await _expect_counted(far, "from-here", counts[0])
    await _expect_counted(near, "from-there", counts[1])


@last
@requirement("SIO-CL-13")
async def test_what_clients_emit_at_the_same_time_crosses(target: Target, second: Target) -> None:
    """Eight clients, twenty events each, in any order."""
    there = await connect_main_namespace(second, second.any_transport)
    await ask(there, "join", "all-at-once")
    sessions = [await connect_main_namespace(target, target.any_transport) for _ in range(8)]
    wanted = {number * 100 + mark for number in range(len(sessions)) for mark in range(20)}

    async def talk(number: int, session: Session) -> None:
        for mark in range(20):
            await session.emit("to", "all-at-once", "at-once", number * 100 + mark)

    await asyncio.gather(*(talk(number, session) for number, session in enumerate(sessions)))

    came: list[int] = []
    while len(came) < len(wanted) and (packet := await there.take(lambda p: is_event(p, "at-once"))):
        came += packet.data[1:]
    if sorted(came) != sorted(wanted):
        raise Violation(
            f"{len(wanted)} events, each once", f"{len(came)} events, {len(set(came))} of them once"
        )


@last
@requirement("SIO-CL-12")
async def test_each_process_still_hears_the_others(cluster: list[Target]) -> None:
    """One that has to connect to the queue again has five seconds. Each serves its own clients meanwhile."""
    sessions = []
    for server in cluster:
        try:
            sessions.append(await connect_main_namespace(server, server.any_transport))
        except Inconclusive as error:
            # It let everybody in before.
            raise Violation("each process lets a client in", f"{server.address.url}: {error}") from None
    numbers = range(len(sessions))
    unheard = {(by, of) for by in numbers for of in numbers if by != of}

    deadline = time.monotonic() + AGAIN_SECONDS
    while unheard and time.monotonic() < deadline:
        for number, session in enumerate(sessions):
            await session.emit("broadcast", "still-here", number)
        for number, session in enumerate(sessions):
            while packet := await session.take(lambda p: is_event(p, "still-here"), session.timing.quiet):
                unheard.discard((number, packet.data[1]))

    if unheard:
        by, of = min(unheard)
        serves = "and serves" if await is_alive(sessions[by]) else "and no longer serves"
        raise Violation(
            "each process hears every other",
            f"{cluster[by].address.url} hears nothing of {cluster[of].address.url}, {serves} its own clients",
        )
