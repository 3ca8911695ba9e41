"""The first request of a client, and what it does when the answer is wrong."""

from __future__ import annotations

import asyncio

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_cases.test_client_reconnection import RETRYING
from conformance.client_expect import (
    ANSWER_SECONDS,
    TOLD,
    connected,
    expect_alive,
    expect_closed_or_alive,
    expect_joined,
    expect_said,
    expect_told,
    next_session,
    opened,
)
from conformance.requirements import requirement, slow
from conformance.stage.behaviour import opening
from conformance.stage.requests import Answer, Request
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Unresponsive, Violation

REFUSALS = [
    Answer(400, '{"code":5,"message":"Unsupported protocol version"}', "application/json"),
    Answer(401, "who are you?"),
    Answer(403, "", None),
    Answer(404, "<html>not here</html>", "text/html"),
    Answer(500, "", None),
    Answer(503, '{"error":"busy"}', "application/json"),
]


MANY = 20  # requests in a second: so many are no heartbeat, and no poll that follows an answer


async def expect_failure(app: App, transport: str) -> None:
    """The attempt to connect fails, and the application is told."""
    await app.connect(transport, timeout=500)
    await expect_told(app, seconds=8)


def expect_handshake(stage: Stage, transport: str) -> None:
    """The first request is a GET of the path, with the revision, the transport and no sid."""
    first, revision = stage.requests[0], str(stage.revision.number)
    names = [name for name, _ in first.query]
    if first.method != "GET" or first.path != "/socket.io/" or len(names) != len(set(names)):
        raise Violation("GET /socket.io/ with each parameter once", f"{first.method} {first.target}")
    asked = {name: first.parameter(name) for name in ("EIO", "transport", "sid")}
    if asked != {"EIO": revision, "transport": transport, "sid": None}:
        expected = f"EIO={revision}, transport={transport} and no sid"
        raise Violation(expected, f"?{first.target.partition('?')[2]}")


def expect_sid_in_each_request(stage: Stage, session: Session) -> None:
    """Every request after the handshake names the session."""
    for request in stage.requests[1:]:
        if request.parameter("sid") != session.sid:
            raise Violation(f"sid={session.sid}", f"{request.method} {request.target}")


@requirement("CLI-HS-01")
async def test_begins_with_a_get_of_the_path(stage: Stage, app: App, transport: Transport) -> None:
    await opened(stage, app, transport)

    expect_handshake(stage, transport)


