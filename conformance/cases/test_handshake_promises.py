"""What an answer promises: a session and a namespace that are there, and the upgrade that is offered."""

import asyncio
import time

from conformance.client.http import Answer, HttpConnection, NoAnswer, open_stream
from conformance.client.session import Session, Transport
from conformance.client.transcript import RECORDING, TO_CLIENT
from conformance.client.websocket import WebSocket
from conformance.expect import connect, together
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable, Violation

SESSIONS = 50
CLIENTS = 20
AT_ONCE = 5  # so that the judge itself is fast
TOO_MANY = (429, 503)
FAR_SECONDS = 0.2  # a session that takes longer is far away, and all are opened at once
PACKET = "40/unknown,"  # answered by a CONNECT_ERROR, in revision 3 as in 4


async def first_use(target: Target, use: str) -> tuple[Session, Answer | NoAnswer | WebSocket]:
    """A new session, and what came of its first request: a push, a poll or a WebSocket."""
    # The connection waits before there is a session, so that nothing delays the first request.
    stream = await open_stream(target.address, target.timing.answer)
    session = await target.open("polling", poll=False)
    if isinstance(stream, NoAnswer):
        raise Inconclusive(f"the first use of a session: {stream}")
    connection = HttpConnection(target.address, *stream, session.cookies)
    try:
        if use == "WebSocket":
            return session, await session.open_probe()
        path = f"{target.address.path}?{session.query()}"
        if use == "push":
            body = session.revision.payload([PACKET]).encode()
            headers = [("Content-Length", str(len(body))), ("Content-Type", "text/plain;charset=UTF-8")]
            await connection.send_head("POST", path, headers)
            await connection.send_data(body)
            await connection.send_end()
            return session, await connection.answer(target.timing.answer)
        await connection.send_head("GET", path)
        await connection.send_end()
        await session.push(PACKET)  # what answers the poll
        return session, await connection.answer(target.timing.answer)
    finally:
        connection.abort()


@requirement("EIO-HS-23")
async def test_a_session_can_be_used_at_once(target: Target) -> None:
    """Fifty handshakes, each followed at once by a push, a poll or a WebSocket of the session."""
    uses = ["push", "poll"]
    # Where no session gets a WebSocket, EIO-UP-16 says so.
    if target.capabilities["upgrade"] and isinstance(
        await (await target.open("polling")).open_probe(), WebSocket
    ):
        uses.append("WebSocket")
    refused: list[tuple[Session, str]] = []
    started = time.monotonic()
    await first_use(target, "push")
    places = asyncio.Semaphore(AT_ONCE if time.monotonic() - started < FAR_SECONDS else SESSIONS)

    async def one(number: int) -> None:
        use = uses[number % len(uses)]
        async with places:
            session, outcome = await first_use(target, use)
        if isinstance(outcome, WebSocket) or (isinstance(outcome, Answer) and outcome.status == 200):
            return
        if isinstance(outcome, Answer) and outcome.status in TOO_MANY:
            raise Inconclusive(f"so many sessions are too many for the server, or a proxy: {outcome}")
        refused.append((session, f"{outcome} to a {use}"))
        RECORDING.get().add(TO_CLIENT, "http", "", f"{session.label}first use: {refused[-1][1]}")

    await together(*(one(number) for number in range(SESSIONS)))

    if refused:
        session, told = refused[0]
        await asyncio.sleep(target.timing.quiet)
        later = await session.push(session.revision.payload([PACKET]))
        served = "was served" if isinstance(later, Answer) and later.status == 200 else f"got {later} again"
        raise Violation(
            f"each of {SESSIONS} new sessions is served at once",
            f"{len(refused)} of them are not: {told}, at once after the handshake; "
            f"{target.timing.quiet:.1f} s later the session {served}",
        )


@requirement("SIO-CN-16")
async def test_a_namespace_can_be_used_at_once(target: Target, transport: Transport) -> None:
    """Twenty clients emit in the moment in which their CONNECT is answered."""
    late: list[Session] = []

    async def one() -> None:
        session = await target.open(transport)
        await connect(session, "/custom")
        await session.emit("message-with-ack", "at once", namespace="/custom", ack_id=1)
        if await session.take(lambda packet: packet.ack_id == 1, target.timing.answer) is None:
            late.append(session)

    await together(*(one() for _ in range(CLIENTS)))

    if late:
        await late[0].emit("message-with-ack", "later", namespace="/custom", ack_id=2)
        later = await late[0].take(lambda packet: packet.ack_id == 2, target.timing.answer)
        raise Violation(
            f"each event of {CLIENTS} clients, at once after the answer to CONNECT, is acknowledged",
            f"{len(late)} are not; a later event of one of them is{' not' if later is None else ''}",
        )


@requirement("EIO-UP-16")
async def test_opens_the_websocket_that_the_handshake_offers(target: Target) -> None:
    """`upgrades` names websocket, so a WebSocket with the id of the session opens."""
    session = await target.open("polling")
    if "websocket" not in session.opened.upgrades:
        raise NotApplicable("the handshake offers no upgrade to WebSocket")

    outcome = await session.open_probe()

    if not isinstance(outcome, WebSocket):
        raise Violation(
            "a WebSocket, which `upgrades` of the handshake offers",
            f"it is refused ({outcome}); does a proxy in front of the server drop the header Upgrade?",
        )
