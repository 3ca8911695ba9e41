"""Flask-SocketIO: questions from the server, with a callback or with call()."""

from typing import Any

from conformance.cases.flask_apps import (
    emitted,
    expect_emitted,
    expect_not_emitted,
    in_flask,
    in_options,
    open_in,
    undocumented,
)
from conformance.client.session import Session, Transport
from conformance.expect import (
    arguments_of,
    expect_ack,
    expect_equal,
    expect_event,
    expect_processed,
    same,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import EVENTS, SocketPacket, SocketPacketType

ASK = "/ask"
ALL = "/ask-all"


async def question(session: Session, event: str, namespace: str = ASK) -> SocketPacket:
    """The event as a question: it has an ack id."""
    packet = await emitted(session, event, namespace)
    if packet.ack_id is None:
        raise Violation(f"{event!r} with an ack id", f"{event!r} without one")
    return packet


@requirement("FSIO-43")
async def test_flask_runs_the_callback_with_what_the_client_answers(
    target: Target, transport: Transport
) -> None:
    """No argument, one, several; binary among them."""
    session = await open_in(in_flask(target), transport, ASK)

    for arguments in ([], ["r"], ["r", 2, b"\x01"]):
        await session.emit("ask", "q", {}, namespace=ASK)
        packet = await question(session, "q")

        await session.send_packet(SocketPacket(SocketPacketType.ACK, ASK, arguments, packet.ack_id))

        await expect_event(session, "answered", "q", session.socket_ids[ASK], arguments, namespace=ASK)


@requirement("FSIO-43")
async def test_flask_numbers_its_questions_from_one(target: Target, transport: Transport) -> None:
    """For each client, also for the second."""
    for _ in range(2):
        session = await open_in(in_flask(target), transport, ASK)
        for number in (1, 2, 3):
            await session.emit("ask", "q", {}, namespace=ASK)

            packet = await question(session, "q")

            with undocumented():
                expect_equal(packet.ack_id, number, what="ack id")


@requirement("FSIO-43")
async def test_flask_ignores_a_second_answer_and_one_to_nothing(target: Target, transport: Transport) -> None:
    """The callback runs once; the next question is answered as ever."""
    session = await open_in(in_flask(target), transport, ASK)
    await session.emit("ask", "once", {}, namespace=ASK)
    once = await question(session, "once")

    await session.send(f'43/ask,{once.ack_id}["first"]')
    await session.send(f'43/ask,{once.ack_id}["second"]')
    await session.send('43/ask,77["never asked"]')

    own = session.socket_ids[ASK]
    await expect_event(session, "answered", "once", own, ["first"], namespace=ASK)
    await expect_not_emitted("answered", session, namespace=ASK)
    await session.emit("ask", "next", {}, namespace=ASK)
    packet = await question(session, "next")
    await session.send(f"43/ask,{packet.ack_id}[]")
    await expect_event(session, "answered", "next", own, [], namespace=ASK)


@requirement("FSIO-44")
async def test_flask_runs_the_callback_of_a_broadcast_for_each(target: Target, transport: Transport) -> None:
    """Each answers; the callbacks run on behalf of the one who asked. A queue forbids it."""
    sessions = [await open_in(in_flask(target), transport, ALL) for _ in range(2)]
    first, second = sessions
    name = f"everybody-{transport}"

    await first.emit("ask", name, {"broadcast": True}, namespace=ALL, ack_id=9)

    if target.switches.get("message_queue"):
        await expect_ack(first, 9, "ValueError", namespace=ALL)
        return
    await expect_ack(first, 9, namespace=ALL)
    for number, session in enumerate(sessions):
        packet = await question(session, name, ALL)
        await session.send(f"43/ask-all,{packet.ack_id}[{number}]")
    answers = [await answered(first, name) for _ in sessions]
    expect_equal(sorted(answer[1] for answer in answers), [[0], [1]], what="answers")
    expect_equal({answer[0] for answer in answers} == {first.socket_ids[ALL]}, True, what="asker's id:")
    await expect_not_emitted("answered", second, namespace=ALL)


async def answered(session: Session, event: str) -> list[Any]:
    """The id that the callback saw, and its arguments."""
    packet = await session.take(
        lambda p: p.type in EVENTS and same(p.data[:2], ["answered", event]) and p.namespace == ALL
    )
    if packet is None:
        raise Violation(f"'answered' for {event!r}", "nothing")
    return arguments_of(packet, 3)[1:]


@requirement("FSIO-45")
async def test_flask_call_returns_what_the_client_answers(target: Target, transport: Transport) -> None:
    """Nothing, one value, a tuple of two."""
    session = await open_in(in_flask(target), transport, ASK)

    for number, (answer, returned) in enumerate(
        (("[]", ["NoneType", None]), ("[7]", ["int", 7]), ('[7,"a"]', ["tuple", [7, "a"]])), start=1
    ):
        await session.send(f'42/ask,{number}["call","c",{{}}]')
        packet = await question(session, "c")
        await session.send(f"43/ask,{packet.ack_id}{answer}")

        await expect_ack(session, number, returned, namespace=ASK)


@requirement("FSIO-45")
async def test_flask_call_gives_up(target: Target, transport: Transport) -> None:
    """The client does not answer within the timeout."""
    session = await open_in(in_flask(target), transport, ASK)

    await session.send('42/ask,1["call","c",{"timeout":0.2}]')

    await question(session, "c")
    await expect_ack(session, 1, "TimeoutError", namespace=ASK)


@requirement("FSIO-45")
async def test_flask_call_waits_for_a_client_that_is_gone(target: Target, transport: Transport) -> None:
    """It was there, and its id is still called."""
    app = in_flask(target)
    session, gone = [await open_in(app, transport, ASK) for _ in range(2)]
    await gone.send("41/ask,")
    await expect_processed(gone)

    await session.emit("call", "c", {"to": gone.socket_ids[ASK], "timeout": 0.2}, namespace=ASK, ack_id=1)

    await expect_ack(session, 1, "TimeoutError", namespace=ASK)


@requirement("FSIO-45")
async def test_flask_call_needs_handlers_that_run_at_once(target: Target, transport: Transport) -> None:
    """The application with other options runs a client's handlers one after the other."""
    session = await open_in(in_options(target), transport, ASK)

    await session.send('42/ask,1["call","c",{}]')

    with undocumented():
        await expect_ack(session, 1, "RuntimeError", namespace=ASK)
        await expect_not_emitted("c", session, namespace=ASK)


@requirement("FSIO-46")
async def test_flask_serves_other_events_while_call_waits(target: Target, transport: Transport) -> None:
    """Two calls of one client are answered in reverse, and a question between them."""
    session = await open_in(in_flask(target), transport, ASK)
    await session.send('42/ask,1["call","a",{}]')
    first = await question(session, "a")
    await session.send('42/ask,2["call","b",{}]')
    second = await question(session, "b")

    await session.send(f'43/ask,{second.ack_id}["to b"]')
    await expect_ack(session, 2, ["str", "to b"], namespace=ASK)
    await session.emit("ask", "between", {}, namespace=ASK)
    between = await question(session, "between")
    await session.send(f"43/ask,{between.ack_id}[]")
    await expect_emitted(session, "answered", "between", session.socket_ids[ASK], [], namespace=ASK)
    await session.send(f'43/ask,{first.ack_id}["to a"]')

    await expect_ack(session, 1, ["str", "to a"], namespace=ASK)
