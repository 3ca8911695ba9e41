"""Packets that no server should send. A client closes, or goes on and stays able to hear; it never dies."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import (
    ANSWER_SECONDS,
    TOLD,
    connected,
    expect_alive,
    expect_closed_or_alive,
    expect_joined,
    expect_told,
    next_session,
)
from conformance.requirements import requirement
from conformance.stage.behaviour import SID, opening
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation

NO_ARRAY = ("42{}", "42[]")
BAD_JSON = ('42["news"', '42["news",NaN]', '42["news",1]x', "42" + "[" * 400 + "]" * 400)
ODD_TYPES = ("49", "4", "4x", "42[null]", "42[{}]", "42[true]", "42[7]")
ODD_BINARY = (
    '45["news"]',
    '45-["news",{"_placeholder":true,"num":0}]',
    '45x-["news"]',
    '46["news"]',
)
ODD_REST = ('41{"a":1}', "43[1]", "43{}", "4399999999999999999999[1]", '43"x"', '40{"sid":1}')
ODD_ENGINE = ("9", "x", "", "3", "5", "3probe")


SECOND_OPEN = ("0", '0{"sid":"other"}', opening().replace(SID, "other"))


async def provoke(stage: Stage, app: App, transport: str, *packets: str | bytes) -> Session:
    """Send packets to a session of their own. Returns it, closed or alive."""
    if stage.taken:  # a browser and OkHttp have five or six connections to a host, and a poll holds one
        await app.do("disconnect", namespace="/")
    session = await connected(stage, app, transport)
    app.seen.clear()
    await session.send(*packets)
    await expect_closed_or_alive(session, app)
    return session


async def expect_closing(stage: Stage, app: App, transport: str, packet: str) -> None:
    """A session of its own closes on this packet."""
    session = await connected(stage, app, transport)
    app.seen.clear()
    await session.send(packet)
    if not await session.until(lambda: session.over is not None or bool(app.all(*TOLD))):
        raise Violation(f"the session closes on {packet!r}", f"it is open after {ANSWER_SECONDS:.0f} s")


@requirement("CLI-MF-01")
async def test_closes_on_an_event_that_is_no_array(stage: Stage, app: App, transport: Transport) -> None:
    for packet in NO_ARRAY:
        await expect_closing(stage, app, transport, packet)


@requirement("CLI-MF-01")
async def test_closes_on_an_event_without_data(stage: Stage, app: App, transport: Transport) -> None:
    await expect_closing(stage, app, transport, "42")


@requirement("CLI-MF-02")
async def test_survives_an_event_without_data(stage: Stage, app: App, transport: Transport) -> None:
    await provoke(stage, app, transport, "42")


@requirement("CLI-MF-02")
async def test_survives_an_event_that_is_no_array(stage: Stage, app: App, transport: Transport) -> None:
    for packet in NO_ARRAY:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-03")
async def test_survives_bad_json(stage: Stage, app: App, transport: Transport) -> None:
    for packet in BAD_JSON:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-04")
async def test_survives_odd_types_and_names(stage: Stage, app: App, transport: Transport) -> None:
    for packet in ODD_TYPES:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-05")
async def test_survives_odd_binary_headers(stage: Stage, app: App, transport: Transport) -> None:
    for packet in ODD_BINARY:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-05")
async def test_survives_an_attachment_without_a_place(stage: Stage, app: App, transport: Transport) -> None:
    await provoke(stage, app, transport, '451-["news"]', b"\x01")


@requirement("CLI-MF-05")
async def test_survives_odd_placeholders(stage: Stage, app: App, transport: Transport) -> None:
    for number in ("5", "-1", '"splice"', "null", "1.5"):
        header = f'451-["news",{{"_placeholder":true,"num":{number}}}]'
        await provoke(stage, app, transport, header, b"\x01")


@requirement("CLI-MF-06")
async def test_survives_text_in_place_of_an_attachment(stage: Stage, app: App, transport: Transport) -> None:
    await provoke(stage, app, transport, '451-["news",{"_placeholder":true,"num":0}]', '42["news",1]')


@requirement("CLI-MF-06")
async def test_survives_an_attachment_without_a_header(stage: Stage, app: App, transport: Transport) -> None:
    await provoke(stage, app, transport, b"\x01\x02")


@requirement("CLI-MF-07")
async def test_survives_odd_acks_and_disconnects(stage: Stage, app: App, transport: Transport) -> None:
    for packet in ODD_REST:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-08")
async def test_survives_odd_engine_packets(stage: Stage, app: App, transport: Transport) -> None:
    for packet in ODD_ENGINE:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-08")
async def test_survives_a_second_open_packet(stage: Stage, app: App, transport: Transport) -> None:
    for packet in SECOND_OPEN:
        await provoke(stage, app, transport, packet)


@requirement("CLI-MF-09")
async def test_is_not_deaf_after_zero_attachments(stage: Stage, app: App, transport: Transport) -> None:
    session = await provoke(stage, app, transport, '450-["news","none"]')

    if session.over is None and not app.all(*TOLD):
        await expect_alive(session, app)


@requirement("CLI-MF-10")
async def test_comes_back_after_what_it_refuses(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, reconnection=True, reconnectionDelay=100)

    await session.send(BAD_JSON[0])

    await expect_told(app, "disconnect", seconds=2)
    session = await next_session(stage, app, transport)
    await expect_joined(session, app)
    await expect_alive(session, app)
