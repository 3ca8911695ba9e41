"""The upgrade from polling to WebSocket, and upgrades that fail."""

from __future__ import annotations

import asyncio
from typing import Literal

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import shown
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_event,
    expect_joined,
    expect_packet,
    expect_told,
    next_session,
    opened,
)
from conformance.requirements import requirement
from conformance.stage.behaviour import opening
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import SocketPacketType

EVENT = SocketPacketType.EVENT
EVENTS = 30
MOST = 250  # of them, where the upgrade comes late
PAUSE = 0.02  # seconds between two of them


@requirement("CLI-UP-01")
async def test_leaves_http_behind(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await expect_alive(session, app)
    await asyncio.sleep(QUIET_SECONDS)


@requirement("CLI-UP-02")
async def test_waits_for_its_poll(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.probe_seconds = 0.3  # until then a poll is pending
    stage.does.noop_seconds = 0.6

    session = await connected(stage, app, transport)

    await expect_alive(session, app)


@requirement("CLI-UP-03")
async def test_loses_nothing_on_the_way_to_the_client(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.noop_seconds = 0.1
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    await expect_joined(session, app)

    for number in range(EVENTS):
        session.post(f'42["news",{number}]')
        await asyncio.sleep(PAUSE)

    for number in range(EVENTS):
        await expect_event(app, "news", number)
    await expect_alive(session, app)
    if len(app.all("event")) != EVENTS + 1:
        raise Violation(f"{EVENTS} events, once each", f"{len(app.all('event')) - 1} events")


@requirement("CLI-UP-03")
async def test_loses_nothing_on_the_way_to_the_server(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.probe_seconds = stage.does.noop_seconds = 0.4  # events before, in and after it
    stage.does.push_seconds = 0.1
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    await expect_joined(session, app)

    sent = 0
    while sent < EVENTS or (session.transport == "polling" and sent < MOST):
        await app.emit("from app", sent)
        sent += 1
        await asyncio.sleep(PAUSE)

    for number in range(sent):
        packet = await expect_packet(session, EVENT)
        if packet.data != ["from app", number]:
            raise Violation(f"event {number}", shown(packet.data))


async def stay_on_polling(
    stage: Stage, app: App, probe: Literal["unanswered", "wrong", "refused", "closed", "hung"]
) -> None:
    """An upgrade fails. The client is connected all the same, and goes on over polling."""
    stage.does.probe = probe
    await app.connect("upgraded")
    session = await next_session(stage, app, "polling")
    await expect_joined(session, app)
    if not await stage.bell.until(lambda: any(one.is_websocket for one in stage.requests) or None, 5):
        raise Violation("an attempt to upgrade", "none within 5 s")
    await asyncio.sleep(QUIET_SECONDS)
    for _ in range(2):
        await expect_alive(session, app)
    if session.transport != "polling":
        raise Violation("the session stays on polling", "it was moved to WebSocket")


@requirement("CLI-UP-04")
async def test_stays_where_the_websocket_is_refused(stage: Stage, app: App, transport: Transport) -> None:
    await stay_on_polling(stage, app, "refused")


@requirement("CLI-UP-04")
async def test_stays_where_the_probe_has_no_answer(stage: Stage, app: App, transport: Transport) -> None:
    await stay_on_polling(stage, app, "unanswered")


@requirement("CLI-UP-04")
async def test_stays_where_the_probe_is_answered_wrongly(
    stage: Stage, app: App, transport: Transport
) -> None:
    await stay_on_polling(stage, app, "wrong")


@requirement("CLI-UP-04")
async def test_stays_where_the_websocket_closes(stage: Stage, app: App, transport: Transport) -> None:
    await stay_on_polling(stage, app, "closed")


@requirement("CLI-UP-04")
async def test_stays_where_the_websocket_hangs(stage: Stage, app: App, transport: Transport) -> None:
    await stay_on_polling(stage, app, "hung")


async def expect_no_probe(stage: Stage, app: App, transport: str, why: str) -> None:
    """No WebSocket is asked for."""
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    await expect_joined(session, app)
    await expect_alive(session, app)
    await asyncio.sleep(QUIET_SECONDS)
    if any(one.is_websocket for one in stage.requests):
        raise Violation(f"no upgrade {why}", "the client asks for a WebSocket")


@requirement("CLI-UP-05")
async def test_does_not_upgrade_where_none_is_offered(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = opening(interval=stage.interval)

    await expect_no_probe(stage, app, transport, "where `upgrades` is empty")


@requirement("CLI-UP-05")
async def test_does_not_upgrade_where_it_may_not(stage: Stage, app: App, transport: Transport) -> None:
    if app.level == 0:
        raise NotApplicable("only an agent can be told to use polling alone")
    await expect_no_probe(stage, app, "polling", "where the application wants polling alone")


@requirement("CLI-UP-06")
async def test_begins_with_polling_by_default(stage: Stage, app: App, transport: Transport) -> None:
    for number in range(5):
        await app.connect(transports=None)
        if not await stage.bell.until(lambda: len(stage.handshakes) > number or None, 5):  # noqa: B023
            raise Violation("a handshake", "none within 5 s")
        if stage.handshakes[number].is_websocket:
            raise Violation("polling first", "the client begins with websocket")


@requirement("CLI-UP-07")
async def test_reads_what_comes_right_after_the_upgrade(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.noop_seconds = 0.3
    session = await opened(stage, app, transport)
    await session.until(lambda: "/" in session.joined)  # some clients upgrade before they send CONNECT

    session.post('42["news","right after"]', '42["news","and more"]')

    await expect_event(app, "news", "right after")
    await expect_event(app, "news", "and more")


@requirement("CLI-UP-09")
async def test_tells_of_a_server_that_goes_away_at_the_probe(
    stage: Stage, app: App, transport: Transport
) -> None:
    stage.does.probe = "unanswered"
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    if not await session.until(lambda: any(said.raw == "2probe" for said in session.said)):
        raise Violation("a probe", "none within 5 s")

    await stage.close(reset=True)

    await expect_told(app, seconds=8)


@requirement("CLI-UP-09")
async def test_tells_of_a_server_that_goes_away_after_the_upgrade(
    stage: Stage, app: App, transport: Transport
) -> None:
    session = await opened(stage, app, transport)
    await expect_joined(session, app)

    await stage.close(reset=True)

    await expect_told(app, "disconnect")


async def expect_left(session: Session) -> None:
    """The session is over, and so is the WebSocket of its upgrade."""
    if not await session.until(lambda: session.over is not None and session.probe is None):
        left = "the WebSocket is open" if session.socket or session.probe else "the session is open"
        raise Violation("the client leaves over both transports", f"{left} after 5 s")


@requirement("CLI-UP-10")
async def test_leaves_in_the_middle_of_an_upgrade(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.noop_seconds = 0.5
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    await expect_joined(session, app)
    if not await session.until(lambda: any(said.raw == "2probe" for said in session.said)):
        raise Violation("a probe", "none within 5 s")

    await app.do("disconnect", namespace="/")

    await expect_left(session)


@requirement("CLI-UP-10")
async def test_leaves_while_the_probe_is_not_answered(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.probe = "unanswered"
    await app.connect(transport)
    session = await next_session(stage, app, "polling")
    if not await session.until(lambda: any(said.raw == "2probe" for said in session.said)):
        raise Violation("a probe", "none within 5 s")

    await app.do("disconnect", namespace="/")

    await expect_left(session)


@requirement("CLI-UP-11")
async def test_begins_with_websocket_where_it_has_upgraded(stage: Stage, app: App) -> None:
    """An error of an earlier case may reach the client late, and make it forget."""
    stage.does.open = opening(("websocket",))
    for _ in range(3):
        await connected(stage, app, "upgraded")
        known = len(stage.handshakes)
        await app.connect("upgraded", rememberUpgrade=True)
        if not await stage.bell.until(lambda: len(stage.handshakes) > known, 5):  # noqa: B023
            raise Violation("another handshake", "none within 5 s")
        first = "websocket" if stage.handshakes[known].is_websocket else "polling"
        await expect_joined(await next_session(stage, app, first), app)
        if first == "websocket":
            return
    raise Violation("WebSocket first, as the last session was upgraded", "the client begins with polling")


@requirement("CLI-UP-12")
async def test_probes_before_it_upgrades(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.probe_seconds = 0.1
    session = await connected(stage, app, transport)

    over = [said.raw for said in session.said if said.transport == "websocket"]
    if over[:2] != ["2probe", "5"]:
        raise Violation("2probe and 5 over the WebSocket", " and ".join(map(repr, over[:2])) or "nothing")


@requirement("CLI-UP-08")
async def test_takes_a_noop_right_after_the_upgrade(stage: Stage, app: App, transport: Transport) -> None:
    session = await opened(stage, app, transport)

    session.post("6")

    await expect_joined(session, app)
    await expect_alive(session, app)
