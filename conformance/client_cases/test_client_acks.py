"""Acknowledgements in both directions."""

from __future__ import annotations

from typing import Any

from conformance.agent.app import App, Seen
from conformance.client.session import Transport
from conformance.client.transcript import describe, shown
from conformance.client_expect import (
    connected,
    expect_alive,
    expect_closed_or_alive,
    expect_event,
    expect_joined,
    expect_packet,
    next_session,
)
from conformance.expect import same
from conformance.requirements import requirement
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import Violation
from sioprobe.wire import SocketPacket, SocketPacketType

EVENT, ACK = SocketPacketType.EVENT, SocketPacketType.ACK


async def expect_ack(session: Session, ack_id: int, *args: Any) -> None:
    """The next ACK has this id and these arguments."""
    packet = await expect_packet(session, ACK)
    if packet.ack_id != ack_id or packet.namespace != "/" or not same(packet.data, list(args)):
        raise Violation(f"ACK {shown(list(args))}, ack id {ack_id}", describe(packet))


async def ask(session: Session, app: App, ack: str, *args: Any, **more: Any) -> SocketPacket:
    """Let the application ask. Returns the event, which has an id."""
    await app.emit("question", *args, ack=ack, **more)
    packet = await expect_packet(session, EVENT, what="an event with an ack id")
    if packet.ack_id is None:
        raise Violation("an event with an ack id", describe(packet))
    return packet


async def expect_acked(app: App, ack: str, *args: Any) -> Seen:
    """The callback of this question is called with these arguments."""
    seen = await app.until("acked", where=lambda one: one.fields.get("ack") == ack)
    if seen is None:
        raise Violation(f"the callback of {ack!r} is called", "it is not within 5 s")
    if not same(seen.fields.get("args"), list(args)):
        raise Violation(f"the callback of {ack!r} gets {shown(list(args))}", shown(seen.fields.get("args")))
    return seen


@requirement("CLI-AK-01")
async def test_answers_with_the_same_id(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for ack_id in (0, 1, 13, 70_000, 2):
        await session.send(f'42{ack_id}["news",{ack_id},"é",{{"a":[null]}}]')
        await expect_ack(session, ack_id, ack_id, "é", {"a": [None]})  # and no second one of the last id


@requirement("CLI-AK-01")
async def test_answers_nothing_that_has_no_id(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["news",1]')

    await expect_event(app, "news", 1)
    await session.send('4213["news",2]')
    await expect_ack(session, 13, 2)  # is the first one


@requirement("CLI-AK-02")
async def test_answers_without_arguments(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('4213["news"]')

    await expect_ack(session, 13)


@requirement("CLI-AK-03")
async def test_keeps_questions_apart(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    first, second = await ask(session, app, "first", 1), await ask(session, app, "second", 2)
    if first.ack_id == second.ack_id:
        raise Violation("another ack id for each open question", f"both have {first.ack_id}")

    await session.send(f'43{second.ack_id}["to the second",[2]]')
    await session.send(f'43{first.ack_id}["to the first",{{"a":1}}]')

    await expect_acked(app, "second", "to the second", [2])
    await expect_acked(app, "first", "to the first", {"a": 1})


@requirement("CLI-AK-04")
async def test_calls_back_once(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    asked = await ask(session, app, "once")

    await session.send(f"43{asked.ack_id}[1]", f"43{asked.ack_id}[2]", "43999[3]")

    await expect_acked(app, "once", 1)
    await expect_alive(session, app)
    if len(app.all("acked")) != 1:
        raise Violation("one call of the callback", f"{len(app.all('acked'))} calls")


@requirement("CLI-AK-05")
async def test_survives_an_ack_without_data(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    asked = await ask(session, app, "asked")

    await session.send(f"43{asked.ack_id}")

    await expect_closed_or_alive(session, app)


@requirement("CLI-AK-05")
async def test_survives_an_ack_that_is_no_array(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    asked = await ask(session, app, "asked")

    await session.send(f'43{asked.ack_id}{{"a":1}}')

    await expect_closed_or_alive(session, app)


@requirement("CLI-AK-06")
async def test_answers_an_id_beyond_32_bits(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('424294967296["news",1]')

    await expect_ack(session, 4_294_967_296, 1)


@requirement("CLI-AK-07")
async def test_gives_up_an_answer_that_does_not_come(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    asked = await ask(session, app, "late", timeout=300)

    seen = await app.until("acked")
    await session.send(f"43{asked.ack_id}[1]")
    await expect_alive(session, app)

    if seen is None or not seen.fields.get("error") or len(app.all("acked")) != 1:
        raise Violation(
            "one call of the callback, with an error", "; ".join(map(str, app.all("acked"))) or "none"
        )


@requirement("CLI-AK-08")
async def test_gives_up_an_answer_when_the_session_ends(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    await ask(session, app, "open", timeout=60_000)

    session.open_socket().end()

    seen = await app.until("acked")
    if seen is None or not seen.fields.get("error"):
        raise Violation("the callback is called with an error", str(seen) if seen else "it is not within 5 s")


@requirement("CLI-AK-09")
async def test_answers_once_if_the_application_does_twice(
    stage: Stage, app: App, transport: Transport
) -> None:
    session = await connected(stage, app, transport)

    await session.send('425["twice",1]')

    await expect_ack(session, 5, 1)
    await session.send('426["news",2]')
    await expect_ack(session, 6, 2)  # is the second one


@requirement("CLI-AK-10")
async def test_does_not_answer_into_another_session(stage: Stage, app: App, transport: Transport) -> None:
    first = await connected(stage, app, transport, reconnection=True, reconnectionDelay=100)
    await first.send('425["late",1]')
    await expect_event(app, "late", 1)
    first.open_socket().end()
    second = await next_session(stage, app, transport)
    await expect_joined(second, app)

    await app.do("ack")
    await app.emit("after the ack")

    packet = await expect_packet(second, EVENT, ACK)
    if packet.type is ACK:
        raise Violation("no ACK for an event of the session before", describe(packet))
