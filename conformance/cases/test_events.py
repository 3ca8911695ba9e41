"""Events: what their data may be, what comes back, what closes the session."""

from conformance.client.http import Answer
from conformance.client.session import Session, Transport
from conformance.expect import (
    ask,
    connect,
    connect_main_namespace,
    connected,
    expect_alive,
    expect_closed,
    expect_event,
    expect_no_event,
    expect_no_events,
    expect_served,
    is_alive,
)
from conformance.requirements import exclusive, requirement
from conformance.target import Target
from conformance.verdicts import NotApplicable, Unresponsive, Violation
from conformance.waiting import waiting
from sioprobe.wire import SocketPacketType


@requirement("SIO-EV-03")
async def test_all_arguments_arrive_in_order(target: Target, transport: Transport) -> None:
    """None, one, and five arguments of different types."""
    session = await connect_main_namespace(target, transport)

    for arguments in ([], ["one"], [1, "two", {"three": 3}, [4], True]):
        await session.emit("message", *arguments)

        await expect_event(session, "message-back", *arguments)


@requirement("SIO-EV-03")
async def test_an_event_may_have_any_name(target: Target, transport: Transport) -> None:
    """Long, empty, with spaces, with quotes, of another script."""
    if target.level < 2 or not target.capabilities["ack_out"]:
        raise NotApplicable("needs contract level 2 with ack_out")
    session = await connect_main_namespace(target, transport)

    for name in ("x" * 200, "", "two words", 'quote " and \\', "Имя 🙂", "0"):
        await session.emit("ask", name, 1)

        await expect_event(session, name, 1)


@requirement("SIO-EN-06")
async def test_json_values_come_back(target: Target, transport: Transport) -> None:
    """Every kind of JSON value, three at a time."""
    session = await connect_main_namespace(target, transport)

    for arguments in (
        [0, -1, 9007199254740991],
        [0.5, -1.25e-7, 1e21],
        [True, False, "text"],
        ["", " ", "null"],
        ["é", "日本", {"ключ": "🙂"}],
        [{}, [], {"": ""}],
        [{"Key": 1, "key": {"KEY": [2]}, "a b": 3}, "Text", "TEXT"],
        ["before\0after", "\x01\x1f", {"\0": "\0"}],
        [None, {"a": None}, [None, [None]]],
        [{"a": {"b": [{"c": [1, [2, [3]]]}]}}, [[[[]]]], {"list": [1, "2", False]}],
    ):
        await session.emit("message", *arguments)

        await expect_event(session, "message-back", *arguments)


@requirement("EIO-EN-05")
async def test_text_of_every_script_comes_back(target: Target, transport: Transport) -> None:
    """Two, three and four bytes in UTF-8, and what JSON escapes."""
    session = await connect_main_namespace(target, transport)

    for text in ("é€", "日本語 العربية", "🙂👩‍🚀", 'quote " backslash \\ tab \t line \n', "\x1e\u2028\x7f"):
        await session.emit("message", text, {text: 1}, [text])

        await expect_event(session, "message-back", text, {text: 1}, [text])


@requirement("SIO-EV-04")
async def test_an_answer_reaches_its_client_once_and_nobody_else(
    target: Target, transport: Transport
) -> None:
    """Another client of the namespace hears nothing of `message-back`."""
    sender, other = await connected(target, *[transport] * 2)

    await sender.emit("message", "for me")

    await expect_event(sender, "message-back", "for me")
    await expect_no_events("message-back", sender, other)


@requirement("SIO-EV-04")
async def test_equal_events_are_all_delivered(target: Target, transport: Transport) -> None:
    """The same event three times in a row."""
    session = await connect_main_namespace(target, transport)

    for _ in range(3):
        await session.emit("message", "again")

    for _ in range(3):
        await expect_event(session, "message-back", "again")
    await expect_no_event(session, "message-back")


@requirement("SIO-EV-01")
async def test_closes_on_event_data_that_is_an_object(target: Target, transport: Transport) -> None:
    """`42{}`."""
    session = await connect_main_namespace(target, transport)

    await session.send("42{}")

    await expect_closed(target, session)


@requirement("SIO-EV-01")
async def test_closes_on_event_data_that_is_a_string(target: Target, transport: Transport) -> None:
    """`42"xyz"`."""
    session = await connect_main_namespace(target, transport)

    await session.send('42"xyz"')

    await expect_closed(target, session)


@requirement("SIO-EV-01")
async def test_closes_on_an_event_whose_data_is_an_empty_array(target: Target, transport: Transport) -> None:
    """`42[]`."""
    session = await connect_main_namespace(target, transport)

    await session.send("42[]")

    await expect_closed(target, session)


@requirement("SIO-EV-01")
async def test_closes_on_an_event_without_data(target: Target, transport: Transport) -> None:
    """`42`."""
    session = await connect_main_namespace(target, transport)

    await session.send("42")

    await expect_closed(target, session)


@requirement("SIO-EV-02")
async def test_closes_on_an_event_name_that_is_null(target: Target, transport: Transport) -> None:
    """`42[null]`."""
    session = await connect_main_namespace(target, transport)

    await session.send("42[null]")

    await expect_closed(target, session)


@requirement("SIO-EV-02")
async def test_closes_on_an_event_name_that_is_an_object(target: Target, transport: Transport) -> None:
    """`42[{}]`."""
    session = await connect_main_namespace(target, transport)

    await session.send('42[{"message":1}]')

    await expect_closed(target, session)


