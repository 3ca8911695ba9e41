"""Namespaces other than the main one: what is said in them, and what is none of the client's."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import describe
from conformance.client_expect import connected, expect_alive, expect_event, expect_packet
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import SocketPacket, SocketPacketType

EVENT, ACK, DISCONNECT = SocketPacketType.EVENT, SocketPacketType.ACK, SocketPacketType.DISCONNECT
NAMESPACE = "/custom"


def is_goodbye(packet: SocketPacket) -> bool:
    return packet.type is DISCONNECT


async def expect_named(session: Session, kind: SocketPacketType) -> None:
    """The next packet of this type names the namespace."""
    packet = await expect_packet(session, kind)
    if packet.namespace != NAMESPACE:
        raise Violation(f"{kind.name} in {NAMESPACE}", describe(packet))


@requirement("CLI-NS-01")
async def test_ignores_what_is_not_in_its_namespace(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE)

    await session.send('42["news","main"]', '42/other,["news","other"]', "41", "41/other,", '430["x"]')

    await expect_alive(session, app, NAMESPACE)
    if len(app.all("event")) != 1:
        raise Violation(f"no event of another namespace than {NAMESPACE}", str(app.all("event")[0]))


@requirement("CLI-NS-08")
async def test_names_the_namespace_of_an_event(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE)

    await app.emit("from app", 1, namespace=NAMESPACE)

    await expect_named(session, EVENT)


@requirement("CLI-NS-08")
async def test_names_the_namespace_of_an_ack(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE)

    await session.send(f'42{NAMESPACE},5["news",1]')

    await expect_event(app, "news", 1, namespace=NAMESPACE)
    await expect_named(session, ACK)


@requirement("CLI-NS-08")
async def test_names_the_namespace_that_it_leaves(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE)

    await app.do("disconnect", namespace=NAMESPACE)

    await session.until(lambda: session.over is not None or any(map(is_goodbye, session.packets)))
    if not any(map(is_goodbye, session.packets)):
        raise NotApplicable("the client leaves without DISCONNECT (CLI-DC-02)")
    await expect_named(session, DISCONNECT)
