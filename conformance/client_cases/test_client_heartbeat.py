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


@slow
@requirement("CLI-HB-02")
async def test_leaves_a_silent_server(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 1000, 1000)
    session = await connected(stage, app, transport)

    seen = await expect_told(app, "disconnect", seconds=2 + LATE)

    after = (seen.at if seen else time.monotonic()) - session.began
    if after < 2 - EARLY:
        raise Violation("the session lasts pingInterval + pingTimeout, 2 s", f"it ends after {after:.2f} s")


@slow
@requirement("CLI-HB-03")
async def test_waits_for_a_late_ping(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = beating(transport, 1000, 2000)
    session = await connected(stage, app, transport)

    for _ in range(2):
        await asyncio.sleep(2)
        await session.send("2")
        await expect_said(session, "3", what="a PONG for a PING 1 s after pingInterval")

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
