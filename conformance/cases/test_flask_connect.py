"""Flask-SocketIO: what its connect handlers decide, and what the client gets to know."""

from typing import Any

from conformance.cases.flask_apps import expect_no_ack, in_flask, in_options, open_in, undocumented
from conformance.client.session import Session, Transport
from conformance.client.transcript import describe
from conformance.expect import (
    ask,
    connect,
    expect_ack,
    expect_alive,
    expect_connected,
    expect_equal,
    expect_event,
    expect_packet,
    expect_processed,
)
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation
from conformance.waiting import waiting
from sioprobe.wire import SocketPacketType


async def expect_error(session: Session, namespace: str, data: Any) -> None:
    """CONNECT_ERROR with exactly this data."""
    packet = await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace=namespace
    )
    expect_equal(
        [packet.type.name, packet.data], ["CONNECT_ERROR", data], what=f"answer to CONNECT of {namespace}"
    )


async def expect_unanswered(session: Session, namespace: str) -> None:
    """Neither CONNECT nor CONNECT_ERROR comes for the namespace."""
    await expect_processed(session)
    kinds = (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)
    async with waiting():
        packet = await session.take(
            lambda p: p.namespace == namespace and p.type in kinds, session.timing.quiet
        )
    if packet is not None:
        raise Violation("no answer to CONNECT", describe(packet))


@requirement("FSIO-01")
async def test_flask_accepts_whatever_connect_returns_but_false(target: Target, transport: Transport) -> None:
    """None, true, and what Python takes for false."""
    session = await in_flask(target).open(transport)

    for value in ("null", "true", "0", '""', "[]"):
        await session.send(f'40/returns,{{"value":{value}}}')

        await expect_connected(session, "/returns")
        await session.send("41/returns,")


@requirement("FSIO-02")
async def test_flask_refuses_where_connect_returns_false(target: Target, transport: Transport) -> None:
    """The client gets an object with a message. No documentation promises its text."""
    session = await in_flask(target).open(transport)

    await session.send('40/returns,{"value":false}')

    packet = await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace="/returns"
    )
    expect_equal(packet.type.name, "CONNECT_ERROR", what="answer to CONNECT")
    with undocumented():
        expect_equal(packet.data, {"message": "Connection rejected by server"}, what="data")


@requirement("FSIO-03")
async def test_flask_refuses_with_what_the_exception_says(target: Target, transport: Transport) -> None:
    """A text, a number, data, and several data."""
    session = await in_flask(target).open(transport)

    for arguments, told in (
        ('["nope"]', {"message": "nope"}),
        ("[5]", {"message": "5"}),
        ('["nope",{"a":1}]', {"message": "nope", "data": {"a": 1}}),
        ('["nope",1,2]', {"message": "nope", "data": [1, 2]}),
    ):
        await session.send(f'40/refuses,{{"arguments":{arguments}}}')

        await expect_error(session, "/refuses", told)


@requirement("FSIO-03")
async def test_flask_refuses_without_arguments_as_by_false(target: Target, transport: Transport) -> None:
    """The exception says nothing."""
    session = await in_flask(target).open(transport)

    await session.send('40/refuses,{"arguments":[]}')

    with undocumented():
        await expect_error(session, "/refuses", {"message": "Connection rejected by server"})


@requirement("FSIO-04")
async def test_flask_refuses_by_the_exception_of_python(target: Target, transport: Transport) -> None:
    """The handler raises it with a text, which the client does not get."""
    session = await in_flask(target).open(transport)

    await session.send("40/refuses-builtin,")

    await expect_error(session, "/refuses-builtin", {"message": "Connection refused by server"})


@requirement("FSIO-05")
async def test_flask_leaves_a_connect_that_fails_unanswered(target: Target, transport: Transport) -> None:
    """The session goes on in another namespace. The same one cannot be connected again."""
    session = await in_flask(target).open(transport)

    await session.send("40/raises,")

    await expect_unanswered(session, "/raises")
    await session.send("40/raises,")
    await expect_error(session, "/raises", "Unable to connect")
    await connect(session, "/acks")
    expect_equal(await ask(session, "echo", "served", namespace="/acks"), ["served"], what="ack")


@requirement("FSIO-05")
async def test_flask_lets_an_error_handler_decide_on_a_connect(target: Target, transport: Transport) -> None:
    """It returns what the client asked for: false, then nothing."""
    session = await in_flask(target).open(transport)

    await session.send('40/raises-handled,{"value":false}')

    await expect_error(session, "/raises-handled", {"message": "Connection rejected by server"})
    await session.send('40/raises-handled,{"value":null}')
    await expect_connected(session, "/raises-handled")


@requirement("FSIO-06")
async def test_flask_runs_connect_four_times_for_a_type_error(target: Target, transport: Transport) -> None:
    """Without auth: each run says so before it raises."""
    session = await in_flask(target).open(transport)

    await session.send("40/type-error,")

    for _ in range(4):
        await expect_event(session, "running", {"auth": None}, namespace="/type-error")
    await expect_unanswered(session, "/type-error")
    expect_equal([p.data for p in session.inbox if p.namespace == "/type-error"], [], what="further runs")


