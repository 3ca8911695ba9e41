"""Socket.IO 4 (clients 1.x and 2.x): the server connects `/` by itself, and refuses by ERROR."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import describe, shown
from conformance.client_cases.test_client_acks import ask, expect_acked
from conformance.client_cases.test_client_malformed import provoke
from conformance.client_cases.test_client_reconnection import RETRYING, cut
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_joined,
    expect_nothing_said,
    expect_packet,
    expect_told,
    next_session,
    opened,
)
from conformance.expect import same
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

CONNECT = SocketPacketType.CONNECT
NAMESPACE = "/custom"
PAYLOADS = ("Not authorized", {"message": "no", "data": {"code": 1}})
ODD_ERRORS = ("44", "44null", '44["no"]', "443.5", "44true", "44{}")
QUERY = {"token": "a b&c=é", "uid": "1"}


async def asking(stage: Stage, app: App, transport: Transport) -> Session:
    """A session in which the client has asked for its namespace, after `/` was connected."""
    stage.does.join = False
    session = await opened(stage, app, transport, NAMESPACE)
    session.join()
    await expect_packet(session, CONNECT)
    return session


async def expect_no_connect(app: App, when: str) -> None:
    """The application does not see `connect` for a while."""
    await asyncio.sleep(QUIET_SECONDS)
    if app.all("connect"):
        raise Violation(f"no connect {when}", str(app.all("connect")[0]))


@requirement("CLI3-14")
async def test_waits_for_the_connect_of_the_server(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.join = False
    session = await opened(stage, app, transport)

    await expect_no_connect(app, "before CONNECT of the server")
    await expect_nothing_said(session, CONNECT, what="no CONNECT for /")
    session.join()

    await expect_joined(session, app)


@requirement("CLI3-15")
async def test_asks_once_for_another_namespace(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE)

    await expect_alive(session, app, NAMESPACE)

    asked = [packet for packet in session.packets if packet.type is CONNECT]
    if [(packet.namespace, packet.data) for packet in asked] != [(NAMESPACE, None)]:
        raise Violation(f"one CONNECT in {NAMESPACE}, without data", "; ".join(map(describe, asked)))


@requirement("CLI3-15")
async def test_waits_for_the_answer_of_its_namespace(stage: Stage, app: App, transport: Transport) -> None:
    session = await asking(stage, app, transport)

    await expect_no_connect(app, f"in {NAMESPACE} when / is connected")
    session.join(NAMESPACE)

    await expect_joined(session, app, NAMESPACE)


@requirement("CLI3-16")
async def test_puts_its_query_behind_the_namespace(stage: Stage, app: App, transport: Transport) -> None:
    session = await opened(stage, app, transport, NAMESPACE, query=QUERY)

    packet = await expect_packet(session, CONNECT)

    name, _, query = packet.namespace.partition("?")
    if name != NAMESPACE or dict(parse_qsl(query)) != QUERY:
        raise Violation(f"CONNECT in {NAMESPACE}?token=a%20b%26c%3D%C3%A9&uid=1", describe(packet))


async def refuse(stage: Stage, app: App, transport: Transport, namespace: str, payload: Any) -> None:
    """Refuse a namespace. The application is told, with the payload."""
    if namespace == "/":
        stage.does.join = False
        session, where = await opened(stage, app, transport), ""
    else:
        session, where = await asking(stage, app, transport), f"{namespace},"

    await session.send(f"44{where}{json.dumps(payload)}")

    seen = await expect_told(app, "connect_error")
    told = {key: seen.fields.get(key) for key in ("message", "data")} if seen else {}
    if not any(same(one, payload) for one in (told, *told.values())):
        raise Violation(f"the application sees {shown(payload)}", str(seen))


@requirement("CLI3-17")
async def test_tells_why_the_main_namespace_refuses(stage: Stage, app: App, transport: Transport) -> None:
    for payload in PAYLOADS:
        await refuse(stage, app, transport, "/", payload)


@requirement("CLI3-17")
async def test_tells_why_another_namespace_refuses(stage: Stage, app: App, transport: Transport) -> None:
    for payload in PAYLOADS:
        await refuse(stage, app, transport, NAMESPACE, payload)


@requirement("CLI3-18")
async def test_survives_odd_errors(stage: Stage, app: App, transport: Transport) -> None:
    for packet in ODD_ERRORS:
        await provoke(stage, app, transport, packet)


@requirement("CLI3-19")
async def test_has_the_id_of_its_session(stage: Stage, app: App, transport: Transport) -> None:
    for namespace in ("/", NAMESPACE):
        session = await opened(stage, app, transport, namespace)
        seen = await expect_joined(session, app, namespace)
        wanted = session.sid if namespace == "/" else f"{namespace}#{session.sid}"
        if seen is not None and seen.fields.get("id") != wanted:
            raise Violation(f"the id {wanted}", f"the id {seen.fields.get('id')}")


@requirement("CLI3-20")
async def test_takes_an_ack_without_payload(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    asked = await ask(session, app, "asked")

    await session.send(f"43{asked.ack_id}")

    await expect_acked(app, "asked")


@requirement("CLI3-21")
async def test_is_connected_without_a_comma(stage: Stage, app: App, transport: Transport) -> None:
    session = await asking(stage, app, transport)

    session.joined.append(NAMESPACE)
    await session.send(f"40{NAMESPACE}")

    await expect_joined(session, app, NAMESPACE)


@requirement("CLI3-21")
async def test_is_sent_away_without_a_comma(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE)

    await session.send(f"41{NAMESPACE}")

    await expect_told(app, "disconnect")


@requirement("CLI3-22")
async def test_joins_its_namespace_again(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, NAMESPACE, **RETRYING)

    await cut(session)

    session = await next_session(stage, app, transport)
    await expect_packet(session, CONNECT, what=f"CONNECT in {NAMESPACE}")
    await expect_joined(session, app, NAMESPACE)