@requirement("SIO-ER-01")
async def test_closes_on_a_packet_that_is_no_packet(target: Target, transport: Transport) -> None:
    """`4abc` after the connect."""
    session = await target.open(transport)
    await connect(session)

    await session.send("4abc")

    await expect_closed(target, session)


@requirement("SIO-EN-02")
async def test_closes_on_an_unknown_packet_type(target: Target, transport: Transport) -> None:
    """`49["message"]`."""
    session = await target.open(transport)
    await connect(session)

    await session.send('49["message",1]')

    await expect_closed(target, session)


@requirement("EIO-EN-01")
async def test_closes_on_an_unknown_engine_packet_type(target: Target, transport: Transport) -> None:
    """`7`."""
    session = await target.open(transport)
    await connect(session)

    await session.send("7")

    await expect_closed(target, session)


@requirement("EIO-EN-01")
async def test_takes_no_digit_of_another_script_for_a_type(target: Target, transport: Transport) -> None:
    """A full-width 4 is no MESSAGE."""
    session = await target.open(transport)

    await session.send("４0")

    await expect_closed(target, session)


@requirement("EIO-EN-07")
async def test_text_that_looks_like_json_is_no_value(target: Target, transport: Transport) -> None:
    """`4true`: the text `true` is no Socket.IO packet, and no other spelling of one.

    It closes the session, or changes nothing. A server that reads it as 1 disconnects the main namespace.
    """
    session = await connect_main_namespace(target, transport)

    await session.send("4true")

    async with waiting():
        await session.until(lambda: session.closure is not None, target.timing.close)
    if not session.closure:
        await expect_still_connected(session)
    await expect_served(target)


async def expect_still_connected(session: Session) -> None:
    """The main namespace still takes events. It is also fine if the server has forgotten the session."""
    answer = await session.push("3") if session.transport == "polling" else None
    if isinstance(answer, Answer) and answer.status >= 400:
        return
    if not await is_alive(session):
        await session.send(session.connecting())
        again = await session.take(lambda p: p.type is SocketPacketType.CONNECT)
        expected = ("session closed", "nothing changes")
        if again is None and not session.closure:
            raise Unresponsive(expected, "session is open but no longer answers")
        raise Violation(expected, "the main namespace is no longer connected")


@requirement("SIO-EN-03")
async def test_closes_on_an_event_that_announces_attachments(target: Target, transport: Transport) -> None:
    """`421-["message"]`: only binary packets have attachments."""
    session = await connect_main_namespace(target, transport)

    await session.send('421-["message",1]')

    await expect_closed(target, session)


@requirement("SIO-EN-05")
async def test_closes_on_an_ack_id_that_is_no_number(target: Target, transport: Transport) -> None:
    """`42abc[…]`: the text in the place of an ack id is neither an id nor JSON."""
    session = await connect_main_namespace(target, transport)

    await session.send('42abc["message-with-ack",1]')

    await expect_closed(target, session)


@requirement("SIO-EN-05")
async def test_closes_on_broken_json(target: Target, transport: Transport) -> None:
    """An array that does not end."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message",1')

    await expect_closed(target, session)


@requirement("SIO-EN-05")
async def test_closes_on_data_behind_the_json(target: Target, transport: Transport) -> None:
    """Something follows the array."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message",1]x')

    await expect_closed(target, session)


@requirement("SIO-EN-05")
async def test_closes_on_a_number_that_json_does_not_have(target: Target, transport: Transport) -> None:
    """`NaN`."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["message-with-ack",NaN]')

    await expect_closed(target, session)


@requirement("SIO-RV-01")
async def test_closes_on_an_event_with_a_reserved_name(target: Target, transport: Transport) -> None:
    """A client may not emit `disconnect`."""
    session = await connect_main_namespace(target, transport)

    await session.send('42["disconnect"]')

    await expect_closed(target, session)


@exclusive
@requirement("SIO-RV-02")
async def test_the_server_emits_no_reserved_name(target: Target) -> None:
    """The contract is asked to send `connect_error` to a room."""
    session = await connect_main_namespace(target, target.any_transport)
    await ask(session, "join", "reserved")

    await session.emit("in", "reserved", "connect_error", 1)

    await expect_no_event(session, "connect_error")
    await expect_alive(session)


@requirement("SIO-OR-01")
async def test_a_burst_keeps_its_order(target: Target, transport: Transport) -> None:
    """Two hundred events of 100 characters, complete and in order."""
    session = await connect_main_namespace(target, transport)

    await session.emit("burst", 200, 100)

    for number in range(200):
        await expect_event(session, "b", number, "x" * 100)


@requirement("SIO-OR-02")
async def test_events_of_a_client_are_handled_in_order(target: Target, transport: Transport) -> None:
    """Forty-five events that wait for nothing are answered in their order.

    Fifteen in each push: some servers take no more than sixteen packets.
    """
    session = await connect_main_namespace(target, transport)

    for first in range(0, 45, 15):
        await session.send(*(f'42["message",{number}]' for number in range(first, first + 15)))

    for number in range(45):
        await expect_event(session, "message-back", number)


@requirement("SIO-OR-01")
async def test_bursts_of_sessions_do_not_mix(target: Target, transport: Transport) -> None:
    """Four sessions at once: each gets its own burst in order."""
    sessions = await connected(target, *[transport] * 4)

    for size, session in enumerate(sessions):
        await session.emit("burst", 25, size)

    for size, session in enumerate(sessions):
        for number in range(25):
            await expect_event(session, "b", number, "x" * size)
