"""Flask-SocketIO: which handler gets an event, what it sees, and what happens to its errors."""

import asyncio

from conformance.cases.flask_apps import expect_not_emitted, in_flask, in_options, open_in, undocumented
from conformance.client.session import Transport
from conformance.expect import ask, connect, expect_ack, expect_equal, expect_event, expect_packet
from conformance.requirements import requirement
from conformance.target import Target
from sioprobe.wire import ACKS, SocketPacketType

HANDLERS = "/handlers"


@requirement("FSIO-47")
async def test_flask_request_tells_who_sent_what_where(target: Target, transport: Transport) -> None:
    """The id, the namespace, the event and its arguments: in a function and in a class."""
    session = await open_in(in_flask(target), transport, HANDLERS, "/class")

    function = await ask(session, "where", 1, {"a": [2]}, namespace=HANDLERS)
    await session.emit("where", namespace="/class", ack_id=5)

    own = session.socket_ids
    expect_equal(function, [[own[HANDLERS], HANDLERS, "where", [1, {"a": [2]}]]], what="ack")
    await expect_ack(session, 5, [own["/class"], "/class", "where", []], namespace="/class")


@requirement("FSIO-47")
async def test_flask_request_of_a_catch_all(target: Target, transport: Transport) -> None:
    """The event is called `*` there, and its name is the first of the arguments."""
    session = await open_in(in_flask(target), transport, "/catch-all")

    await session.send('42/catch-all,1["whatever",1]')

    await expect_ack(session, 1, ["caught", "whatever", [1], "*", ["whatever", 1]], namespace="/catch-all")


@requirement("FSIO-48")
async def test_flask_prefers_a_function_to_a_class(target: Target, transport: Transport) -> None:
    """Both have a handler for the event; the method of another event still runs."""
    session = await open_in(in_flask(target), transport, "/class")

    both = await ask(session, "both", namespace="/class")
    other = await ask(session, "echo", 1, namespace="/class")

    expect_equal([both, other], [["function"], [1]], what="acks")


@requirement("FSIO-48")
async def test_flask_prefers_a_catch_all_to_a_class(target: Target, transport: Transport) -> None:
    """The event's own function comes first; the class behind the catch-all is never asked."""
    session = await open_in(in_flask(target), transport, "/catch-all")

    named = await ask(session, "named", namespace="/catch-all")
    method = await ask(session, "method", namespace="/catch-all")

    expect_equal(named, ["function"], what="ack of the function's event")
    with undocumented():
        expect_equal(method, [["caught", "method", [], "*", ["method"]]], what="ack of the method's event")


@requirement("FSIO-48")
async def test_flask_prefers_a_handler_for_every_namespace_to_a_class(
    target: Target, transport: Transport
) -> None:
    """A catch-all of the namespace comes first, a class last."""
    session = await open_in(in_flask(target), transport, HANDLERS, "/class", "/catch-all")

    answers = [await ask(session, "everywhere", 1, namespace=name) for name in (HANDLERS, "/class")]
    caught = await ask(session, "everywhere", 1, namespace="/catch-all")

    with undocumented():
        expect_equal(answers, [[["everywhere", HANDLERS, [1]]], [["everywhere", "/class", [1]]]], what="acks")
        expect_equal(caught, [["caught", "everywhere", [1], "*", ["everywhere", 1]]], what="ack")


@requirement("FSIO-49")
async def test_flask_gives_no_catch_all_a_connect(target: Target, transport: Transport) -> None:
    """Nor a disconnect. The catch-all would refuse, and it would tell."""
    session = await in_flask(target).open(transport)

    await session.send("40/catch-all-speaking,")

    packet = await expect_packet(
        session, SocketPacketType.CONNECT, SocketPacketType.EVENT, namespace="/catch-all-speaking"
    )
    expect_equal(packet.type.name, "CONNECT", what="first packet")
    await session.send('42/catch-all-speaking,["hello"]')
    await expect_event(session, "caught", "hello", namespace="/catch-all-speaking")
    await session.send("41/catch-all-speaking,")
    await expect_not_emitted("caught", session, namespace="/catch-all-speaking")


