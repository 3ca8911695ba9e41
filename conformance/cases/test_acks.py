"""Acknowledgements, in both directions."""

from conformance.client.session import Transport
from conformance.client.transcript import shown
from conformance.expect import (
    arguments_of,
    ask,
    connect,
    connect_main_namespace,
    connected,
    expect_ack,
    expect_alive,
    expect_equal,
    expect_event,
    expect_packet,
    is_event,
    needs_binary,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import ACKS, SocketPacketType


@requirement("SIO-AK-01")
async def test_does_not_ack_an_event_without_an_id(target: Target, transport: Transport) -> None:
    """`message` is answered by an event, and by nothing else."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message","no id"]')

    await expect_event(session, "message-back", "no id")
    packet = await session.take(lambda p: p.type in ACKS, target.timing.quiet)
    if packet is not None:
        raise Violation("no ACK", f"ACK with id {packet.ack_id}")


@requirement("SIO-EN-04")
async def test_an_ack_id_may_exceed_32_bits(target: Target, transport: Transport) -> None:
    """4294967297 is 1 where only 32 bits are kept."""
    session = await connect_main_namespace(target, transport)

    await session.send('424294967297["message-with-ack","large"]')

    await expect_ack(session, 4294967297, "large")


@requirement("SIO-AK-02")
async def test_acks_an_event_with_an_id(target: Target, transport: Transport) -> None:
    """`42456[…]` gets `43456[…]`."""
    session = await connect_main_namespace(target, transport)

    await session.send('42456["message-with-ack",1,"2",{"3":[false]}]')

    await expect_ack(session, 456, 1, "2", {"3": [False]})


@requirement("SIO-AK-02")
async def test_acks_an_event_with_id_zero(target: Target, transport: Transport) -> None:
    """0 is an id."""
    session = await connect_main_namespace(target, transport)

    await session.send('420["message-with-ack","zero"]')

    await expect_ack(session, 0, "zero")


@requirement("SIO-AK-02")
async def test_acks_an_event_with_a_large_id(target: Target, transport: Transport) -> None:
    """As high as a client gets that counts its events for a day."""
    session = await connect_main_namespace(target, transport)

    await session.send('421000000["message-with-ack","million"]')

    await expect_ack(session, 1_000_000, "million")


@requirement("SIO-AK-03")
async def test_the_data_of_an_ack_is_an_array(target: Target, transport: Transport) -> None:
    """Also when there is one argument, which is an array itself."""
    session = await connect_main_namespace(target, transport)

    await session.send('421["message-with-ack",[1,2]]')

    await expect_ack(session, 1, [1, 2])


@requirement("SIO-AK-03")
async def test_an_ack_without_arguments_is_an_empty_array(target: Target, transport: Transport) -> None:
    """`431[]`."""
    session = await connect_main_namespace(target, transport)

    await session.send('421["message-with-ack"]')

    await expect_ack(session, 1)


@requirement("SIO-AK-04")
async def test_an_ack_names_its_namespace(target: Target, transport: Transport) -> None:
    """`43/custom,13[…]`."""
    session = await target.open(transport)
    await connect(session, "/custom")

    await session.send('42/custom,13["message-with-ack","bar"]')

    packet = await session.take(lambda p: p.type in ACKS)
    expect_equal(packet.namespace if packet else "no ack", "/custom", what="namespace of the ack:")
    if packet is not None:
        expect_equal([packet.ack_id, *packet.data], [13, "bar"], what="ack")


@requirement("SIO-AK-04")
async def test_a_binary_ack_names_its_namespace(target: Target, transport: Transport) -> None:
    """`461-/custom,13[…]`."""
    needs_binary(target, transport)
    session = await target.open(transport)
    await connect(session, "/custom")

    await session.send('451-/custom,13["message-with-ack",{"_placeholder":true,"num":0}]', b"\x01\x02")

    await expect_ack(session, 13, b"\x01\x02", namespace="/custom", kind=SocketPacketType.BINARY_ACK)


@requirement("SIO-AK-05")
async def test_acks_once(target: Target, transport: Transport) -> None:
    """No second ACK before the next two, nor shortly after."""
    session = await connect_main_namespace(target, transport)

    await session.send('427["message-with-ack","once"]')
    await expect_ack(session, 7, "once")
    await session.send('428["message-with-ack","next"]')
    await expect_ack(session, 8, "next")

    packet = await session.take(lambda p: p.type in ACKS, target.timing.quiet)
    if packet is not None:
        raise Violation("one ACK for each id", f"another ACK with id {packet.ack_id}")


@requirement("SIO-AK-06")
async def test_ignores_an_ack_that_nobody_waits_for(target: Target, transport: Transport) -> None:
    """An id that the server has not used."""
    session = await connect_main_namespace(target, transport)

    await session.send('43777777["late"]')

    await expect_alive(session)


@requirement("SIO-AK-06")
async def test_ignores_a_second_ack(target: Target, transport: Transport) -> None:
    """The answer to `ask` comes twice: `asked` comes once."""
    session = await connect_main_namespace(target, transport)
    await session.emit("ask", "twice")
    question = await expect_event(session, "twice")

    for _ in range(2):
        await session.send(f'43{question.ack_id}["answer"]')

    await expect_event(session, "asked", "answer")
    await expect_alive(session)
    again = await session.take(lambda p: is_event(p, "asked"), target.timing.quiet)
    if again is not None:
        raise Violation("`asked` once", "`asked` twice")


@requirement("SIO-AK-06")
async def test_an_ack_of_another_namespace_is_no_answer(target: Target, transport: Transport) -> None:
    """Asked in `/`, an ACK with the same id in `/custom` answers nothing."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")
    await session.emit("ask", "where")
    question = await expect_event(session, "where")

    await session.send(f'43/custom,{question.ack_id}["elsewhere"]')
    await ask(session, "message-with-ack", 1, namespace="/custom")
    await session.send(f'43{question.ack_id}["here"]')

    await expect_event(session, "asked", "here")


