"""The first request of a client, and what it does when the answer is wrong."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import connected, expect_alive, expect_said, expect_told, opened
from conformance.requirements import requirement, slow
from conformance.stage.requests import Answer
from conformance.stage.stage import Stage
from conformance.verdicts import Violation

REFUSALS = [
    Answer(400, '{"code":5,"message":"Unsupported protocol version"}', "application/json"),
    Answer(401, "who are you?"),
    Answer(403, "", None),
    Answer(404, "<html>not here</html>", "text/html"),
    Answer(500, "", None),
    Answer(503, '{"error":"busy"}', "application/json"),
]


async def expect_failure(app: App, transport: str) -> None:
    """The attempt to connect fails, and the application is told."""
    await app.connect(transport, timeout=500)
    await expect_told(app, seconds=8)


@requirement("CLI-HS-01")
async def test_begins_with_a_get_of_the_path(stage: Stage, app: App, transport: Transport) -> None:
    await opened(stage, app, transport)

    first = stage.requests[0]
    names = [name for name, _ in first.query]
    if first.method != "GET" or first.path != "/socket.io/" or len(names) != len(set(names)):
        raise Violation("GET /socket.io/ with each parameter once", f"{first.method} {first.target}")
    asked = {name: first.parameter(name) for name in ("EIO", "transport", "sid")}
    if asked != {"EIO": "4", "transport": transport, "sid": None}:
        raise Violation(f"EIO=4, transport={transport} and no sid", f"?{first.target.partition('?')[2]}")


@requirement("CLI-HS-02")
async def test_names_its_session_in_each_request(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await expect_alive(session, app)

    for request in stage.requests[1:]:
        if request.parameter("sid") != session.sid:
            raise Violation(f"sid={session.sid}", f"{request.method} {request.target}")


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


@requirement("CLI-HS-12")
async def test_reads_what_follows_open(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open += "\x1e2"

    session = await connected(stage, app, transport)

    await expect_said(session, "3", what="a PONG for the PING that came with OPEN")
