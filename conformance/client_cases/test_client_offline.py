"""Events of an application that is not connected: kept, dropped, given up, or sent again."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_cases.test_client_reconnection import BUSY, RETRYING, cut
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_asked,
    expect_joined,
    expect_nothing_said,
    expect_packet,
    expect_told,
    next_session,
    opened,
)
from conformance.requirements import requirement, slow
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT, EVENT = SocketPacketType.CONNECT, SocketPacketType.EVENT


async def offline(stage: Stage, app: App, transport: Transport) -> None:
    """The application is connected, and then sees that it no longer is. No attempt succeeds."""
    session = await connected(stage, app, transport, **RETRYING)
    stage.does.refuse = BUSY
    await cut(session)
    await expect_told(app, "disconnect")


async def back(stage: Stage, app: App, transport: Transport) -> Session:
    """The next session, from the first packet to the one after which nothing of before is left."""
    stage.does.refuse = None
    session = await next_session(stage, app, transport, 8)
    await expect_joined(session, app)
    await app.emit("end", 1)
    await expect_nothing_before_connect(session)
    return session


async def expect_nothing_before_connect(session: Session) -> None:
    if session.revision.connects_unasked:
        return
    first = await expect_packet(session, CONNECT, EVENT)
    if first.type is not CONNECT:
        raise Violation("CONNECT before any event", repr(first.data))


async def expect_sent(session: Session, *wanted: list[object]) -> None:
    """These events come, in this order, and no others before."""
    for each in wanted:
        packet = await expect_packet(session, EVENT, what=f"the event {each}")
        if packet.data != each:
            raise Violation(f"the event {each}", repr(packet.data))


@requirement("CLI-OB-01")
async def test_keeps_what_is_emitted_before_connect(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)
    await expect_asked(session)
    for number in range(3):
        await app.emit("early", number)
    await expect_nothing_said(session, EVENT, what="no event before the answer to CONNECT")

    session.join()

    await expect_sent(session, *(["early", number] for number in range(3)))


@requirement("CLI-OB-02")
async def test_keeps_what_is_emitted_offline(stage: Stage, app: App, transport: Transport) -> None:
    await offline(stage, app, transport)
    for number in range(3):
        await app.emit("late", number)

    session = await back(stage, app, transport)

    await expect_sent(session, *(["late", number] for number in range(3)), ["end", 1])


@requirement("CLI-OB-03")
async def test_drops_what_is_volatile(stage: Stage, app: App, transport: Transport) -> None:
    await offline(stage, app, transport)
    await app.emit("position", 1, volatile=True)

    session = await back(stage, app, transport)

    await expect_sent(session, ["end", 1])


@requirement("CLI-OB-04")
async def test_does_not_send_what_it_gave_up(stage: Stage, app: App, transport: Transport) -> None:
    await offline(stage, app, transport)
    await app.emit("question", 1, ack="q", timeout=200)
    if await app.until("acked") is None:
        raise Violation("the question fails after 0.2 s", "it does not")

    session = await back(stage, app, transport)

    await expect_sent(session, ["end", 1])


@requirement("CLI-OB-05")
async def test_loses_nothing_in_silence(stage: Stage, app: App, transport: Transport) -> None:
    await offline(stage, app, transport)

    await app.emit("late", 1)

    if await app.until("threw", seconds=QUIET_SECONDS):
        return
    session = await back(stage, app, transport)
    await expect_sent(session, ["late", 1])


@requirement("CLI-OB-06")
@slow
async def test_sends_again_what_has_no_ack(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", retries=2, ackTimeout=200)

    await app.emit("first", 1)
    await app.emit("second", 2)

    await expect_sent(session, ["first", 1], ["first", 1], ["first", 1])
    packet = await expect_packet(session, EVENT, what="the second event, after three tries of the first")
    if packet.data != ["second", 2]:
        raise Violation("the second event, after three tries of the first", repr(packet.data))
    await session.send(f"43{packet.ack_id}[]")
    await expect_nothing_said(session, EVENT, what="no event again after its ack", seconds=0.5)
