"""Events in both directions: their values and their order."""

from __future__ import annotations

import json

from conformance.agent.app import App, Seen
from conformance.client.session import Transport
from conformance.client.transcript import describe, shown
from conformance.client_cases.values import VALUES
from conformance.client_expect import (
    ANSWER_SECONDS,
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_closed_or_alive,
    expect_event,
    expect_packet,
)
from conformance.expect import same
from conformance.requirements import requirement
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacketType

EVENT = SocketPacketType.EVENT
LARGE = 900_000
MANY = 300
RESERVED = ("connect", "connect_error", "disconnect", "disconnecting")


@requirement("CLI-EV-01")
async def test_delivers_each_value_unchanged(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for value in VALUES:
        await session.send(f'42["news",{json.dumps(value, ensure_ascii=False)}]')
        await expect_event(app, "news", value)


@requirement("CLI-EV-01")
async def test_delivers_all_arguments_together(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send("42" + json.dumps(["news", *VALUES]))

    await expect_event(app, "news", *VALUES)


@requirement("CLI-EV-02")
async def test_delivers_in_order(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    texts = ["" if number % 10 else "x" * 5000 for number in range(MANY)]
    for first in range(0, MANY, 10):  # CLI-PL-02 has more packets in one payload
        together = range(first, first + 10)
        await session.send(*(f'42["news",{number},"{texts[number]}"]' for number in together))

    for number in range(MANY):
        await expect_event(app, "news", number, texts[number])


@requirement("CLI-EV-03")
async def test_delivers_a_large_event(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send(f'42["news","{"é" * (LARGE // 2)}"]')

    [text] = await expect_event(app, "news")
    if text != "é" * (LARGE // 2):
        raise Violation(f"{LARGE // 2} times é", f"{shown(text[:40])}..., {len(text)} characters")


@requirement("CLI-EV-06")
async def test_ignores_an_event_that_nobody_listens_to(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["nobody listens",1]', '42["",1]', '42["x"]')

    await expect_alive(session, app)


@requirement("CLI-EV-06")
async def test_takes_any_number_of_arguments(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for number in range(21):
        await session.send("42" + json.dumps(["news", *range(number)]))
        got = await expect_event(app, "news")
        if got != list(range(number)):
            raise Violation(f"{number} arguments", shown(got))


@requirement("CLI-EV-10")
async def test_sends_each_value_unchanged(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for value in VALUES:
        await app.emit("from app", value)
        packet = await expect_packet(session, EVENT)
        if not same(packet.data, ["from app", value]):
            raise Violation(shown(["from app", value]), shown(packet.data))


@requirement("CLI-EV-11")
async def test_sends_in_order(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for number in range(MANY):
        await app.emit("from app", number)

    for number in range(MANY):
        packet = await expect_packet(session, EVENT)
        if packet.data != ["from app", number]:
            raise Violation(f"event {number}", shown(packet.data))


@requirement("CLI-EV-04")
async def test_does_not_take_an_event_for_its_own(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["connect","forged"]', '42["disconnect","forged"]', '42["connect_error","forged"]')

    def forged() -> list[Seen]:
        seen = [seen for seen in app.seen if "forged" in map(str, seen.fields.values())]
        return seen or app.all("connect")[1:]

    if seen := await stage.bell.until(lambda: forged() or None, QUIET_SECONDS):
        raise Violation("no handler for connect or disconnect runs", f"the application sees {seen[0]}")
    await expect_closed_or_alive(session, app)


@requirement("CLI-EV-08")
async def test_survives_a_handler_that_throws(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["throw",1]')
    await expect_event(app, "throw", 1)

    await expect_alive(session, app)


@requirement("CLI-EV-05")
async def test_refuses_to_emit_a_reserved_name(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for name in RESERVED:
        await app.emit(name, 1)
    await app.emit("end", 1)

    packet = await expect_packet(session, EVENT)
    if packet.data != ["end", 1]:
        raise Violation("no event with a reserved name", describe(packet))
    if not await stage.bell.until(lambda: len(app.all("threw")) == len(RESERVED), ANSWER_SECONDS):
        raise Violation("each call throws", f"{len(app.all('threw'))} of {len(RESERVED)} do")


@requirement("CLI-EV-07")
async def test_survives_half_a_character(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["news","\\ud800"]')

    await expect_closed_or_alive(session, app)
