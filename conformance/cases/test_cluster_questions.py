"""Questions to clients of another process of a cluster, and their answers.

`target` is the first process (level 3), `second` another, `cluster` are all of them.
"""

import asyncio
from typing import Any

from conformance.cases.counting import expect_counted
from conformance.client.session import Session, Transport
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    expect_equal,
    expect_event,
    expect_no_event,
    expect_no_events,
    needs_binary,
)
from conformance.requirements import exclusive, last, requirement
from conformance.target import Target
from sioprobe.wire import MAIN_NAMESPACE, SocketPacket, SocketPacketType

TALK_SECONDS = 0.05  # between two events of somebody who talks
DEAF_SECONDS = 1.0  # for which somebody talks on

# The first try must succeed: a second one would hide a message that was lost.


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
    await expect_counted(far, "from-here", counts[0])
    await expect_counted(near, "from-there", counts[1])