@requirement("SIO-AK-06")
async def test_an_ack_of_another_client_is_no_answer(target: Target, transport: Transport) -> None:
    """The other client sends an ACK with the id of the question."""
    session, other = await connected(target, *[transport] * 2)
    await session.emit("ask", "whom")
    question = await expect_event(session, "whom")

    await other.send(f'43{question.ack_id}["not me"]')
    await expect_alive(other)
    await session.send(f'43{question.ack_id}["me"]')

    await expect_event(session, "asked", "me")


@requirement("SIO-AK-03")
async def test_closes_or_ignores_an_ack_that_is_no_array(target: Target, transport: Transport) -> None:
    """`431{"a":1}` delivers nothing to the application."""
    if target.level < 2:
        raise NotApplicable("needs contract level 2")
    session = await connect_main_namespace(target, transport)
    await session.emit("ask", "object")
    question = await expect_event(session, "object")

    await session.send(f'43{question.ack_id}{{"a":1}}')

    answer = await session.take(lambda p: is_event(p, "asked"), target.timing.close)
    if answer is not None:
        raise Violation(("session closed", "no answer delivered"), f"delivered {shown(answer.data[1:])}")


@requirement("SIO-AK-07")
async def test_the_server_gets_the_answer_to_its_question(target: Target, transport: Transport) -> None:
    """`ask` makes it emit with an id; `asked` says what the ACK held."""
    session = await connect_main_namespace(target, transport)

    await session.emit("ask", "question", 1, {"a": "b"})
    question = await expect_event(session, "question", 1, {"a": "b"})
    if question.ack_id is None:
        raise Violation("an event with an id", "an event without an id")
    await session.send(f'43{question.ack_id}["yes",2,[3]]')

    await expect_event(session, "asked", "yes", 2, [3])


@requirement("SIO-AK-07")
async def test_questions_in_flight_have_different_ids(target: Target, transport: Transport) -> None:
    """Three questions, answered in the reverse order."""
    session = await connect_main_namespace(target, transport)

    ids = []
    for number in range(3):
        await session.emit("ask", "question", number)
    for _ in range(3):
        question = await expect_packet(session, SocketPacketType.EVENT)
        while is_event(question, "auth"):
            question = await expect_packet(session, SocketPacketType.EVENT)
        [number] = arguments_of(question, 1)
        expect_equal(number, 0, 1, 2, what="argument of the question:")
        ids.append((question.ack_id, number))
    expect_equal(len({ack_id for ack_id, _ in ids}), 3, what="number of different ack ids")

    for ack_id, number in reversed(ids):
        await session.send(f"43{ack_id}[{number}]")
        await expect_event(session, "asked", number)


@requirement("SIO-AK-07")
async def test_a_question_may_be_answered_after_the_upgrade(target: Target) -> None:
    """Asked over polling, answered over WebSocket."""
    if not target.capabilities["upgrade"]:
        raise NotApplicable("the server has no upgrade")
    session = await connect_main_namespace(target, "polling")
    await session.emit("ask", "early")
    question = await expect_event(session, "early")

    await session.upgrade()
    await session.send(f'43{question.ack_id}["late"]')

    await expect_event(session, "asked", "late")


@requirement("SIO-AK-07")
async def test_leaving_a_namespace_leaves_the_questions_of_others_open(
    target: Target, transport: Transport
) -> None:
    """Asked in `/`; the client leaves `/custom` before it answers."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")
    await session.emit("ask", "still open")
    question = await expect_event(session, "still open")

    await session.send("41/custom,")
    await session.send(f'43{question.ack_id}["yes"]')

    await expect_event(session, "asked", "yes")


@requirement("SIO-AK-08")
async def test_an_ack_with_binary_is_a_binary_ack(target: Target, transport: Transport) -> None:
    """`461-789[…]` and its attachment."""
    session = await connect_main_namespace(target, transport)

    await session.send(
        '452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        b"\x01\x02\x03",
        b"\x04\x05\x06",
    )

    await expect_ack(session, 789, b"\x01\x02\x03", b"\x04\x05\x06", kind=SocketPacketType.BINARY_ACK)


@requirement("SIO-AK-08")
async def test_an_ack_without_binary_is_a_plain_ack(target: Target, transport: Transport) -> None:
    """`join` with a further, binary argument is answered by a list of rooms."""
    session = await connect_main_namespace(target, transport)

    await session.send('421["message-with-ack","plain"]')

    await expect_ack(session, 1, "plain", kind=SocketPacketType.ACK)


@requirement("SIO-AK-09")
async def test_a_binary_question_may_have_a_plain_answer(target: Target, transport: Transport) -> None:
    """The server asks by a BINARY_EVENT, the client answers by an ACK."""
    session = await connect_main_namespace(target, transport)
    await session.emit("ask", "question", b"\x01")
    question = await expect_event(session, "question", b"\x01", kind=SocketPacketType.BINARY_EVENT)

    await session.send(f'43{question.ack_id}["plain"]')

    await expect_event(session, "asked", "plain")
