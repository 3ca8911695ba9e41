"""What a client does after it has lost its session: when it comes back, how often, and with what."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import shown
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_asked,
    expect_event,
    expect_joined,
    expect_packet,
    expect_told,
    next_session,
)
from conformance.requirements import requirement, slow
from conformance.stage.behaviour import opening
from conformance.stage.requests import Answer
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT = SocketPacketType.CONNECT
RETRYING: dict[str, Any] = {"reconnection": True, "reconnectionDelay": 200, "randomizationFactor": 0}
BUSY = Answer(503, "busy")
EARLY_SECONDS = 0.05  # by which a timer may be early
LATE_SECONDS = 0.7  # for a client to notice a loss, and to open a connection


async def cut(session: Session) -> None:
    """End the session by a reset, as a lost network does."""
    if session.socket is not None:
        session.end("reset by the judge", told=False)
        session.socket.end(reset=True)
    else:
        poll = await session.poll()
        session.over = session.over or "reset by the judge"
        poll.end(reset=True)


async def gaps(stage: Stage, count: int) -> list[float]:
    """Seconds between the handshakes that follow, `count` of them. Each is refused."""
    stage.does.refuse = BUSY
    known = len(stage.handshakes)
    came = await stage.bell.until(lambda: len(stage.handshakes) > known + count or None, 6 + 2 * count)
    if came is None:
        raise Violation(f"{count + 1} attempts", f"{len(stage.handshakes) - known}")
    at = [request.at for request in stage.handshakes[known:]]
    return [later - earlier for earlier, later in itertools.pairwise(at)][:count]


def expect_delay(seconds: float, least: float, most: float, what: str) -> None:
    if not least - EARLY_SECONDS <= seconds <= most + LATE_SECONDS:
        raise Violation(f"{what} after {least:g} to {most:g} s", f"after {seconds:.2f} s")


async def expect_back(stage: Stage, app: App, transport: Transport) -> Session:
    """The client is there again, in a new session, and hears."""
    session = await next_session(stage, app, transport, 8)
    await expect_joined(session, app)
    await session.send('42["news","back"]')
    await expect_event(app, "news", "back")
    return session


@requirement("CLI-RC-01")
async def test_comes_back_after_a_reset(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, auth={"token": "t-1"}, **RETRYING)
    await expect_packet(session, CONNECT)

    await cut(session)

    session = await next_session(stage, app, transport)
    again = await expect_packet(session, CONNECT)
    if again.data != {"token": "t-1"}:
        raise Violation("CONNECT with the auth of the application", repr(again.data))
    await expect_joined(session, app)


@requirement("CLI-RC-02")
@slow
async def test_waits_longer_each_time(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", reconnectionDelayMax=800, **RETRYING)

    await cut(session)

    waits = [0.4, 0.8, 0.8]
    for number, (seconds, wait) in enumerate(zip(await gaps(stage, 3), waits, strict=True), 2):
        expect_delay(seconds, wait, wait, f"attempt {number}")


@requirement("CLI-RC-03")
@slow
async def test_varies_its_delays(stage: Stage, app: App) -> None:
    """A busy machine makes a delay longer, never shorter. All 12 are longer by chance once in 2,000 runs."""
    options = {**RETRYING, "reconnectionDelay": 400, "randomizationFactor": 0.5}
    session = await connected(stage, app, "websocket", **options)

    for _ in range(12):
        await cut(session)
        assert session.over_at is not None
        lost_at, session = session.over_at, await next_session(stage, app, "websocket")
        waited = session.began - lost_at
        expect_delay(waited, 0.2, 0.6, "the first attempt")
        if waited < 0.39:
            return
        await expect_joined(session, app)
    raise Violation("delays that vary, from 0.2 to 0.6 s", "12 delays of 0.39 s and more")


@requirement("CLI-RC-04")
@slow
async def test_stops_after_its_attempts(stage: Stage, app: App) -> None:
    options = {**RETRYING, "reconnectionDelay": 100, "reconnectionAttempts": 2}
    session = await connected(stage, app, "websocket", **options)

    await cut(session)
    await gaps(stage, 1)
    known = len(stage.handshakes)

    await asyncio.sleep(0.4 + LATE_SECONDS)  # the third would follow after 0.4 s
    if len(stage.handshakes) > known:
        raise Violation("no attempt after 2 that failed", f"{len(stage.handshakes) - known + 2} attempts")


@requirement("CLI-RC-05")
@slow
async def test_begins_its_delays_anew(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", **RETRYING)
    await cut(session)
    await gaps(stage, 2)
    stage.does.refuse = None
    session = await next_session(stage, app, "websocket")
    await expect_joined(session, app)

    await cut(session)

    assert session.over_at is not None
    again = await next_session(stage, app, "websocket")
    expect_delay(again.began - session.over_at, 0.2, 0.2, "the first attempt")


@requirement("CLI-RC-06")
@slow
async def test_does_not_storm_a_server_that_drops_it(stage: Stage, app: App, transport: Transport) -> None:
    options = {**RETRYING, "reconnectionDelay": 400}
    session = await connected(stage, app, transport, **options)

    for _ in range(4):
        began = session.began
        await cut(session)
        session = await next_session(stage, app, transport)
        if session.began - began < 0.3:
            raise Violation("a delay of 0.4 s before each session", f"{session.began - began:.2f} s")
        await expect_joined(session, app)


@requirement("CLI-RC-07")
@slow
async def test_goes_on_after_a_refusal(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    await cut(session)
    await gaps(stage, 1)

    stage.does.refuse = None

    await expect_back(stage, app, transport)


@requirement("CLI-RC-07")
@slow
async def test_goes_on_after_a_closed_port(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    session.end("the server is gone", told=False)
    await stage.close(reset=True)
    await asyncio.sleep(0.4)  # an attempt fails meanwhile

    await stage.listen()

    await expect_back(stage, app, transport)


@requirement("CLI-RC-07")
@slow
async def test_goes_on_after_silence(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, timeout=600, **RETRYING)
    stage.does.silent = True
    known = len(stage.handshakes)
    await cut(session)
    if await stage.bell.until(lambda: len(stage.handshakes) > known or None, 5) is None:
        raise Violation("a new attempt", "none within 5 s")

    stage.does.silent = False

    await expect_back(stage, app, transport)


@requirement("CLI-RC-07")
@slow
async def test_goes_on_after_a_session_that_is_cut(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    stage.does.join = False
    await cut(session)
    session = await next_session(stage, app, transport)
    await expect_asked(session)

    stage.does.join = True
    await cut(session)

    await expect_back(stage, app, transport)


@requirement("CLI-RC-08")
async def test_opens_one_session_for_a_loss(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)

    for _ in range(2):
        await cut(session)
        session = await expect_back(stage, app, transport)

    await asyncio.sleep(2 * QUIET_SECONDS)
    if len(stage.sessions) != 3:
        raise Violation("3 sessions: the first, and one after each loss", f"{len(stage.sessions)}")


@requirement("CLI-RC-09")
async def test_hears_each_event_once_after_losses(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)
    for _ in range(3):
        await cut(session)
        session = await next_session(stage, app, transport)
        await expect_joined(session, app)

    await session.send('42["news","once"]')

    await expect_event(app, "news", "once")
    await session.send('42["news","next"]')
    await expect_event(app, "news", "next")
    if len(app.all("event")) != 2:
        raise Violation("each event once", f"{len(app.all('event')) - 1} times")


@requirement("CLI-RC-10")
async def test_does_not_ask_again_where_it_was_refused(stage: Stage, app: App) -> None:
    shared = {**RETRYING, "forceNew": False}
    session = await connected(stage, app, "websocket", **shared)
    await expect_packet(session, CONNECT)
    stage.does.join = False
    await app.connect("websocket", "/closed", **shared)
    await expect_packet(session, CONNECT, what="CONNECT to /closed")
    await session.send('44/closed,{"message":"no"}')
    if await app.until("connect_error") is None:
        raise Violation("the application sees connect_error", "it does not")
    stage.does.join = True

    await cut(session)

    session = await next_session(stage, app, "websocket")
    await expect_joined(session, app)
    await asyncio.sleep(QUIET_SECONDS)
    asked = [packet.namespace for packet in session.packets if packet.type is CONNECT]
    if asked != ["/"]:
        raise Violation("CONNECT to /, and to no namespace that refused", ", ".join(asked))


@requirement("CLI-CN-10")
async def test_asks_for_auth_each_time(stage: Stage, app: App, transport: Transport) -> None:
    first = await connected(stage, app, transport, auth={"$function": "count"}, **RETRYING)
    await cut(first)
    second = await next_session(stage, app, transport)

    sent = [(await expect_packet(session, CONNECT)).data for session in (first, second)]

    if sent != [{"count": 1}, {"count": 2}]:
        raise Violation("CONNECT with what the function gives: count 1, then 2", shown(sent))


@requirement("CLI-RC-11")
@slow
async def test_reads_nothing_of_the_session_before(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = opening(interval=300, timeout=300)
    first = await connected(stage, app, transport, **RETRYING)
    late = await first.poll()
    stage.does.open = opening()
    first.over = "no PING came"
    await expect_told(app, "disconnect", seconds=8)
    second = await next_session(stage, app, transport)
    await expect_joined(second, app)

    late.answer(Answer(body='42["news","late"]'))

    await expect_alive(second, app)
    if any(seen.fields["args"] == ["late"] for seen in app.all("event")):
        raise Violation("nothing of a session that is over", "what its last poll brings is delivered")
