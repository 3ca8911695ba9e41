"""Connecting namespaces, and being refused."""

from typing import Any

from conformance.client.session import Transport
from conformance.client.transcript import describe
from conformance.crowd import BROADCASTS, own
from conformance.expect import (
    connect,
    connect_main_namespace,
    expect_alive,
    expect_closed,
    expect_connected,
    expect_equal,
    expect_event,
    expect_no_event,
    expect_packet,
    expect_processed,
    needs_no_auth,
)
from conformance.requirements import exclusive_but_for, requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import MAIN_NAMESPACE, SocketPacket, SocketPacketType


@requirement("SIO-CN-01")
async def test_connects_nothing_by_itself(target: Target, transport: Transport) -> None:
    """After the handshake no Socket.IO packet comes unasked."""
    session = await target.open(transport)

    await expect_processed(session)
    packet = await session.take(lambda p: True, target.timing.quiet)

    if packet is not None:
        raise Violation("no packet before CONNECT", describe(packet))


@requirement("SIO-CN-02")
async def test_answers_connect_with_a_socket_id(target: Target, transport: Transport) -> None:
    """`40` gets `40{"sid":…}`."""
    session = await target.open(transport)

    await session.send(session.connecting())

    await expect_connected(session)


@requirement("SIO-CN-02")
async def test_takes_connect_with_data(target: Target, transport: Transport) -> None:
    """An auth object that the application may ignore."""
    session = await target.open(transport)

    await session.send(session.connecting(own={"key": "123", "nested": {"a": [1, None]}}))

    await expect_connected(session)


@requirement("SIO-CN-03")
async def test_answers_a_refused_connect_with_an_error(target: Target, transport: Transport) -> None:
    """An unknown namespace gets CONNECT_ERROR."""
    session = await target.open(transport)

    await session.send("40/no-such-namespace,")

    await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace="/no-such-namespace")


@requirement("SIO-CN-03")
async def test_the_name_of_a_namespace_is_exact(target: Target, transport: Transport) -> None:
    """Neither another case, nor a part, nor more than the name will do."""
    session = await target.open(transport)

    for name in ("/CUSTOM", "/custo", "/custom2", "/custom/", "//custom"):
        await session.send(f"40{name},")

        await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace=name)


@requirement("SIO-CN-04")
async def test_closes_on_an_event_before_connect(target: Target, transport: Transport) -> None:
    """An event is the first packet."""
    session = await target.open(transport)

    await session.send('42["message","too early"]')

    await expect_closed(target, session)


@requirement("SIO-CN-06")
async def test_the_application_gets_the_auth_object(target: Target, transport: Transport) -> None:
    """The contract emits it back as `auth`."""
    session = await target.open(transport)

    await session.send(session.connecting(own={"key": "123"}))

    await expect_event(session, "auth", session.auth_payload({"key": "123"}))


@requirement("SIO-CN-06")
async def test_the_auth_object_may_hold_any_json(target: Target, transport: Transport) -> None:
    """Numbers, true, null, and what is nested."""
    session = await target.open(transport)
    auth = {"Id": 7, "share": 0.5, "admin": True, "team": None, "list": [1, "1", {"A": []}], "text": ""}

    await session.send(session.connecting(own=auth))

    await expect_connected(session)
    await expect_event(session, "auth", session.auth_payload(auth))


@requirement("SIO-CN-06")
async def test_each_connect_has_its_own_auth(target: Target, transport: Transport) -> None:
    """Two namespaces of one session, and one of them again."""
    session = await target.open(transport)

    await connect(session, auth={"of": "main"})
    await connect(session, "/custom", auth={"of": "custom"})

    await expect_event(session, "auth", session.auth_payload({"of": "main"}))
    await expect_event(session, "auth", session.auth_payload({"of": "custom"}), namespace="/custom")
    await session.send("41/custom,")
    await expect_processed(session)
    await connect(session, "/custom")
    await expect_event(session, "auth", session.auth_payload() or {}, namespace="/custom")


