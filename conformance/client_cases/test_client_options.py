"""Options of a client: where its requests go, and what they carry."""

from __future__ import annotations

from typing import Any

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import (
    ANSWER_SECONDS,
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_event,
    expect_joined,
    next_session,
)
from conformance.requirements import requirement
from conformance.stage.requests import Request
from conformance.stage.stage import LOOPBACK, Stage
from conformance.verdicts import NotApplicable, Violation

QUERY = {"token": "a b&c=d/?#+%41", "größe": "10 €", "empty": ""}
HEADERS = {"X-First": "one, two", "authorization": "Bearer a.b-c"}


async def talk(stage: Stage, app: App, transport: Transport, **options: Any) -> list[Request]:
    """The requests of a session in which both sides speak."""
    session = await connected(stage, app, transport, **options)
    await app.emit("from app", 1)
    await expect_alive(session, app)
    return stage.requests


@requirement("CLI-OP-01")
async def test_asks_at_its_path(stage: Stage, app: App, transport: Transport) -> None:
    stage.path = "/my/app/"

    for request in await talk(stage, app, transport, path="/my/app/"):
        if request.path != "/my/app/":
            raise Violation("requests of /my/app/", f"{request.method} {request.target}")


@requirement("CLI-OP-09")
async def test_adds_a_slash_to_its_path(stage: Stage, app: App, transport: Transport) -> None:
    stage.path = "/my/app/"

    await talk(stage, app, transport, path="/my/app")


@requirement("CLI-OP-10")
async def test_adds_no_slash_where_it_may_not(stage: Stage, app: App, transport: Transport) -> None:
    stage.path = "/my/app"

    await talk(stage, app, transport, path="/my/app", addTrailingSlash=False)


@requirement("CLI-OP-02")
async def test_sends_its_query_in_each_request(stage: Stage, app: App, transport: Transport) -> None:
    requests = await talk(stage, app, transport, query=QUERY)

    for number, request in enumerate(requests):
        asked = [(name, value) for name, value in request.query if name in QUERY]
        if sorted(asked) != sorted(QUERY.items()):
            raise Violation(f"the parameters {QUERY}, once each", f"{request.method} {request.target}")
        own = {name for name, _ in request.query if name in ("EIO", "transport", "sid")}
        eio = str(stage.revision.number)
        if request.parameter("EIO") != eio or len(own) != (3 if number else 2):
            raise Violation("EIO, transport and sid beside them", f"{request.method} {request.target}")


def expect_headers(requests: list[Request]) -> None:
    """Each of them has the headers of the application."""
    for request in requests:
        for name, value in HEADERS.items():
            if request.header(name.lower()) != value:
                raise Violation(f"{name}: {value}", f"{request.method} {request.target} without it")


@requirement("CLI-OP-03")
async def test_sends_its_headers_over_polling(stage: Stage, app: App, transport: Transport) -> None:
    expect_headers(await talk(stage, app, transport, extraHeaders=HEADERS))


@requirement("CLI-OP-11")
async def test_sends_its_headers_over_websocket(stage: Stage, app: App, transport: Transport) -> None:
    requests = await talk(stage, app, transport, extraHeaders=HEADERS)

    expect_headers([request for request in requests if request.is_websocket])


@requirement("CLI-OP-04")
async def test_sends_cookies_back(stage: Stage, app: App, transport: Transport) -> None:
    if stage.host == LOOPBACK:
        stage.host = "localhost"  # some clients take no cookies from an address
    stage.does.open_headers = (("Set-Cookie", "node=a-1; Path=/; HttpOnly"),)

    for request in (await talk(stage, app, transport, withCredentials=True))[1:]:
        cookies = (request.header("cookie") or "").split("; ")
        if cookies != ["node=a-1"]:
            raise Violation("Cookie: node=a-1", f"{request.method} {request.target} with {cookies}")


@requirement("CLI-PL-18")
async def test_sends_cookies_back_by_itself(stage: Stage, app: App, transport: Transport) -> None:
    stage.host = "localhost"
    stage.does.open_headers = (("Set-Cookie", "node=a-1; Path=/; HttpOnly"),)

    session = await connected(stage, app, transport)

    if without := [one for one in session.requests[1:] if one.header("cookie") != "node=a-1"]:
        raise Violation("Cookie: node=a-1 in each request", f"{without[0].method} without it")


@requirement("CLI-OP-05")
async def test_sends_binary_as_base64(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", forceBase64=True)
    if session.requests[0].parameter("b64") != "1":
        raise Violation("b64=1 in the handshake", session.requests[0].target)

    await app.emit("from app", b"\x01\x02\x03")

    said = await session.take(lambda one: one.raw in (b"\x01\x02\x03", "bAQID"), ANSWER_SECONDS)
    if said is None or isinstance(said.raw, bytes):
        raise Violation("bAQID", "nothing of the kind" if said is None else "a binary message")


@requirement("CLI-OP-05")
async def test_reads_binary_that_comes_as_base64(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", forceBase64=True)

    await session.send('451-["news",{"_placeholder":true,"num":0}]', "bAQID")

    await expect_event(app, "news", b"\x01\x02\x03")


@requirement("CLI-OP-06")
async def test_marks_each_request(stage: Stage, app: App, transport: Transport) -> None:
    requests = await talk(stage, app, transport, timestampRequests=True)

    marks = [request.parameter("t") for request in requests]
    if not all(marks) or len(set(marks)) < len(marks):
        raise Violation("a t in each request, none twice", f"t is {', '.join(map(str, marks))}")


@requirement("CLI-OP-06")
async def test_leaves_its_marks_out(stage: Stage, app: App, transport: Transport) -> None:
    for request in await talk(stage, app, transport, timestampRequests=False):
        if request.parameter("t") is not None:
            raise Violation("requests without t", f"{request.method} {request.target}")


@requirement("CLI-OP-12")
async def test_offers_its_protocols(stage: Stage, app: App) -> None:
    stage.does.websocket = {"Sec-WebSocket-Protocol": "two"}

    first, *_ = await talk(stage, app, "websocket", protocols=["one", "two"])

    offered = [name.strip() for name in (first.header("sec-websocket-protocol") or "").split(",")]
    if offered != ["one", "two"]:
        raise Violation("Sec-WebSocket-Protocol: one, two", ", ".join(offered) or "no such header")


@requirement("CLI-OP-07")
async def test_waits_until_it_is_told_to_connect(stage: Stage, app: App, transport: Transport) -> None:
    await app.connect(transport, autoConnect=False)
    if await stage.bell.until(lambda: stage.connections > 0, QUIET_SECONDS):
        raise Violation("no connection before the application connects", "one was opened")

    await app.do("open", namespace="/")

    await expect_joined(await next_session(stage, app, transport), app)


@requirement("CLI-OP-08")
async def test_connects_to_a_url_of_ws(stage: Stage, app: App, transport: Transport) -> None:
    stage.scheme = "ws"

    session = await connected(stage, app, transport)

    await expect_alive(session, app)


@requirement("CLI-OP-13")
async def test_connects_to_an_ipv6_address(stage: Stage, app: App, transport: Transport) -> None:
    try:
        await stage.move_to_ipv6()
    except OSError:
        raise NotApplicable("this machine has no IPv6") from None

    session = await connected(stage, app, transport)

    await expect_alive(session, app)
    for request in stage.requests:
        if request.header("host") != f"[::1]:{stage.port}":
            raise Violation(f"Host: [::1]:{stage.port}", f"Host: {request.header('host')}")
