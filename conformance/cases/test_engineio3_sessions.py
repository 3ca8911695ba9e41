"""Engine.IO 3: the heartbeat, which the client sends, and the upgrade.

The runner gives these cases a `target` that opens sessions of revision 3.
"""

import time

from conformance.cases.test_engineio3 import NOOP, PONG, packets_of, pending_poll
from conformance.cases.test_heartbeat import needs_fast_pings
from conformance.cases.test_upgrade import probed
from conformance.client.session import Session, Transport
from conformance.expect import (
    connect_main_namespace,
    expect_alive,
    expect_equal,
    expect_event,
    expect_refused,
    expect_status,
    is_event,
)
from conformance.races import no_race
from conformance.requirements import requirement, slow
from conformance.target import Target
from conformance.verdicts import Inconclusive, NonStrict, Violation
from conformance.waiting import waiting
from sioprobe.wire import EnginePacketType


async def expect_pong(session: Session, data: str) -> None:
    """A pong with this data, before any other."""
    pongs = session.packets(EnginePacketType.PONG)
    await session.until(
        lambda: bool(session.closure or session.packets(EnginePacketType.PONG)), session.timing.answer
    )
    pongs = session.packets(EnginePacketType.PONG)
    if not pongs:
        raise Violation(f"`3{data}`", f"session closed ({session.closure})" if session.closure else "no pong")
    expect_equal(pongs[0].packet.data, data, what="data of the pong")


@requirement("EIO3-07")
async def test_eio3_answers_a_ping(target: Target, transport: Transport) -> None:
    """`2` is answered by `3`."""
    session = await target.open(transport, answer_pings=False)
    session.received.clear()  # the probe's pong among them, where there was one

    await session.send("2")

    await expect_pong(session, "")


@requirement("EIO3-23")
async def test_eio3_a_pong_carries_the_data_of_its_ping(target: Target, transport: Transport) -> None:
    """`2data` is answered by `3data`, as the probe is."""
    session = await target.open(transport, answer_pings=False)
    session.received.clear()

    await session.send("2data")

    await expect_pong(session, "data")


@slow
@requirement("EIO3-08")
async def test_eio3_closes_a_client_that_sends_nothing(target: Target, transport: Transport) -> None:
    """Since the handshake, or since the upgrade."""
    needs_fast_pings(target)

    session = await target.open(transport, answer_pings=False)

    since = time.monotonic() if transport == "upgraded" else session.started
    await expect_closed_for_silence(target, session, since)


@slow
@requirement("EIO3-08")
async def test_eio3_closes_a_client_that_falls_silent(target: Target, transport: Transport) -> None:
    """After one ping."""
    needs_fast_pings(target)
    session = await target.open(transport, answer_pings=False)

    since = time.monotonic()
    await session.send("2")

    await expect_closed_for_silence(target, session, since)


async def expect_closed_for_silence(target: Target, session: Session, since: float) -> None:
    """Not before pingInterval and pingTimeout have passed, and soon after them.

    It may be late by another pingTimeout: some servers look at their sessions only from time to time.
    """
    timing = target.timing
    limit = timing.heartbeat + timing.ping_timeout + timing.late
    async with waiting():
        ended = await session.until(lambda: session.closure is not None, limit)
    if not ended and session.transport == "polling":
        # The server may have forgotten the session without ending its poll.
        answer = await session.request("POST", body=b"1:2")
        ended = getattr(answer, "status", 0) >= 400
    after = (session.closure.at if session.closure else time.monotonic()) - since
    if not ended:
        raise Violation(f"session closed within {limit:.1f} s", "still open")
    if after < 0.8 * timing.heartbeat - timing.distance:
        raise Violation(f"session open for {timing.heartbeat:.1f} s", f"closed after {after:.2f} s")
    if after > timing.heartbeat + timing.late:
        raise NonStrict(f"session closed after {timing.heartbeat:.1f} s", f"closed after {after:.1f} s")


@slow
@requirement("EIO3-09")
async def test_eio3_the_server_sends_no_ping(target: Target, transport: Transport) -> None:
    """Not in two and a half intervals."""
    needs_fast_pings(target)
    session = await target.open(transport)

    async with waiting():
        await session.until(
            lambda: bool(session.closure or session.packets(EnginePacketType.PING)),
            2.5 * target.timing.ping_interval,
        )

    expect_equal(len(session.packets(EnginePacketType.PING)), 0, what="number of pings")
    await expect_alive(session)


@slow
@requirement("SIO4-05")
async def test_eio3_keeps_a_client_that_pings(target: Target, transport: Transport) -> None:
    """One and a half heartbeats later the session still answers."""
    needs_fast_pings(target)
    session = await target.open(transport)

    async with waiting():
        closed = await session.until(lambda: session.closure is not None, 1.5 * target.timing.heartbeat)

    if closed:
        raise Violation("session stays open", f"session closed ({session.closure})")
    await expect_alive(session)


@requirement("EIO3-12")
async def test_eio3_packets_of_the_upgrade_are_flushed(target: Target) -> None:
    """Thirty events are emitted between `2probe` and `5`: they follow in order, all, once."""
    session = await connect_main_namespace(target)
    websocket = await probed(session)
    await session.stop_polling()
    await session.emit("burst", 30, 1)

    await websocket.send("5")
    session.use(websocket)

    for number in range(30):
        await expect_event(session, "b", number, "x")
    await expect_alive(session)
    if any(is_event(packet, "b") for packet in session.inbox):
        raise Violation("each event once", "an event came twice")


@requirement("EIO3-15")
async def test_eio3_answers_the_probe(target: Target) -> None:
    """`2probe` gets `3probe`; after `5` the session is served over WebSocket."""
    session = await target.open("polling")

    try:
        await session.upgrade()
    except Inconclusive as error:
        raise Violation("the session upgrades", str(error)) from None

    await expect_alive(session)


@requirement("EIO3-15")
async def test_eio3_the_probe_ends_the_pending_poll(target: Target) -> None:
    """By `1:6`."""
    for _ in range(3):
        session, poll = await pending_poll(target)

        await probed(session)

        packets = packets_of(expect_status(await poll, 200))
        if packets != [PONG]:
            expect_equal(packets, [NOOP], what="packets")
            return
    raise no_race(target, "the probe met no pending poll in any of three tries")


@requirement("EIO3-19")
async def test_eio3_refuses_polls_after_the_upgrade(target: Target) -> None:
    """HTTP 400; the WebSocket goes on."""
    session = await connect_main_namespace(target, "upgraded")
    await expect_alive(session)  # by now the server has read the `5`

    expect_status(await session.request("GET"), 400)

    await expect_alive(session)


@requirement("EIO3-26")
async def test_eio3_refuses_pushes_after_the_upgrade(target: Target) -> None:
    """The same for a push."""
    session = await connect_main_namespace(target, "upgraded")
    await expect_alive(session)

    expect_status(await session.request("POST", body=b"1:2"), 400)

    await expect_alive(session)


@requirement("EIO3-20")
async def test_eio3_refuses_a_second_websocket_after_the_upgrade(target: Target) -> None:
    """Refused by HTTP 400 or closed at once; the first goes on."""
    session = await connect_main_namespace(target, "upgraded")
    await expect_alive(session)

    second = await session.open_probe()

    await expect_refused(target, second)
    await expect_alive(session)
