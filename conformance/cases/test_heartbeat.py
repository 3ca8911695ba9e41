"""Heartbeat: the server's pings, the client's pongs, and what happens without them.

Who waits for pings joins `/` first: a server may close a session that joins no namespace (SIO-CN-05).
"""

import asyncio
import time
from itertools import pairwise
from statistics import median

from conformance.client.http import Answer
from conformance.client.session import Session, Transport
from conformance.expect import (
    connect,
    connect_by_hand,
    connect_main_namespace,
    expect_alive,
    expect_closed,
    expect_equal,
    expect_ping,
)
from conformance.races import no_race, poll_for_a_ping
from conformance.requirements import requirement, slow
from conformance.target import Target
from conformance.verdicts import NonStrict, NotApplicable, Violation
from conformance.waiting import waiting
from sioprobe.wire import EnginePacketType

# What a busy machine may add to any interval, in seconds.
JITTER = 1.0


def needs_fast_pings(target: Target) -> None:
    if not target.timing.is_fast:
        raise NotApplicable("takes a server whose heartbeat is below 10 s")


@slow
@requirement("EIO-HB-01")
async def test_pings_every_interval(target: Target, transport: Transport) -> None:
    """Three pings, or more in eight seconds: the median interval is right, and no ping comes early.

    A busy machine may delay a ping. That makes the next interval short, but no ping early.
    """
    needs_fast_pings(target)
    interval = target.timing.ping_interval
    session = await connect_main_namespace(target, transport)

    times = [session.started]
    pings = max(3, min(6, int(8 / interval)))
    for number in range(1, pings + 1):
        times.append(await expect_ping(session, number, 2.5 * interval + JITTER))

    intervals = [after - before for before, after in pairwise(times)]
    early = any(times[number] - times[0] < 0.7 * number * interval for number in range(2, pings + 1))
    # Some servers count from the pong, which has its way too.
    way = 2 * target.timing.distance
    late = min(intervals) > 1.5 * interval + way or median(intervals) > 1.8 * interval + way
    if early or late or median(intervals) < 0.7 * interval:
        found = ", ".join(f"{seconds:.2f} s" for seconds in intervals)
        raise Violation(f"a ping every {interval:.1f} s", f"pings after {found}")


@slow
@requirement("EIO-HB-01")
async def test_pings_carry_no_data(target: Target, transport: Transport) -> None:
    """The whole packet is `2`."""
    needs_fast_pings(target)
    session = await connect_main_namespace(target, transport)

    await expect_ping(session, 1, target.timing.heartbeat + JITTER)

    expect_equal(session.packets(EnginePacketType.PING)[0].packet.data, "", what="data of the ping")


@slow
@requirement("EIO-HB-01")
async def test_pings_a_busy_client(target: Target, transport: Transport) -> None:
    """The client sends a packet five times an interval; pings come all the same."""
    needs_fast_pings(target)
    interval = target.timing.ping_interval
    session = await connect_main_namespace(target, transport)
    deadline = time.monotonic() + 2 * (2.5 * interval + target.timing.late)

    def pinged() -> bool:
        return len(session.packets(EnginePacketType.PING)) >= 2

    async with waiting():
        while not await session.until(pinged, interval / 5):
            if session.closure or time.monotonic() > deadline:
                state = f"session closed ({session.closure})" if session.closure else "one or none"
                raise Violation(f"two pings, {interval:.1f} s apart", state)
            await session.send(f"40/unknown-{session.next_ack_id()},")


@slow
@requirement("EIO-HB-02")
async def test_keeps_a_client_that_answers(target: Target, transport: Transport) -> None:
    """One and a half heartbeats later the session still answers."""
    needs_fast_pings(target)
    session = await connect_main_namespace(target, transport)

    async with waiting():
        closed = await session.until(lambda: session.closure is not None, 1.5 * target.timing.heartbeat)

    if closed:
        raise Violation("session stays open", f"session closed ({session.closure})")
    await expect_alive(session)


@slow
@requirement("EIO-HB-02")
async def test_keeps_a_client_that_answers_late(target: Target, transport: Transport) -> None:
    """Two pongs, each after half of pingTimeout."""
    needs_fast_pings(target)
    late = 0.5 * target.timing.ping_timeout
    session = await connect_main_namespace(target, transport, answer_pings=False)

    for number in (1, 2):
        await expect_ping(session, number, 2.5 * target.timing.ping_interval + JITTER)
        async with waiting():
            await session.until(lambda: session.closure is not None, late)
        if session.closure:
            raise Violation(
                f"session open for {target.timing.ping_timeout:.1f} s after a ping",
                f"session closed ({session.closure}) within {late:.1f} s",
            )
        await session.send("3")

    await expect_alive(session)


async def unanswered_ping(session: Session) -> float:
    """When a ping came that the session leaves unanswered.

    The first may overlap with a slow upgrade, and the reference then forgets to wait for its pong. That one
    is answered, the next is not.
    """
    limit = session.timing.heartbeat + JITTER
    number = 1
    if (
        session.transport == "upgraded"
        and time.monotonic() - session.started > session.timing.ping_interval / 2
    ):
        await expect_ping(session, 1, limit)
        await session.send("3")
        number = 2
    return await expect_ping(session, number, limit)


