"""The heartbeat: the server sends PING, and the client answers or misses it."""

from __future__ import annotations

import asyncio
import time

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_event,
    expect_said,
    expect_told,
    next_session,
)
from conformance.requirements import requirement, slow
from conformance.stage.behaviour import opening
from conformance.stage.stage import Stage
from conformance.verdicts import Violation

EARLY = 0.1  # seconds by which clocks may differ
LATE = 3.0  # that a busy machine may add


def beating(transport: Transport, interval: float, timeout: float) -> str:
    """An OPEN packet with these times in milliseconds."""
    return opening(("websocket",) if transport == "upgraded" else (), interval=interval, timeout=timeout)


@requirement("CLI-HB-01")
async def test_answers_each_ping_once(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for _ in range(3):
        await session.send("2")
        await expect_said(session, "3", what="a PONG")

    await asyncio.sleep(QUIET_SECONDS)
    pongs = [said for said in session.said if said.raw == "3"]
    if len(pongs) != 3:
        raise Violation("3 PONGs for 3 PINGs", f"{len(pongs)} PONGs")


async def expect_end(app: App, begun: float, limit: str) -> None:
    """The session ends one second after this moment (monotonic), as `limit` says, and not earlier."""
    seen = await expect_told(app, "disconnect", seconds=1 + LATE)

    after = (seen.at if seen else time.monotonic()) - begun
    if after < 1 - EARLY:
        raise Violation(limit, f"it ends after {after:.2f} s")


@slow
@requirement("CLI-HB-02")
async def test_leaves_a_silent_server(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 500, 500)
    session = await connected(stage, app, transport)

    await expect_end(app, session.began, "the session lasts pingInterval + pingTimeout, 1 s")


@slow
@requirement("CLI-HB-03")
async def test_waits_for_a_late_ping(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 400, 1600)
    session = await connected(stage, app, transport)

    for _ in range(2):
        await asyncio.sleep(1)
        await session.send("2")
        await expect_said(session, "3", what="a PONG for a PING 0.6 s after pingInterval")

    await expect_alive(session, app)


@requirement("CLI-HB-06")
async def test_answers_a_ping_among_messages(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["news",1]', "2", '42["news",2]')

    await expect_said(session, "3", what="a PONG")
    await expect_event(app, "news", 1)
    await expect_event(app, "news", 2)


@requirement("CLI-HB-07")
async def test_answers_a_ping_with_data(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send("2abc")

    await expect_said(session, "3", "3abc", what="a PONG, with or without the data")
    await expect_alive(session, app)


@slow
@requirement("CLI-HB-04")
async def test_takes_no_message_for_a_ping(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 500, 500)
    session = await connected(stage, app, transport)

    for _ in range(14):
        session.post('42["news",1]')
        if await session.until(lambda: session.over is not None or bool(app.all("disconnect")), 0.15):
            return
    raise Violation("a session without PING ends after 1 s", "messages keep it open for 2 s")


@requirement("CLI-HB-05")
async def test_answers_a_ping_while_a_handler_waits(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    await session.send('42["wait",1]')
    await expect_event(app, "wait", 1)

    try:
        await session.send("2")
        await expect_said(session, "3", what="a PONG while a handler waits")
    finally:
        await app.do("ack")


@requirement("CLI-HB-08")
async def test_answers_pings_in_the_middle_of_an_upgrade(
    stage: Stage, app: App, transport: Transport
) -> None:
    stage.does.probe_seconds, stage.does.noop_seconds = 0.1, 0.3
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    if not await session.until(lambda: any(said.raw == "2probe" for said in session.said)):
        raise Violation("a probe", "none within 5 s")

    session.post("2")
    await asyncio.sleep(0.2)  # the probe is answered, and the poll is pending
    session.post("2")

    for _ in range(2):
        await expect_said(session, "3", what="a PONG for each of two PINGs in the upgrade")