@requirement("CLI-HS-02")
async def test_names_its_session_in_each_request(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await expect_alive(session, app)

    expect_sid_in_each_request(stage, session)


@requirement("CLI-HS-03")
async def test_takes_an_open_packet_with_further_keys(stage: Stage, app: App, transport: Transport) -> None:
    more = '"new":{"a":[1]},"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000,"upgrades":[]'
    stage.does.open = f'0{{{more},"sid":"SID"}}'

    session = await connected(stage, app, transport)

    await expect_alive(session, app)


@requirement("CLI-HS-03")
async def test_takes_an_open_packet_without_max_payload(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = '0{"sid":"SID","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'

    session = await connected(stage, app, transport)

    await expect_alive(session, app)


@requirement("CLI-HS-04")
async def test_tells_of_an_open_packet_that_is_no_json(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = "0{not json"

    await expect_failure(app, transport)


@requirement("CLI-HS-04")
async def test_tells_of_an_open_packet_without_data(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = "0"

    await expect_failure(app, transport)


@requirement("CLI-HS-05")
async def test_tells_of_a_message_in_place_of_open(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = "4hello"

    await expect_failure(app, transport)


@requirement("CLI-HS-05")
async def test_tells_of_a_noop_in_place_of_open(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = "6"

    await expect_failure(app, transport)


@requirement("CLI-HS-06")
async def test_tells_of_each_refusal(stage: Stage, app: App, transport: Transport) -> None:
    for refusal in REFUSALS:
        stage.does.refuse = refusal
        await expect_failure(app, transport)


@requirement("CLI-HS-07")
async def test_tells_of_a_page_in_place_of_open(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.refuse = Answer(200, "<!doctype html><title>Welcome</title>", "text/html")

    await expect_failure(app, transport)


@requirement("CLI-HS-07")
async def test_tells_of_an_empty_answer(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.refuse = Answer(200, "")

    await expect_failure(app, transport)


@slow
@requirement("CLI-HS-08")
async def test_gives_up_a_handshake_without_an_answer(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.silent = True

    await expect_failure(app, transport)


async def expect_told_or_used(stage: Stage, app: App, transport: str, opened_by: str) -> None:
    """The application is told, or the session goes on. The client does not ask for session after session."""
    stage.does.open = opened_by
    await app.connect(transport, timeout=1000)
    saw = await stage.bell.until(
        lambda: bool(app.all("connect", *TOLD)) or len(stage.handshakes) > MANY, ANSWER_SECONDS
    )
    if len(stage.handshakes) > MANY:
        await stage.close()
        raise Violation("one handshake", f"{MANY} handshakes, one after the other")
    if not saw:
        raise Unresponsive("the application sees connect, or that it failed", "it sees nothing")
    if app.all("connect"):
        await expect_closed_or_alive(stage.sessions[-1], app)


@requirement("CLI-HS-09")
async def test_is_not_lost_without_a_sid(stage: Stage, app: App, transport: Transport) -> None:
    without = '0{"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'

    await expect_told_or_used(stage, app, transport, without)


@requirement("CLI-HS-09")
async def test_is_not_lost_without_a_ping_interval(stage: Stage, app: App, transport: Transport) -> None:
    without = '0{"sid":"SID","upgrades":[],"pingTimeout":20000,"maxPayload":1000000}'

    await expect_told_or_used(stage, app, transport, without)


@requirement("CLI-HS-09")
async def test_is_not_lost_where_a_time_is_a_text(stage: Stage, app: App, transport: Transport) -> None:
    wrong = '0{"sid":"SID","upgrades":[],"pingInterval":"soon","pingTimeout":20000,"maxPayload":1000000}'

    await expect_told_or_used(stage, app, transport, wrong)


@requirement("CLI-HS-10")
async def test_lives_with_a_ping_interval_of_0(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = opening(interval=0)
    session = await connected(stage, app, transport)

    await asyncio.sleep(1)

    busy = len(stage.requests) + len(session.said)
    if busy > MANY:
        raise Violation("a client that waits for what comes", f"{busy} requests and packets in 1 s")
    await expect_alive(session, app)


@requirement("CLI-HS-10")
async def test_lives_with_times_that_have_fractions(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = opening(interval=25_000.5, timeout=20_000.25)

    session = await connected(stage, app, transport)

    await expect_alive(session, app)


@requirement("CLI-HS-11")
async def test_follows_a_redirect_or_tells_of_it(stage: Stage, app: App, transport: Transport) -> None:
    stage.path = "/elsewhere/"

    def redirect(request: Request) -> Answer:
        query = request.target.partition("?")[2]
        return Answer(307, headers=(("Location", f"{stage.url}{stage.path}?{query}"),))

    stage.does.elsewhere = redirect
    await app.connect(transport, timeout=1000)

    if not await stage.bell.until(lambda: bool(app.all("connect", *TOLD)), 8):
        raise Violation("a session at the other path, or an application that is told", "neither within 8 s")
    if app.all("connect"):
        await expect_closed_or_alive(stage.sessions[-1], app)


@requirement("CLI-HS-12")
async def test_reads_what_follows_open(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open += "\x1e2"

    session = await connected(stage, app, transport)

    await expect_said(session, "3", what="a PONG for the PING that came with OPEN")


@slow
@requirement("CLI-HS-13")
async def test_retries_its_first_connect(stage: Stage, app: App, transport: Transport) -> None:
    await stage.close()
    await app.connect(transport, reconnectionDelayMax=400, **RETRYING)
    await app.until(*TOLD, seconds=0.8)

    await stage.listen()

    await expect_joined(await next_session(stage, app, transport), app)


@requirement("CLI-HS-14")
async def test_goes_on_with_the_next_transport(stage: Stage, app: App) -> None:
    stage.does.refuse = Answer(503, "no polling here")
    await app.connect(transports=["polling", "websocket"], tryAllTransports=True)
    if not await stage.bell.until(lambda: bool(stage.handshakes), ANSWER_SECONDS):
        raise Violation("a handshake", f"none within {ANSWER_SECONDS:.0f} s")

    stage.does.refuse = None

    await expect_joined(await next_session(stage, app, "websocket"), app)
