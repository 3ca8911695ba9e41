"""Flask-SocketIO: what a handler returns or raises, and the ack that comes of it."""

from typing import Any

from conformance.cases.flask_apps import expect_no_ack, in_flask, in_options, open_in
from conformance.client.session import Transport
from conformance.expect import expect_ack, expect_equal, expect_packet
from conformance.requirements import requirement
from conformance.target import Target
from sioprobe.wire import SocketPacketType

# The arguments of the ack by what the handler is asked to return.
RETURNED: dict[str, list[Any]] = {
    "none": [],
    "one": ["a"],
    "tuple": ["a", 1],
    "empty tuple": [],
    "list": [[1, 2]],
    "dict": [{"a": 1}],
    "false": [False],
    "zero": [0],
}


@requirement("FSIO-20")
async def test_flask_acknowledges_with_what_the_handler_returns(target: Target, transport: Transport) -> None:
    """A tuple is several arguments, None is no argument, anything else is one."""
    session = await open_in(in_flask(target), transport, "/acks")

    for number, (kind, arguments) in enumerate(RETURNED.items()):
        await session.send(f'42/acks,{number}["return","{kind}"]')

        await expect_ack(session, number, *arguments, namespace="/acks", kind=SocketPacketType.ACK)


@requirement("FSIO-20")
async def test_flask_acknowledges_with_bytes(target: Target, transport: Transport) -> None:
    """Alone, and inside a dictionary and a list."""
    session = await open_in(in_flask(target), transport, "/acks")
    binary = SocketPacketType.BINARY_ACK

    await session.send('42/acks,1["return","bytes"]')
    await expect_ack(session, 1, b"\x01\x02", namespace="/acks", kind=binary)

    await session.send('42/acks,2["return","nested bytes"]')
    await expect_ack(session, 2, {"list": [b"\x03", "text"]}, namespace="/acks", kind=binary)


@requirement("FSIO-21")
async def test_flask_acknowledges_nothing_without_an_id(target: Target, transport: Transport) -> None:
    """The handler returns a value all the same."""
    session = await open_in(in_flask(target), transport, "/acks")

    await session.send('42/acks,["return","one"]')

    await expect_no_ack(session, namespace="/acks")
    await session.send('42/acks,5["return","none"]')
    await expect_ack(session, 5, namespace="/acks")


@requirement("FSIO-22")
async def test_flask_acknowledges_nothing_where_the_handler_raises(
    target: Target, transport: Transport
) -> None:
    """No error handler is registered; the session goes on."""
    session = await open_in(in_flask(target), transport, "/acks")

    await session.send('42/acks,1["raise","no"]')

    await expect_no_ack(session, namespace="/acks")
    await session.send('42/acks,2["return","one"]')
    await expect_ack(session, 2, "a", namespace="/acks")


@requirement("FSIO-22")
async def test_flask_acknowledges_with_what_the_error_handler_returns(
    target: Target, transport: Transport
) -> None:
    """A tuple of two."""
    session = await open_in(in_flask(target), transport, "/handled")

    await session.send('42/handled,4["raise","no"]')

    await expect_ack(session, 4, "RuntimeError", "no", namespace="/handled")


@requirement("FSIO-23")
async def test_flask_acknowledges_nothing_without_a_function(target: Target, transport: Transport) -> None:
    """The namespace has functions, none of them for this event."""
    session = await open_in(in_flask(target), transport, "/acks")

    await session.send('42/acks,1["nobody"]')

    await expect_no_ack(session, namespace="/acks")


@requirement("FSIO-23")
async def test_flask_acknowledges_without_a_method(target: Target, transport: Transport) -> None:
    """The namespace is a class, which has no method for this event."""
    session = await open_in(in_flask(target), transport, "/class")

    await session.send('42/class,2["nobody"]')

    await expect_ack(session, 2, namespace="/class")


@requirement("FSIO-23")
async def test_flask_acknowledges_with_what_the_catch_all_returns(
    target: Target, transport: Transport
) -> None:
    """The namespace has a handler for `*`."""
    session = await open_in(in_flask(target), transport, "/catch-all")

    await session.send('42/catch-all,3["nobody",1]')

    await expect_ack(session, 3, ["caught", "nobody", [1], "*", ["nobody", 1]], namespace="/catch-all")


@requirement("FSIO-24")
async def test_flask_acknowledges_ids_as_numbers(target: Target, transport: Transport) -> None:
    """0 is an id; zeros in front are not kept."""
    session = await open_in(in_flask(target), transport, "/acks")

    await session.send('42/acks,0["return","one"]')
    await expect_ack(session, 0, "a", namespace="/acks")

    await session.send('42/acks,007["return","one"]')
    await expect_ack(session, 7, "a", namespace="/acks")


@requirement("FSIO-25")
async def test_flask_acknowledges_a_client_it_does_not_find(target: Target, transport: Transport) -> None:
    """A handler for every event of every namespace looks for its client in another namespace."""
    session = await open_in(in_options(target), transport, "/any")

    await session.send('42/any,1["anything",1]')

    await expect_ack(session, 1, "", 400, namespace="/any")


@requirement("FSIO-52")
async def test_flask_takes_the_wrong_number_of_arguments_for_an_error(
    target: Target, transport: Transport
) -> None:
    """The function takes two: one, and three, go to the error handler."""
    session = await open_in(in_flask(target), transport, "/handled", "/acks")

    await session.send('42/handled,1["two arguments",1]')
    error = (await expect_packet(session, SocketPacketType.ACK, namespace="/handled")).data
    await session.send('42/handled,2["two arguments",1,2,3]')
    other = (await expect_packet(session, SocketPacketType.ACK, namespace="/handled")).data

    expect_equal([error[:1], other[:1]], [["TypeError"], ["TypeError"]], what="errors")
    await session.send('42/handled,3["two arguments",1,2]')
    await expect_ack(session, 3, [1, 2], namespace="/handled")


@requirement("FSIO-52")
async def test_flask_acknowledges_nothing_for_the_wrong_number_of_arguments(
    target: Target, transport: Transport
) -> None:
    """No error handler is registered."""
    session = await open_in(in_flask(target), transport, "/acks")

    await session.send('42/acks,1["two arguments",1]')

    await expect_no_ack(session, namespace="/acks")