@requirement("SIO-CN-06")
async def test_the_application_gets_an_empty_object_without_auth(
    target: Target, transport: Transport
) -> None:
    """`40` alone."""
    needs_no_auth(target)
    session = await target.open(transport)

    await session.send("40")

    await expect_event(session, "auth", {})


@requirement("SIO-CN-07")
async def test_closes_on_connect_with_a_string(target: Target, transport: Transport) -> None:
    """`40"abc"`."""
    session = await target.open(transport)

    await session.send('40"abc"')

    await expect_closed(target, session)


@requirement("SIO-CN-07")
async def test_closes_on_connect_with_an_array(target: Target, transport: Transport) -> None:
    """`40[1]`."""
    session = await target.open(transport)

    await session.send("40[1]")

    await expect_closed(target, session)


@requirement("SIO-CN-07")
async def test_closes_on_connect_with_broken_data(target: Target, transport: Transport) -> None:
    """`40{`."""
    session = await target.open(transport)

    await session.send("40{")

    await expect_closed(target, session)


@requirement("SIO-CN-08")
async def test_the_socket_id_is_not_the_session_id(target: Target) -> None:
    """Who learns one does not know the other."""
    session = await target.open(target.any_transport)

    socket_id = await connect(session)

    if socket_id == session.session_id:
        raise Violation("a socket id of its own", "the session id")


@requirement("SIO-CN-09")
async def test_the_socket_id_differs_by_namespace_and_connection(target: Target) -> None:
    """Two namespaces of one session, and another session."""
    first = await target.open(target.any_transport)
    second = await target.open(target.any_transport)

    ids = [await connect(first), await connect(first, "/custom"), await connect(second)]

    expect_equal(len(set(ids)), 3, what="number of different socket ids")


@requirement("SIO-CN-10")
async def test_closes_on_a_second_connect(target: Target, transport: Transport) -> None:
    """The namespace is connected already."""
    session = await connect_main_namespace(target, transport)

    await session.send(session.connecting())

    await expect_closed(target, session)


@requirement("SIO-CN-11")
async def test_namespaces_of_a_session_are_independent(target: Target, transport: Transport) -> None:
    """Events of each are answered in each."""
    session = await connect_main_namespace(target, transport)
    await connect(session, "/custom")

    await session.emit("message", "main")
    await session.emit("message", "custom", namespace="/custom")

    await expect_event(session, "message-back", "main")
    await expect_event(session, "message-back", "custom", namespace="/custom")


@requirement("SIO-CN-12")
async def test_connects_a_custom_namespace(target: Target, transport: Transport) -> None:
    """`40/custom,` gets `40/custom,{"sid":…}`."""
    session = await target.open(transport)

    await session.send(session.connecting("/custom"))

    await expect_connected(session, "/custom")


@requirement("SIO-CN-12")
async def test_the_comma_may_be_left_out(target: Target, transport: Transport) -> None:
    """`40/custom`."""
    needs_no_auth(target)
    session = await target.open(transport)

    await session.send("40/custom")

    await expect_connected(session, "/custom")


@requirement("SIO-CN-13")
async def test_connects_again_after_a_disconnect(target: Target, transport: Transport) -> None:
    """With a new socket id."""
    session = await target.open(transport)
    before = await connect(session)
    await session.send("41")
    await expect_processed(session)

    await session.send(session.connecting())

    if await expect_connected(session) == before:
        raise Violation("a new socket id", "the socket id of the connection before")


@requirement("SIO-CN-14")
async def test_the_answer_to_connect_comes_first(target: Target, transport: Transport) -> None:
    """Before the `auth` event that the contract emits on connect."""
    session = await target.open(transport)

    await session.send(session.connecting())

    packet = await session.take(lambda p: p.namespace == MAIN_NAMESPACE)
    expect_equal(packet.type.name if packet else "nothing", "CONNECT", what="first packet")