@slow
@requirement("EIO-HB-03")
async def test_closes_a_client_that_does_not_answer(target: Target, transport: Transport) -> None:
    """Not before pingTimeout has passed, and soon after it.

    It may be late by another pingTimeout: some servers look at their sessions only from time to time.
    """
    needs_fast_pings(target)
    timing = target.timing
    session = await connect_main_namespace(target, transport, answer_pings=False)
    ping = await unanswered_ping(session)

    limit = 2 * timing.ping_timeout + timing.late
    async with waiting():
        ended = await session.until(lambda: session.closure is not None, limit)

    if not ended and session.transport == "polling":
        # The server may have forgotten the session without ending its poll.
        ended = not await answers_a_push(session)
    after = (session.closure.at if session.closure else time.monotonic()) - ping
    if not ended:
        raise Violation(f"session closed within {limit:.1f} s", "still open")
    if after < 0.7 * timing.ping_timeout - timing.distance:
        raise Violation(f"session open for {timing.ping_timeout:.1f} s", f"closed after {after:.2f} s")
    if after > timing.ping_timeout + timing.late:
        raise NonStrict(
            f"session closed {timing.ping_timeout:.1f} s after the ping", f"closed after {after:.1f} s"
        )


async def answers_a_push(session: Session) -> bool:
    answer = await session.push("3")
    return isinstance(answer, Answer) and answer.status == 200


@slow
@requirement("EIO-HB-09")
async def test_events_do_not_stand_in_for_a_pong(target: Target, transport: Transport) -> None:
    """The client talks on and answers no ping: it is closed as if it were silent."""
    needs_fast_pings(target)
    timing = target.timing
    session = await connect_main_namespace(target, transport, answer_pings=False)
    ping = await unanswered_ping(session)

    limit = 2 * timing.ping_timeout + timing.late
    while not session.closure and time.monotonic() < ping + limit:
        answer = await session.emit("message", "still here")
        if isinstance(answer, Answer) and answer.status >= 400:
            return  # a server may forget a session without ending its poll
        async with waiting():
            await session.until(lambda: session.closure is not None, 0.3 * timing.ping_timeout)

    if not session.closure:
        raise Violation(f"session closed within {limit:.1f} s", "still open")


@requirement("EIO-HB-05")
async def test_closes_on_a_ping_from_the_client(target: Target, transport: Transport) -> None:
    """In revision 4 only the server pings."""
    session = await target.open(transport)

    await session.send("2")

    await expect_closed(target, session)


@requirement("EIO-HB-06")
async def test_takes_a_pong_that_nothing_asked_for(target: Target, transport: Transport) -> None:
    """A pong before the first ping."""
    session = await target.open(transport)

    await session.send("3")

    await expect_alive(session)


@slow
@requirement("EIO-HB-07")
async def test_pings_go_on_across_the_upgrade(target: Target) -> None:
    """One ping over polling, then the upgrade, then two pings over WebSocket."""
    needs_fast_pings(target)
    interval = target.timing.ping_interval
    session = await connect_main_namespace(target)
    await expect_ping(session, 1, interval + target.timing.ping_timeout + JITTER)

    await session.upgrade()

    # On a slow machine more than one ping may come before the upgrade is done.
    before = len(session.packets(EnginePacketType.PING))
    for number in (before + 1, before + 2):
        await expect_ping(session, number, 2.5 * interval + JITTER)
    transports = [item.transport for item in session.packets(EnginePacketType.PING)][before:]
    expect_equal(transports, ["websocket", "websocket"], what="transports of the pings")


@slow
@requirement("EIO-HB-10")
async def test_a_ping_waits_for_the_next_poll(target: Target) -> None:
    """No poll is pending when the ping is due; the next poll brings it at once.

    Another session's ping shows that it is due. A busy machine gets three tries, because a server that
    drops the ping drops it in each.
    """
    needs_fast_pings(target)
    interval = target.timing.ping_interval
    if target.timing.distance > 0.5 * interval:
        raise no_race(target, "the answer to the poll comes after the next ping is due")
    found: list[str] = []
    for _ in range(3):
        session = await target.open("polling", poll=False)
        if target.timing.is_far:
            await connect_by_hand(target, session)
            # A witness would tell too late. The next is due when an interval has passed since this one, or
            # since its pong was there, and so will the poll be.
            due = await poll_for_a_ping(session) + interval
            before = len(session.packets(EnginePacketType.PING))
            async with waiting():
                await session.until(lambda: False, due + 0.1 * interval - time.monotonic())
            apart = 0.0
        else:
            witness = await target.open("polling")
            await asyncio.gather(connect_by_hand(target, session), connect(witness))
            before = len(session.packets(EnginePacketType.PING))  # some servers ping at once
            number = len(witness.packets(EnginePacketType.PING)) + 1
            due = await expect_ping(witness, number, 2.5 * interval + JITTER)
            apart = witness.started - session.started

        answer = await session.poll_once(0.6 * interval)

        # If the ping after a dropped one may have come already, this try proves nothing.
        if time.monotonic() - due < 0.8 * interval - apart:
            if len(session.packets(EnginePacketType.PING)) > before:
                return
            found.append(str(answer))
    if not found:
        raise no_race(target, "the poll came too late in each of three tries")
    raise Violation("a ping at once", found[-1])
