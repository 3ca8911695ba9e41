"""Two things that meet at the server: what cases do so that they meet, and what they say if they cannot.

Near servers are asked something in between, so that the first thing is there before the second goes off.
Far away a ping would come meanwhile, so the second follows the first after a moment, on the same path.
"""

from __future__ import annotations

import asyncio
import time

from conformance.client.http import Answer, HttpConnection, NoAnswer, open_stream
from conformance.client.session import Session
from conformance.target import Target
from conformance.verdicts import Inconclusive, PathHides
from conformance.waiting import waiting
from sioprobe.wire import EnginePacketType

__all__ = [
    "away_from_pings",
    "is_behind_haproxy",
    "no_race",
    "passes_unfinished_requests",
    "pending_poll",
    "poll_for_a_ping",
    "poll_under_way",
]

OF_HAPROXY = b"Your browser sent an invalid request."
LONGEST_REFUSAL = 4096  # bytes of which anybody reads the first
APART = 0.05  # seconds between two things on one path, so that they keep their order


def no_race(target: Target, what: str) -> Inconclusive | PathHides:
    """What to raise if `what` was tried, and the two did not meet."""
    if not target.timing.is_far:
        return Inconclusive(what)
    seconds = target.timing.round_trip
    return PathHides(f"{what}: a request takes {seconds:.2f} s, with a ping each {_interval(target)}")


def _interval(target: Target) -> str:
    return f"{target.timing.ping_interval:.1f} s"


async def away_from_pings(session: Session) -> None:
    """If the next ping is due before a poll and a push are there, poll until it has come."""
    timing = session.timing
    pings = session.packets(EnginePacketType.PING)
    last = pings[-1].at if pings else session.started
    # A busy server takes longer than the round trip says.
    needed = max(3 * timing.distance, 0.5 * timing.ping_interval)
    if not session.revision.client_pings and time.monotonic() + needed > last + timing.ping_interval:
        await poll_for_a_ping(session)


async def poll_for_a_ping(session: Session) -> float:
    """Poll until a ping has come, at most three times. Returns when that was, or now.

    One that comes at once has waited at the server, and the next may follow soon. So another is waited for.
    """
    pings = session.packets(EnginePacketType.PING)
    for _ in range(3):
        started = time.monotonic()
        async with waiting():
            await session.poll_once()
        now = session.packets(EnginePacketType.PING)
        if len(now) > len(pings) and time.monotonic() - started > 1.2 * session.timing.distance + APART:
            return now[-1].at
        pings = now
    return time.monotonic()


async def poll_under_way(
    target: Target, session: Session, seconds: float, *, before_open: bool = False
) -> asyncio.Task[Answer | NoAnswer]:
    """A poll that the server has read: two round trips have passed since it was sent.

    Unlike that of `pending_poll`, it may have been answered by now. From far away it is only known to be
    ahead of a request that is sent next; with `before_open`, of what is sent on an open connection, too.
    """
    await away_from_pings(session)
    sent = asyncio.Event()
    poll = asyncio.create_task(session.poll_once(seconds, on_sent=sent.set))
    poll.add_done_callback(lambda _: sent.set())
    async with waiting():
        await sent.wait()
        if target.timing.is_far:
            # A proxy may open a connection for the poll: two of its four ways.
            await asyncio.sleep(APART + (0.5 * target.timing.distance if before_open else 0.0))
            return poll
    for _ in range(2):
        await target.request("GET", "EIO=4&transport=polling")
    return poll


async def pending_poll(target: Target, session: Session) -> asyncio.Task[Answer | NoAnswer]:
    """A poll that waits at the server. Raises Inconclusive or PathHides if no poll waits.

    Some servers send a ping at once, which ends a poll: its packets are taken in, and another poll starts.
    """
    for _ in range(5):
        if target.timing.is_far:
            poll = await poll_under_way(target, session, target.timing.close)
        else:
            await away_from_pings(session)
            poll = asyncio.create_task(session.poll_once(target.timing.close))
            async with waiting():
                await asyncio.wait((poll,), timeout=target.timing.quiet)
        if not poll.done():
            return poll
        answer = await poll
        if not isinstance(answer, Answer) or answer.status != 200:
            raise Inconclusive(f"the poll ended before it was asked to: {answer}")
    raise no_race(target, "each poll was answered before it could wait")


async def passes_unfinished_requests(target: Target) -> bool:
    """Whether a request gets to the server before its body is complete.

    Servers refuse an unknown session or transport as soon as they have read the head. If such a request is
    answered only when its body is complete, a proxy keeps the body back, or the server reads it first.
    """
    queries = ("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", "EIO=4&transport=unknown")
    answers = await asyncio.gather(*(_answer_to_half(target, query) for query in queries))
    return any(answers)


async def is_behind_haproxy(target: Target) -> bool:
    """Whether HAProxy answers here: it refuses a header without a name itself, in words of its own.

    The request shows what the user gives, so that a proxy before HAProxy lets it pass.
    """
    address = target.address
    shown = [("Host", address.host_header), *address.with_headers(address.new_cookies(), ())]
    head = "".join(f"{name}: {value}\r\n" for name, value in (*shown, ("", "no name")))
    stream = await open_stream(address, target.timing.answer)
    if isinstance(stream, NoAnswer):
        return False
    reader, writer = stream
    said = b""
    try:
        writer.write(f"GET / HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        async with waiting(), asyncio.timeout(target.timing.close):
            while data := await reader.read(LONGEST_REFUSAL - len(said)):
                said += data
    except (TimeoutError, OSError):
        pass
    finally:
        writer.transport.abort()
    return OF_HAPROXY in said


async def _answer_to_half(target: Target, query: str) -> bool:
    connection = await HttpConnection.open(target.address, target.timing.answer)
    if not isinstance(connection, HttpConnection):
        return False
    try:
        headers = [("Content-Type", "text/plain;charset=UTF-8"), ("Content-Length", "13")]
        await connection.send_head("POST", f"{target.address.path}?{query}", headers)
        await connection.send_data(b'42["m')
        async with waiting():
            return isinstance(await connection.answer(target.timing.close), Answer)
    finally:
        connection.abort()
