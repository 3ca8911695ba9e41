"""Two namespaces over one session, and names of any kind."""

from __future__ import annotations

from typing import Any

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import (
    ANSWER_SECONDS,
    connected,
    expect_alive,
    expect_asked,
    expect_event,
    expect_joined,
    expect_packet,
    next_session,
)
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT, EVENT = SocketPacketType.CONNECT, SocketPacketType.EVENT
SHARED: dict[str, Any] = {"forceNew": False}


async def both(stage: Stage, app: App, transport: str, **options: Any) -> Session:
    """A session with / and /side. `options` are those of /side."""
    session = await connected(stage, app, transport, **SHARED)
    await app.connect(transport, "/side", **SHARED, **options)
    await stage.bell.until(lambda: any("/side" in one.joined for one in stage.sessions), ANSWER_SECONDS)
    if "/side" not in session.joined:
        raise Violation("CONNECT to /side in the session of /", f"{len(stage.sessions)} sessions")
    await expect_joined(session, app, "/side")
    return session


@requirement("CLI-NS-02")
async def test_shares_a_session(stage: Stage, app: App, transport: Transport) -> None:
    session = await both(stage, app, transport, auth={"token": "side"})

    asked = [(packet.namespace, packet.data) for packet in session.packets if packet.type is CONNECT]
    if asked[1] != ("/side", {"token": "side"}):
        raise Violation("CONNECT to /side with its auth", repr(asked[1]))
    await session.send('42/side,["news","for side"]', '42["news","for main"]')
    await expect_event(app, "news", "for side", namespace="/side")
    await expect_event(app, "news", "for main")
    await app.emit("from side", 1, namespace="/side")
    packet = await expect_packet(session, EVENT)
    if packet.namespace != "/side":
        raise Violation("an event of /side", f"one of {packet.namespace}")
    if len(stage.sessions) > 1:
        raise Violation("one session for both", f"{len(stage.sessions)} sessions")


@requirement("CLI-NS-03")
async def test_keeps_one_namespace_when_another_ends(stage: Stage, app: App) -> None:
    session = await both(stage, app, "websocket")

    await session.send("41/side,")

    seen = await app.until("disconnect")
    if seen is None or seen.fields.get("namespace") != "/side":
        raise Violation("the application sees disconnect of /side", str(seen))
    await expect_alive(session, app)


@requirement("CLI-NS-04")
async def test_keeps_one_namespace_when_another_is_refused(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", **SHARED)
    await expect_asked(session)
    stage.does.join = False
    await app.connect("websocket", "/side", **SHARED)
    await expect_packet(session, CONNECT, what="CONNECT to /side")

    await session.send('44/side,{"message":"no"}')

    seen = await app.until("connect_error")
    if seen is None or seen.fields.get("namespace") != "/side":
        raise Violation("the application sees connect_error of /side", str(seen))
    await expect_alive(session, app)


@requirement("CLI-NS-05")
async def test_keeps_the_acks_of_namespaces_apart(stage: Stage, app: App) -> None:
    session = await both(stage, app, "websocket")
    await app.emit("ask", 1, ack="main")
    first = await expect_packet(session, EVENT)
    await app.emit("ask", 2, ack="side", namespace="/side")
    second = await expect_packet(session, EVENT)

    await session.send(f'43/side,{second.ack_id}["of side"]', f'43{first.ack_id}["of main"]')

    got = {}
    for _ in range(2):
        seen = await app.until("acked")
        if seen is not None:
            got[seen.fields["ack"]] = seen.fields["args"]
    if got != {"side": ["of side"], "main": ["of main"]} or len(app.all("acked")) != 2:
        raise Violation("each question gets the answer of its namespace", repr(got))


@requirement("CLI-NS-06")
async def test_opens_a_session_of_its_own(stage: Stage, app: App) -> None:
    session = await connected(stage, app, "websocket", **SHARED)

    await app.connect("websocket", "/side", forceNew=True)

    other = await next_session(stage, app, "websocket")
    await expect_joined(other, app, "/side")
    if "/side" in session.joined:
        raise Violation("/side in a session of its own", "in the session of / as well")


@requirement("CLI-NS-07")
async def test_has_namespaces_of_any_name(stage: Stage, app: App) -> None:
    name = "/a-b_c.d/é日"
    session = await connected(stage, app, "websocket", name)

    await session.send(f'42{name},["news","in"]')
    await expect_event(app, "news", "in", namespace=name)
    await app.emit("out", 1, namespace=name)

    packet = await expect_packet(session, EVENT)
    if packet.namespace != name:
        raise Violation(f"an event of {name}", f"one of {packet.namespace}")
