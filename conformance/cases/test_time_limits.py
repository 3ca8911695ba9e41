"""Time limits of a server: for an upgrade that nobody finishes, and for a client that joins no namespace.

A handshake does not say them: a profile or `GET /about` does. Each client here answers every ping.
"""

import asyncio
import time

from conformance.client.session import Session, Transport
from conformance.client.websocket import Ended, WebSocket
from conformance.expect import connect, connect_main_namespace, expect_alive, expect_packet
from conformance.requirements import requirement, slow
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable, Violation
from conformance.waiting import waiting
from sioprobe.wire import SocketPacketType

# upgradeTimeout of the reference, for a server that declares none.
UPGRADE_SECONDS = 10.0

EARLY = 0.7  # of a declared limit: a close before it is none of this limit


def connect_timeout(target: Target) -> float:
    limit = target.settings.get("connect_timeout")
    if limit is None:
        raise NotApplicable("connect_timeout is declared neither in a profile nor at /about")
    return limit


@slow
@requirement("EIO-UP-09")
async def test_an_unfinished_upgrade_times_out(target: Target) -> None:
    """The probe is answered, no `5` follows."""
    session = await connect_main_namespace(target)
    websocket = await opened(session)
    answer = await websocket.probe(target.timing.answer)
    if answer != "3probe":
        raise Inconclusive(f"the probe was answered by {'nothing' if answer is None else answer!s}")

    await expect_upgrade_given_up(target, session, websocket)


@slow
@requirement("EIO-UP-09")
async def test_a_websocket_without_a_probe_times_out(target: Target) -> None:
    """It is opened for an upgrade, and nothing is sent."""
    session = await connect_main_namespace(target)

    await expect_upgrade_given_up(target, session, await opened(session))


async def opened(session: Session) -> WebSocket:
    websocket = await session.open_probe()
    if not isinstance(websocket, WebSocket):
        raise Inconclusive(f"upgrade: {websocket}")
    return websocket


async def expect_upgrade_given_up(target: Target, session: Session, websocket: WebSocket) -> None:
    """The WebSocket is closed in time, and the session answers over polling."""
    declared = target.settings.get("upgrade_timeout")
    limit = declared or UPGRADE_SECONDS
    started = time.monotonic()
    # A server may answer each poll at once during an upgrade; a ping must not wait long for the next.
    session.pause = min(0.1 * session.timing.ping_timeout, 0.25)
    try:
        async with waiting(), asyncio.timeout(limit + target.timing.close):
            while not isinstance(await websocket.receive(), Ended):
                pass
    except TimeoutError:
        where = "" if declared else " (upgrade_timeout of a profile declares another limit)"
        raise Violation(
            f"WebSocket closed after {limit:.1f} s{where}",
            f"WebSocket still open after {time.monotonic() - started:.1f} s",
        ) from None
    seconds = time.monotonic() - started
    if declared and seconds < EARLY * declared:
        raise Violation(f"WebSocket open for {declared:.1f} s", f"closed after {seconds:.1f} s")
    await expect_alive(session)


@slow
@requirement("SIO-CN-05")
async def test_closes_a_client_that_never_connects(target: Target, transport: Transport) -> None:
    """It sends no CONNECT."""
    limit = connect_timeout(target)
    session = await target.open(transport)

    await expect_closed_after(session, limit)


@slow
@requirement("SIO-CN-05")
async def test_closes_a_client_that_is_refused(target: Target, transport: Transport) -> None:
    """Its CONNECT to a namespace that nobody knows is refused, and it tries no other."""
    limit = connect_timeout(target)
    session = await target.open(transport)
    await session.send("40/nobody-knows-it,")
    await expect_packet(session, SocketPacketType.CONNECT_ERROR, namespace="/nobody-knows-it")

    await expect_closed_after(session, limit)


async def expect_closed_after(session: Session, limit: float) -> None:
    async with waiting():
        await session.until(lambda: session.closure is not None, limit + session.timing.close)
    if session.closure is None:
        raise Violation(f"session closed after {limit:.1f} s", "still open")
    seconds = session.closure.at - session.started
    if seconds < EARLY * limit:
        raise Violation(
            f"session open for {limit:.1f} s", f"closed after {seconds:.1f} s ({session.closure})"
        )


@slow
@requirement("SIO-CN-05")
async def test_keeps_a_client_that_has_connected(target: Target, transport: Transport) -> None:
    """To `/`, or to `/custom` alone."""
    limit = connect_timeout(target)
    namespaces = ("/", "/custom") if target.level >= 1 else ("/",)
    sessions = [await target.open(transport) for _ in namespaces]
    for session, namespace in zip(sessions, namespaces, strict=True):
        await connect(session, namespace)

    async with waiting():
        await sessions[0].until(lambda: sessions[0].closure is not None, limit + target.timing.close)
    for session, namespace in zip(sessions, namespaces, strict=True):
        if session.closure is not None:
            seconds = session.closure.at - session.started
            how = f"session closed ({session.closure}) after {seconds:.1f} s"
            raise Violation(f"a client in {namespace} is kept", how)
        await expect_alive(session)