@requirement("SIO-CE-01")
async def test_a_refusal_holds_a_message(target: Target, transport: Transport) -> None:
    """`/reject` refuses everybody."""
    session = await target.open(transport)

    await session.send("40/reject,")

    error = await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace="/reject"
    )
    expect_equal(error.type.name, "CONNECT_ERROR", what="answer")
    expect_equal(message_of(error), "not authorized", what="message")


@requirement("SIO-CE-01")
async def test_a_wrong_token_is_refused_and_the_right_one_is_not(
    target: Target, transport: Transport
) -> None:
    """`/auth` takes `{"token":"good"}` only."""
    session = await target.open(transport)

    await session.send(session.connecting("/auth", {"token": "bad"}))
    error = await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace="/auth"
    )
    await session.send(session.connecting("/auth", {"token": "good"}))

    expect_equal(error.type.name, "CONNECT_ERROR", what="answer to the wrong token")
    expect_equal(message_of(error), "bad token", what="message")
    await expect_connected(session, "/auth")


def message_of(error: SocketPacket) -> Any:
    return error.data.get("message") if isinstance(error.data, dict) else error.data


@requirement("SIO-CE-01")
async def test_the_data_of_a_refusal_is_an_object(target: Target, transport: Transport) -> None:
    """Clients read its `message`."""
    session = await target.open(transport)

    await session.send("40/reject,")

    error = await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace="/reject")
    if not isinstance(error.data, dict) or not isinstance(error.data.get("message"), str):
        raise Violation("an object with a text as `message`", describe(error))


@requirement("SIO-CE-02")
async def test_an_unknown_namespace_is_called_invalid(target: Target) -> None:
    """`{"message":"Invalid namespace"}`."""
    session = await target.open(target.any_transport)

    await session.send("40/no-such-namespace,")

    error = await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace="/no-such-namespace")
    expect_equal(error.data, {"message": "Invalid namespace"}, what="data")


@requirement("SIO-CE-03")
async def test_a_refusal_holds_its_data(target: Target) -> None:
    """What the application gave as the reason."""
    session = await target.open(target.any_transport)

    await session.send("40/reject,")

    error = await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace="/reject")
    data = error.data.get("data") if isinstance(error.data, dict) else None
    expect_equal(data, {"code": "E_AUTH"}, what="data")


@requirement("SIO-CE-04")
async def test_the_session_goes_on_after_a_refusal(target: Target, transport: Transport) -> None:
    """A client that is in `/` stays there, and may connect another namespace."""
    session = await connect_main_namespace(target, transport)
    await session.send("40/reject,")
    await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace="/reject")

    await session.send(session.connecting("/custom"))

    await expect_connected(session, "/custom")
    await expect_alive(session)


@exclusive_but_for(BROADCASTS)
@requirement("SIO-CE-04")
async def test_a_refused_client_is_not_in_the_namespace(target: Target, transport: Transport) -> None:
    """A broadcast to `/auth` does not reach who was refused there."""
    refused = await connect_main_namespace(target, transport)
    await refused.send(refused.connecting("/auth", {"token": "bad"}))
    await expect_packet(refused, SocketPacketType.CONNECT_ERROR, namespace="/auth")
    member = await target.open(transport)
    await connect(member, "/auth", {"token": "good"})

    await member.emit("all", own("for-members"), 1, namespace="/auth")

    await expect_event(member, own("for-members"), 1, namespace="/auth")
    await expect_no_event(refused, own("for-members"), namespace="/auth")


@requirement("SIO-CE-05")
async def test_closes_on_a_connect_error_from_the_client(target: Target, transport: Transport) -> None:
    """Only a server refuses."""
    session = await connect_main_namespace(target, transport)

    await session.send('44{"message":"no"}')

    await expect_closed(target, session)
