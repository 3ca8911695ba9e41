"""Connection state recovery: what a client shows, and what it takes."""

from __future__ import annotations

from typing import Any

from conformance.agent.app import App
from conformance.client_cases.test_client_reconnection import RETRYING, cut
from conformance.client_expect import expect_event, expect_packet, expect_told, next_session, opened
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacket, SocketPacketType

CONNECT = SocketPacketType.CONNECT


async def recoverable(stage: Stage, app: App, **options: Any) -> Session:
    """A session whose CONNECT was answered with a pid."""
    stage.does.join = False
    session = await opened(stage, app, "websocket", **RETRYING, **options)
    await expect_packet(session, CONNECT)
    session.join(pid="private-1")
    await expect_told(app, "connect")
    return session


async def asked_again(stage: Stage, app: App, session: Session) -> tuple[Session, SocketPacket]:
    """The session after a loss, and its CONNECT, which has no answer yet."""
    await cut(session)
    session = await next_session(stage, app, "websocket")
    return session, await expect_packet(session, CONNECT)


@requirement("CLI-SR-01")
async def test_shows_what_it_has(stage: Stage, app: App) -> None:
    session = await recoverable(stage, app, auth={"token": "t-1"})
    await session.send('42["news",1,"offset-1"]', '42["news",2,"offset-2"]')
    await expect_event(app, "news")
    await expect_event(app, "news")

    session, connect = await asked_again(stage, app, session)

    wanted = {"token": "t-1", "pid": "private-1", "offset": "offset-2"}
    if connect.data != wanted:
        raise Violation(f"CONNECT with {wanted}", repr(connect.data))


@requirement("CLI-SR-02")
async def test_is_recovered_where_the_pid_is_the_same(stage: Stage, app: App) -> None:
    session = await recoverable(stage, app)

    for pid, recovered in (("private-1", True), ("private-2", False)):
        session, _ = await asked_again(stage, app, session)
        session.join(pid=pid)
        seen = await expect_told(app, "connect")
        if seen is not None and seen.fields.get("recovered") is not recovered:
            raise Violation(f"recovered is {recovered}", repr(seen.fields.get("recovered")))


@requirement("CLI-SR-03")
async def test_delivers_what_is_replayed(stage: Stage, app: App) -> None:
    session = await recoverable(stage, app)
    await session.send('42["news",0,"offset-0"]')
    await expect_event(app, "news")
    session, _ = await asked_again(stage, app, session)

    await session.send('42["news",1,"offset-1"]', '42["news",2,"offset-2"]')
    session.join(pid="private-1")
    await session.send('42["news",3,"offset-3"]')

    for number in (1, 2, 3):
        got = await expect_event(app, "news")
        if got[0] != number:
            raise Violation(f"the event {number}, once and in order", repr(got))


@requirement("CLI-SR-04")
async def test_delivers_the_offset_as_it_comes(stage: Stage, app: App) -> None:
    session = await recoverable(stage, app)

    await session.send('42["news",1,"offset-1"]')

    await expect_event(app, "news", 1, "offset-1")
