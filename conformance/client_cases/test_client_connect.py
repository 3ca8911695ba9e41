"""CONNECT: what a client sends, and what it makes of each answer."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import describe, shown
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_asked,
    expect_event,
    expect_joined,
    expect_nothing_said,
    expect_packet,
    expect_told,
    opened,
)
from conformance.expect import same
from conformance.requirements import requirement, slow
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT = SocketPacketType.CONNECT
NO_RETURN = 2 * QUIET_SECONDS  # several times the delay
AUTH = {"token": "abc", "nested": {"list": [1, "é", {"deep": None}]}, "日本": "😀"}


@requirement("CLI-CN-01")
async def test_begins_with_connect(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)

    packet = await expect_packet(session, CONNECT)

    if packet.namespace != "/" or packet.data not in (None, {}):
        raise Violation("CONNECT to / with an empty object or without data", describe(packet))
    await expect_nothing_said(session, *SocketPacketType, what="silence until CONNECT is answered")


@requirement("CLI-CN-01")
async def test_holds_events_until_connect_is_answered(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_packet(session, CONNECT)

    await app.emit("from app", 1)

    await expect_nothing_said(session, *SocketPacketType, what="silence until CONNECT is answered")


@requirement("CLI-CN-02")
async def test_sends_the_auth_of_the_application(stage: Stage, app: App, transport: Transport) -> None:
    session = await opened(stage, app, transport, auth=AUTH)

    packet = await expect_packet(session, CONNECT)

    if not same(packet.data, AUTH):
        raise Violation(f"CONNECT with {shown(AUTH)}", describe(packet))


@requirement("CLI-CN-03")
async def test_connects_to_the_wanted_namespace_alone(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, "/custom")

    await expect_alive(session, app, "/custom")

    asked = [packet.namespace for packet in session.packets if packet.type is CONNECT]
    if asked != ["/custom"]:
        raise Violation("one CONNECT, to /custom", f"CONNECT to {', '.join(asked)}")


@requirement("CLI-CN-04")
async def test_tells_message_and_data_of_a_refusal(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_packet(session, CONNECT)

    await session.send('44{"message":"not authorized","data":{"code":"E_AUTH","retry":[1,2]}}')

    seen = await expect_told(app, "connect_error")
    told = {"message": "not authorized", "data": {"code": "E_AUTH", "retry": [1, 2]}}
    if seen is not None and not same({key: seen.fields.get(key) for key in told}, told):
        raise Violation(f"the application sees {shown(told)}", str(seen))


async def refuse_and_look(stage: Stage, app: App, transport: Transport, refusal: str) -> None:
    """Refuse CONNECT in an odd way. The application is told, and may connect anew."""
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_packet(session, CONNECT)
    await session.send(refusal)
    await expect_told(app)
    stage.does.join = True
    session = await connected(stage, app, transport)
    await expect_alive(session, app)


@requirement("CLI-CN-05")
async def test_survives_a_refusal_without_data(stage: Stage, app: App, transport: Transport) -> None:
    await refuse_and_look(stage, app, transport, "44{}")


@requirement("CLI-CN-05")
async def test_survives_a_refusal_with_a_string(stage: Stage, app: App, transport: Transport) -> None:
    await refuse_and_look(stage, app, transport, '44"no"')


@requirement("CLI-CN-05")
async def test_survives_a_refusal_with_an_array(stage: Stage, app: App, transport: Transport) -> None:
    await refuse_and_look(stage, app, transport, '44["no"]')


@requirement("CLI-CN-06")
async def test_does_not_ask_again_after_a_refusal(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport, reconnection=True, reconnectionDelay=100)
    await expect_asked(session)

    await session.send('44{"message":"no"}')

    await expect_told(app)
    await expect_nothing_said(session, CONNECT, what="no second CONNECT after a refusal", seconds=NO_RETURN)
    if len(stage.handshakes) > 1:
        raise Violation("no second session after a refusal", "the client opens one")


@requirement("CLI-CN-07")
async def test_keeps_an_event_until_it_is_connected(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_asked(session)

    session.post('42["news","early",{"a":[1]}]')
    session.join()

    await expect_joined(session, app)
    await expect_event(app, "news", "early", {"a": [1]})


@requirement("CLI-CN-11")
async def test_takes_further_keys_in_the_answer(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_packet(session, CONNECT)

    session.join(new=[1, {"a": None}], more="text")

    await expect_joined(session, app)
    await expect_alive(session, app)


@requirement("CLI-CN-12")
async def test_has_the_id_of_connect(stage: Stage, app: App, transport: Transport) -> None:
    session = await opened(stage, app, transport)

    seen = await expect_joined(session, app)

    if seen is not None and seen.fields.get("id") != session.socket_ids["/"]:
        raise Violation(f"the id {session.socket_ids['/']}", f"the id {seen.fields.get('id')}")


@requirement("CLI-CN-08")
async def test_refuses_an_answer_without_an_id(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_packet(session, CONNECT)

    await session.send("40")

    await expect_told(app)
    if app.all("connect"):
        raise Violation("no connection without an id (a server of version 2)", "the application is connected")


@slow
@requirement("CLI-CN-09")
async def test_gives_up_a_connect_without_an_answer(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport, timeout=500)
    await expect_packet(session, CONNECT)

    await expect_told(app, seconds=3)
