"""How cases reach the Flask applications of the contract's Flask extension.

The judged server has them at paths of their own (`sioprobe conform --contract`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from conformance.client.address import Headers
from conformance.client.session import Session, Transport
from conformance.client.transcript import describe, shown
from conformance.expect import connect, expect_alive, expect_wellformed, is_event, same
from conformance.target import Target
from conformance.verdicts import NonStrict, NotApplicable, Unresponsive, Violation
from conformance.waiting import waiting
from sioprobe.wire import ACKS, SocketPacket

__all__ = [
    "FLASK",
    "OPTIONS",
    "WEBSOCKET",
    "emitted",
    "expect_emitted",
    "expect_no_ack",
    "expect_not_emitted",
    "in_flask",
    "in_options",
    "needs_a_queue",
    "open_in",
    "undocumented",
]

FLASK = "/flask"
OPTIONS = "/flask-options"
WEBSOCKET = "/flask-websocket"


def in_flask(target: Target) -> Target:
    """The application with Flask-SocketIO's defaults."""
    return replace(target, address=replace(target.address, path=f"{FLASK}/socket.io/"), lacks=frozenset())


def in_options(target: Target) -> Target:
    """The application with other options."""
    return replace(target, address=replace(target.address, path=f"{OPTIONS}/io/"), lacks=frozenset())


@contextmanager
def undocumented() -> Iterator[None]:
    """For what Flask-SocketIO does but does not promise: a server that does otherwise is not strict."""
    try:
        yield
    except Unresponsive:
        raise
    except Violation as error:
        raise NonStrict(error.expected, error.actual) from None


async def open_in(
    app: Target, transport: Transport, *namespaces: str, auth: Any = None, headers: Headers = ()
) -> Session:
    """A session of this application that is connected to the namespaces."""
    session = await app.open(transport, headers=headers)
    for namespace in namespaces:
        await connect(session, namespace, auth)
    return session


def needs_a_queue(target: Target) -> None:
    """Raises NotApplicable if no queue joins the server with other processes."""
    if not target.switches.get("message_queue"):
        raise NotApplicable("takes a server with a message queue")


async def emitted(session: Session, event: str, namespace: str) -> SocketPacket:
    """The next event of this name. Other events may come first, because other cases use the namespace too."""
    packet = await session.take(lambda p: is_event(p, event, namespace))
    expect_wellformed(session)
    if packet is None:
        raise Violation(f"event {event!r} in {namespace}", f"none within {session.timing.answer:.1f} s")
    return packet


async def expect_emitted(session: Session, event: str, *arguments: Any, namespace: str) -> SocketPacket:
    """The next event of this name has exactly these arguments."""
    packet = await emitted(session, event, namespace)
    if not same(packet.data[1:], list(arguments)):
        raise Violation(f"{event!r} with {shown(arguments)}", f"{event!r} with {shown(packet.data[1:])}")
    return packet


async def expect_not_emitted(event: str, *sessions: Session, namespace: str) -> None:
    """No such event comes to any of them before the server answers, nor shortly after."""
    await asyncio.gather(*(expect_alive(session) for session in sessions))

    async def listen(session: Session) -> SocketPacket | None:
        return await session.take(lambda p: is_event(p, event, namespace), session.timing.quiet)

    async with waiting():
        packets = await asyncio.gather(*(listen(session) for session in sessions))
    for packet in packets:
        if packet is not None:
            raise Violation(f"no event {event!r}", describe(packet))


async def expect_no_ack(session: Session, *, namespace: str) -> None:
    """No ack comes, of any id, before the server answers, nor shortly after."""
    await expect_alive(session)
    async with waiting():
        packet = await session.take(
            lambda p: p.type in ACKS and p.namespace == namespace, session.timing.quiet
        )
    if packet is not None:
        raise Violation("no ack", describe(packet))
