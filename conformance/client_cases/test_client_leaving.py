"""How sessions end: by the server, by the application, and in the middle of something."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import describe
from conformance.client_expect import (
    ANSWER_SECONDS,
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_asked,
    expect_joined,
    expect_packet,
    expect_told,
    next_session,
    opened,
)
from conformance.requirements import requirement
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT, DISCONNECT, EVENT = SocketPacketType.CONNECT, SocketPacketType.DISCONNECT, SocketPacketType.EVENT
RETRYING: dict[str, Any] = {"reconnection": True, "reconnectionDelay": 100, "randomizationFactor": 0}


async def expect_no_more_sessions(stage: Stage, why: str, known: int | None = None) -> None:
    """The client opens no further session by itself. `known` are there by right; without it all so far."""
    if known is None:
        known = len(stage.handshakes)
    await stage.bell.until(lambda: len(stage.handshakes) > known, 2 * QUIET_SECONDS)
    if len(stage.handshakes) > known:
        raise Violation(f"no new session {why}", "the client opens one")


@requirement("CLI-CL-01")
async def test_leaves_on_a_close_packet(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send("1")

    await expect_told(app, "disconnect")


@requirement("CLI-CL-02")
async def test_leaves_on_a_close_packet_over_websocket(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send("1")

    await expect_told(app, "disconnect", seconds=2)


@requirement("CLI-CL-03")
async def test_ignores_noop(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for _ in range(3):
        await session.send("6")

    await expect_alive(session, app)


@requirement("CLI-CL-04")
async def test_leaves_in_order(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await app.do("disconnect", namespace="/")

    if not await session.until(lambda: session.over is not None):
        raise Violation("the client ends the session", "it is still open after 5 s")
    socket = session.socket
    if socket is not None:
        await session.until(lambda: socket.gone or socket.closed_by_client is not None)
        if socket.closed_by_client is None:
            raise Violation("a close frame", session.over or "none")
    said = [one.raw for one in session.said][-2:]
    if socket is None and said != ["41", "1"]:
        raise Violation("DISCONNECT and a CLOSE packet", " and ".join(map(repr, said)))


@requirement("CLI-CL-05")
async def test_says_nothing_more_after_leaving(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await app.do("disconnect", namespace="/")
    await session.take(lambda said: said.raw in ("41", "1"), ANSWER_SECONDS)
    await session.until(lambda: session.over is not None, QUIET_SECONDS)
    session.end("the client has left")

    await asyncio.sleep(3 * QUIET_SECONDS)


@requirement("CLI-DC-01")
async def test_does_not_come_back_when_it_was_sent_away(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)

    await session.send("41")

    await expect_told(app, "disconnect")
    await expect_no_more_sessions(stage, "after DISCONNECT by the server", known=1)
    if [packet.type for packet in session.packets].count(CONNECT) > 1:
        raise Violation("no second CONNECT after DISCONNECT by the server", "the client sends one")


@requirement("CLI-DC-02")
async def test_says_that_it_leaves(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await app.do("disconnect", namespace="/")

    await expect_packet(session, DISCONNECT)


@requirement("CLI-PL-04")
async def test_posts_all_else_before_it_leaves(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    stage.does.push_seconds = 0.3

    await app.emit("from app", 1)
    await app.emit("from app", 2)
    await app.do("disconnect", namespace="/")

    for number in (1, 2):
        packet = await expect_packet(session, EVENT, DISCONNECT)
        if packet.data != ["from app", number]:
            raise Violation(f"event {number}", describe(packet))


@requirement("CLI-DC-03")
async def test_tells_once_that_it_has_left(stage: Stage, app: App, transport: Transport) -> None:
    await connected(stage, app, transport, **RETRYING)

    await app.do("disconnect", namespace="/")
    await expect_told(app, "disconnect")

    await expect_no_more_sessions(stage, "after the application has left", known=1)
    if len(app.all("disconnect")) != 1:
        raise Violation("one disconnect", f"{len(app.all('disconnect'))}")


@requirement("CLI-DC-04")
async def test_comes_back_when_it_is_told_to(stage: Stage, app: App, transport: Transport) -> None:
    await connected(stage, app, transport)
    await app.do("disconnect", namespace="/")
    await expect_told(app, "disconnect")
    await asyncio.sleep(QUIET_SECONDS)  # the call of disconnect returns

    await app.do("open", namespace="/")

    session = await next_session(stage, app, transport)
    await expect_joined(session, app)
    await session.send('42["news","once"]')
    await expect_alive(session, app)
    if len(app.all("event")) != 2:
        raise Violation("each event once", f"{len(app.all('event')) - 1} times")


@requirement("CLI-DC-05")
async def test_can_leave_before_the_handshake_is_answered(
    stage: Stage, app: App, transport: Transport
) -> None:
    stage.does.silent = True
    await app.connect(transport, timeout=300, **RETRYING)
    if not await stage.bell.until(lambda: bool(stage.handshakes) or None, 5):
        raise Violation("a handshake", "none within 5 s")

    await app.do("disconnect", namespace="/")
    await asyncio.sleep(QUIET_SECONDS)

    stage.does.silent = False
    await expect_no_more_sessions(stage, "after the application has left")


@requirement("CLI-DC-05")
async def test_can_leave_before_connect_is_answered(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport, **RETRYING)
    await expect_asked(session)

    await app.do("disconnect", namespace="/")

    await expect_no_more_sessions(stage, "after the application has left")
    if app.all("connect"):
        raise Violation("no connect after the application has left", "the application sees connect")


@requirement("CLI-DC-06")
async def test_can_leave_a_server_that_does_not_answer(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    stage.does.push_seconds = 10

    await app.emit("from app", 1)
    await expect_packet(session, EVENT)
    await app.do("disconnect", namespace="/")


@requirement("CLI-DC-07")
async def test_tells_one_disconnect_for_each_connect(stage: Stage, app: App, transport: Transport) -> None:
    for _ in range(3):
        await connected(stage, app, transport)
        await app.do("disconnect", namespace="/")
        await expect_told(app, "disconnect")
    await asyncio.sleep(QUIET_SECONDS)

    if len(app.all("disconnect")) != 3:
        raise Violation("3 disconnects for 3 connects", f"{len(app.all('disconnect'))} disconnects")


@requirement("CLI-SV-01")
async def test_lives(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await expect_alive(session, app)