@requirement("FSIO-49")
async def test_flask_gives_a_handler_for_every_namespace_a_connect(
    target: Target, transport: Transport
) -> None:
    """The handler says in which namespace it runs."""
    session = await in_options(target).open(transport)

    await connect(session, "/some-namespace")

    await expect_event(session, "connected anywhere", "/some-namespace", namespace="/some-namespace")


@requirement("FSIO-50")
async def test_flask_registers_handlers_in_three_ways(target: Target, transport: Transport) -> None:
    """on_event(), the decorator event, and the decorator on, given the same event twice."""
    session = await open_in(in_flask(target), transport, HANDLERS)

    answers = [
        await ask(session, event, namespace=HANDLERS) for event in ("plain", "named_by_its_function", "again")
    ]

    expect_equal(answers[:2], [["on_event"], ["event"]], what="acks")
    with undocumented():
        expect_equal(answers[2], ["second"], what="ack of what was registered twice")


@requirement("FSIO-51")
async def test_flask_prefers_the_error_handler_of_the_namespace(target: Target, transport: Transport) -> None:
    """The default one is for the others."""
    session = await open_in(in_options(target), transport, "/handled", "/default")

    own = await ask(session, "raise", "x", namespace="/handled")
    default = await ask(session, "raise", "y", namespace="/default")

    expect_equal([own, default], [[["own", "x"]], [["default", "y"]]], what="acks")


@requirement("FSIO-51")
async def test_flask_shows_no_error_handler_a_refusal(target: Target, transport: Transport) -> None:
    """The namespace has an error handler, and its connect handler refuses."""
    session = await in_flask(target).open(transport)

    await session.send("40/refuses-handled,")

    packet = await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace="/refuses-handled"
    )
    expect_equal(packet.data, {"message": "nope"}, what="answer to CONNECT")


@requirement("FSIO-51")
async def test_flask_lets_a_class_handle_its_errors(target: Target, transport: Transport) -> None:
    """What its method `error` returns is the ack."""
    session = await open_in(in_flask(target), transport, "/class")

    await session.send('42/class,1["raise","x"]')

    with undocumented():
        await expect_ack(session, 1, "RuntimeError in /class", namespace="/class")


@requirement("FSIO-53")
async def test_flask_runs_the_handlers_of_a_client_at_once(target: Target, transport: Transport) -> None:
    """The first waits until the third: the second is acknowledged meanwhile."""
    session = await open_in(in_flask(target), transport, HANDLERS)
    gate = f"gate-{transport}-{id(session)}"

    await session.send(f'42/handlers,1["wait","{gate}"]')
    await session.send('42/handlers,2["echo"]')

    await expect_ack(session, 2, namespace=HANDLERS)
    await session.send(f'42/handlers,3["open","{gate}"]')
    came = [await expect_packet(session, *ACKS, namespace=HANDLERS) for _ in range(2)]
    expect_equal(
        sorted([packet.ack_id, packet.data] for packet in came),
        [[1, ["waited"]], [3, ["opened"]]],
        what="acks",
    )


@requirement("FSIO-53")
async def test_flask_runs_the_handlers_of_a_client_in_turn(target: Target, transport: Transport) -> None:
    """The application with other options: the first waits until another client's event."""
    session, other = [await open_in(in_options(target), transport, HANDLERS) for _ in range(2)]
    gate = f"gate-in-turn-{transport}-{id(session)}"

    sending = asyncio.create_task(session.send(f'42/handlers,1["wait","{gate}"]', '42/handlers,2["echo"]'))

    early = await session.take(lambda p: p.type in ACKS, target.timing.quiet)
    await ask(other, "open", gate, namespace=HANDLERS)
    await sending
    expect_equal(early, None, what="ack while the first handler waits:")
    await expect_ack(session, 1, "waited", namespace=HANDLERS)
    await expect_ack(session, 2, namespace=HANDLERS)
