"""A server that dies in the middle of something, and is there again at once: the client comes back.

A death before CONNECT is answered is asked for by CLI-RC-07, and one in a binary packet by CLI-BN-10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_cases.test_client_reconnection import RETRYING, cut, expect_back
from conformance.client_expect import ANSWER_SECONDS, QUIET_SECONDS, connected, expect_told, next_session
from conformance.requirements import requirement
from conformance.stage.requests import Answer
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import Opcode, SocketPacketType, encode_frame

HALF = '42["news","half"]'


def first_of(transport: Transport) -> Transport:
    """Where a session begins. Who is back need not upgrade again."""
    return "polling" if transport == "upgraded" else transport


async def die(stage: Stage) -> None:
    """Reset all connections, forget all sessions, and listen again at the same port."""
    for session in stage.sessions:
        session.over = session.over or "the server has died"
    await stage.close(reset=True)
    await stage.listen()


async def attempt(stage: Stage, begun: Callable[[], bool]) -> None:
    """Wait until the client has begun what comes after a loss."""
    if not await stage.bell.until(lambda: begun() or None, ANSWER_SECONDS):
        raise Violation("a new attempt", f"none within {ANSWER_SECONDS:.0f} s")


@requirement("CLI-RC-12")
async def test_comes_back_from_a_death_in_the_handshake(stage: Stage, app: App, transport: Transport) -> None:
    """If there is an upgrade: in its probe."""
    session = await connected(stage, app, transport, **RETRYING)
    if transport == "upgraded":
        stage.does.probe = "unanswered"
        await cut(session)
        second = await next_session(stage, app, "polling")
        await attempt(stage, lambda: second.probe is not None)
    else:
        stage.does.silent = True
        await cut(session)
        await attempt(stage, lambda: len(stage.handshakes) > 1)

    stage.does.silent, stage.does.probe = False, "answered"
    await die(stage)

    await expect_back(stage, app, first_of(transport))


@requirement("CLI-RC-12")
async def test_comes_back_from_a_death_after_open(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    await cut(session)
    await next_session(stage, app, first_of(transport))

    await die(stage)

    await expect_back(stage, app, first_of(transport))


@requirement("CLI-RC-12")
async def test_comes_back_from_a_death_in_an_event(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    if session.socket is not None:
        session.socket.write(encode_frame(Opcode.TEXT, HALF.encode(), masked=False)[:-4])
    else:
        (await session.poll()).answer(Answer(body=HALF[:-4]), announced=len(HALF))

    await die(stage)

    await expect_told(app, "disconnect")
    await expect_back(stage, app, first_of(transport))
    if any(seen.fields["args"] == ["half"] for seen in app.all("event")):
        raise Violation("no event of which only half came", "it is delivered")


@requirement("CLI-RC-12")
async def test_can_connect_after_a_death_while_it_leaves(
    stage: Stage, app: App, transport: Transport
) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    stage.does.push_seconds = 10
    await app.do("disconnect", namespace="/")
    leaves = SocketPacketType.DISCONNECT
    await session.until(
        lambda: session.over is not None or leaves in [packet.type for packet in session.packets],
        QUIET_SECONDS,
    )

    await die(stage)

    await expect_told(app, "disconnect")
    stage.does.push_seconds = 0
    await asyncio.sleep(QUIET_SECONDS)  # the call of disconnect returns
    await app.do("open", namespace="/")
    await expect_back(stage, app, first_of(transport))