@requirement("FSIO-06")
async def test_flask_runs_connect_twice_for_a_type_error_with_auth(
    target: Target, transport: Transport
) -> None:
    """The second run is given no auth."""
    session = await in_flask(target).open(transport)

    await session.send('40/type-error,{"a":1}')

    await expect_event(session, "running", {"auth": {"a": 1}}, namespace="/type-error")
    await expect_event(session, "running", {"auth": None}, namespace="/type-error")
    await expect_unanswered(session, "/type-error")
    expect_equal([p.data for p in session.inbox if p.namespace == "/type-error"], [], what="further runs")


@requirement("FSIO-07")
async def test_flask_gives_connect_the_auth_of_the_client(target: Target, transport: Transport) -> None:
    """An object, and None where there is none."""
    session = await in_flask(target).open(transport)

    for data, auth in (('{"t":1}', {"t": 1}), ("", None)):
        await session.send(f"40/auth,{data}")

        await expect_event(session, "given", {"auth": auth}, namespace="/auth")
        await expect_connected(session, "/auth")
        await session.send("41/auth,")


@requirement("FSIO-07")
async def test_flask_gives_connect_whatever_json_the_client_sends(
    target: Target, transport: Transport
) -> None:
    """An array and a string as they are, None for what is empty."""
    session = await in_flask(target).open(transport)

    for data, auth in (("[1,2]", [1, 2]), ('"token"', "token"), ("{}", None)):
        await session.send(f"40/auth,{data}")

        with undocumented():
            await expect_event(session, "given", {"auth": auth}, namespace="/auth")
        await expect_connected(session, "/auth")
        await session.send("41/auth,")


@requirement("FSIO-07")
async def test_flask_takes_a_connect_handler_without_auth(target: Target, transport: Transport) -> None:
    """What the client sends is discarded, and the handler runs once."""
    session = await in_flask(target).open(transport)

    await session.send('40/no-auth,{"t":1}')

    await expect_event(session, "connected", namespace="/no-auth")
    await expect_connected(session, "/no-auth")
    await expect_processed(session)
    expect_equal([p.data for p in session.inbox if p.namespace == "/no-auth"], [], what="further packets")


@requirement("FSIO-08")
async def test_flask_refuses_a_namespace_without_handlers(target: Target, transport: Transport) -> None:
    """Nothing is registered for it."""
    session = await in_flask(target).open(transport)

    await session.send("40/nobody,")

    packet = await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace="/nobody"
    )
    expect_equal(packet.type.name, "CONNECT_ERROR", what="answer to CONNECT")
    with undocumented():
        expect_equal(packet.data, "Unable to connect", what="data")


@requirement("FSIO-08")
async def test_flask_has_namespaces_of_functions_and_classes(target: Target, transport: Transport) -> None:
    """`/`, one with functions only, one that is a class."""
    session = await in_flask(target).open(transport)

    for namespace in ("/", "/acks", "/class"):
        await session.send("40" if namespace == "/" else f"40{namespace},")

        await expect_connected(session, namespace)


@requirement("FSIO-09")
async def test_flask_sends_what_connect_emits_before_the_answer(target: Target, transport: Transport) -> None:
    """Both are there, in this order."""
    session = await in_flask(target).open(transport)

    await session.send("40/no-auth,")

    await expect_order(session, "/no-auth", ["EVENT", "CONNECT"])


@requirement("FSIO-09")
async def test_flask_answers_first_with_always_connect(target: Target, transport: Transport) -> None:
    """The application with other options."""
    session = await in_options(target).open(transport)

    await session.send("40/first,")

    await expect_order(session, "/first", ["CONNECT", "EVENT"])


async def expect_order(session: Session, namespace: str, kinds: list[str]) -> None:
    came = []
    for _ in kinds:
        packet = await expect_packet(
            session, SocketPacketType.CONNECT, SocketPacketType.EVENT, namespace=namespace
        )
        came.append(packet.type.name)
    expect_equal(came, kinds, what="packets")


@requirement("FSIO-10")
async def test_flask_ignores_a_disconnect_inside_connect(target: Target, transport: Transport) -> None:
    """The client is connected and stays so."""
    session = await in_flask(target).open(transport)

    await session.send("40/disconnects,")

    await expect_connected(session, "/disconnects")
    expect_equal(await ask(session, "still here", namespace="/disconnects"), ["yes"], what="ack")
    expect_equal("/disconnects" in session.left, False, what="DISCONNECT came:")


@requirement("FSIO-11")
async def test_flask_refuses_a_second_connect(target: Target, transport: Transport) -> None:
    """The first one goes on, with its id."""
    session = await open_in(in_flask(target), transport, "/handlers")
    first = session.socket_ids["/handlers"]

    await session.send("40/handlers,")

    await expect_error(session, "/handlers", "Unable to connect")
    where = await ask(session, "where", namespace="/handlers")
    expect_equal(where, [[first, "/handlers", "where", []]], what="ack")


@requirement("FSIO-12")
async def test_flask_ignores_an_event_before_connect(target: Target, transport: Transport) -> None:
    """No ack, no end; the CONNECT that follows is answered, and events after it."""
    session = await in_flask(target).open(transport)

    await session.send('42/acks,1["echo","early"]')

    await expect_no_ack(session, namespace="/acks")
    await connect(session, "/acks")
    await session.send('42/acks,2["echo","late"]')
    await expect_ack(session, 2, "late", namespace="/acks")
    await expect_alive(session)
