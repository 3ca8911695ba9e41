"""What cases about clients expect. Each function returns what it got, or raises `Violation`.

Every wait has a deadline. The stage shows what the client says, and the agent what its application sees.
"""

from __future__ import annotations

import itertools
from typing import Any

from conformance.agent.app import LATE_SECONDS, App, Seen
from conformance.client.transcript import describe, shown
from conformance.expect import same
from conformance.stage.session import POLL_SECONDS, Said, Session
from conformance.stage.stage import Stage
from conformance.verdicts import Inconclusive, NotApplicable, NotBegun, Silent, Unresponsive, Violation
from sioprobe.wire import SocketPacket, SocketPacketType

__all__ = [
    "ANSWER_SECONDS",
    "QUIET_SECONDS",
    "TOLD",
    "connected",
    "expect_alive",
    "expect_asked",
    "expect_closed_or_alive",
    "expect_event",
    "expect_joined",
    "expect_nothing_said",
    "expect_over",
    "expect_packet",
    "expect_said",
    "expect_told",
    "next_session",
    "opened",
]

ANSWER_SECONDS = 5.0  # long, for a busy machine: only a missing answer costs it
QUIET_SECONDS = 0.3  # how long to listen for what must not come
TOLD = ("disconnect", "connect_error", "threw")

_numbers = itertools.count(1)


async def opened(stage: Stage, app: App, transport: str, namespace: str = "/", **options: Any) -> Session:
    """The session that the client opens over `transport` (after its upgrade, where it is `upgraded`)."""
    await app.connect(transport, namespace, **options)
    return await next_session(stage, app, transport)


async def next_session(stage: Stage, app: App, transport: str, seconds: float = ANSWER_SECONDS) -> Session:
    """The next session that no case has taken, once it has its transport."""
    number = len(stage.taken)
    found = await stage.bell.until(lambda: stage.sessions[number:] or None, seconds)
    if found is None:
        came = (
            f"{len(stage.handshakes)} handshakes" if stage.handshakes else f"{stage.connections} connections"
        )
        raise NotBegun("a session", f"none within {seconds:.0f} s ({came} so far)")
    session = found[0]
    stage.taken.append(session)
    first = "websocket" if transport == "websocket" else "polling"
    if session.requests[0].is_websocket is (first == "polling"):
        came = "websocket" if first == "polling" else "polling"
        problem = f"the client begins with {came}, where {first} was asked for"
        if app.level == 0 or came in app.transports:  # CLI-UP-06 asks for their order
            raise NotApplicable(problem)
        raise Inconclusive(problem)
    if transport == "upgraded":
        upgraded = await stage.bell.until(lambda: session.transport == "websocket", ANSWER_SECONDS)
        if not upgraded:
            raise NotBegun("an upgrade to WebSocket", f"none within {ANSWER_SECONDS:.0f} s")
    return session


async def connected(stage: Stage, app: App, transport: str, namespace: str = "/", **options: Any) -> Session:
    """As `opened`, and the namespace is joined: the application has seen `connect`."""
    session = await opened(stage, app, transport, namespace, **options)
    await expect_joined(session, app, namespace)
    return session


async def expect_asked(session: Session, namespace: str = "/") -> SocketPacket | None:
    """The client sends CONNECT, and waits for the answer. In revision 3 it need not do so for `/`: None."""
    if namespace == "/" and session.revision.connects_unasked:
        return None
    return await expect_packet(session, SocketPacketType.CONNECT, what=f"CONNECT to {namespace}")


async def expect_joined(session: Session, app: App, namespace: str = "/") -> Seen | None:
    """The client sends CONNECT, and sees `connect` after the answer. Returns what it sees."""
    joined = await session.until(lambda: namespace in session.joined)
    if not joined:
        raise NotBegun(f"CONNECT to {namespace}", f"none within {ANSWER_SECONDS:.0f} s")
    if app.level == 0:
        return None
    seen = await app.until("connect", where=lambda one: one.fields.get("namespace", "/") == namespace)
    if seen is None:
        raise NotBegun("the application sees connect", _instead(app))
    return seen


async def expect_event(app: App, event: str, *args: Any, namespace: str = "/", what: str = "") -> list[Any]:
    """The next event of that name that the application sees. With `args` it has these, and no others."""
    seen = await app.until(
        "event",
        where=lambda one: one.fields.get("event") == event and one.fields.get("namespace", "/") == namespace,
    )
    if seen is None:
        raise Violation(f"the application sees the event {event!r}{what}", _instead(app))
    got: list[Any] = list(seen.fields.get("args", []))
    if args and not same(got, list(args)):
        raise Violation(f"the event {event!r} with {shown(list(args))}{what}", f"with {shown(got)}")
    return got


async def expect_said(
    session: Session, *alternatives: str, what: str, seconds: float = ANSWER_SECONDS
) -> Said:
    """The client sends one of these Engine.IO packets, as text."""
    said = await session.take(lambda one: one.raw in alternatives, seconds)
    if said is None:
        raise Violation(what, f"none within {seconds:.0f} s" + (f"; {session.over}" if session.over else ""))
    return said


async def expect_packet(
    session: Session, *kinds: SocketPacketType, what: str = "", seconds: float = ANSWER_SECONDS
) -> SocketPacket:
    """The next Socket.IO packet of one of these types."""
    said = await session.take(lambda one: one.packet is not None and one.packet.type in kinds, seconds)
    expected = what or " or ".join(kind.name for kind in kinds)
    if said is None or said.packet is None:
        over = f"; {session.over}" if session.over else ""
        raise Violation(expected, f"none within {seconds:.0f} s{over}")
    return said.packet


async def expect_nothing_said(
    session: Session, *kinds: SocketPacketType, what: str, seconds: float = QUIET_SECONDS
) -> None:
    """No Socket.IO packet of these types comes."""
    said = await session.take(lambda one: one.packet is not None and one.packet.type in kinds, seconds)
    if said is not None and said.packet is not None:
        raise Violation(what, describe(said.packet))


async def expect_told(app: App, *kinds: str, seconds: float = LATE_SECONDS) -> Seen | None:
    """The application is told: it sees `disconnect` or `connect_error`, or its call of connect throws.

    At contract level 0 nobody says so, and nothing is expected.
    """
    if app.level == 0:
        return None
    wanted = kinds or TOLD
    seen = await app.until(*wanted, seconds=seconds)
    if seen is None:
        raise Violation(f"the application sees {' or '.join(wanted)}", _instead(app))
    return seen


async def expect_over(session: Session, what: str, seconds: float = ANSWER_SECONDS) -> None:
    """The client ends the session, as far as that can be seen from here."""
    if not await session.until(lambda: session.over is not None, seconds):
        raise Violation(what, f"the session is still open after {seconds:.0f} s")


async def expect_alive(session: Session, app: App, namespace: str = "/") -> None:
    """A fresh event still reaches the application; at level 0 the heartbeat still goes on."""
    if app.level == 0 and session.revision.client_pings:
        begun = len(session.said)
        if not await session.until(lambda: any(one.raw == "2" for one in session.said[begun:])):
            raise Unresponsive("the session goes on", "no PING comes", Silent.SESSION)
        return
    if app.level == 0:
        await session.send("2")
        if await session.take(lambda one: one.raw == "3", ANSWER_SECONDS) is None:
            raise Unresponsive("the session goes on", "a PING gets no PONG", Silent.SESSION)
        return
    number = next(_numbers)
    where = "" if namespace == "/" else f"{namespace},"
    await session.send(f'42{where}["news","still there {number}"]')
    seen = await app.until(
        "event",
        *TOLD,
        where=lambda one: one.kind in TOLD or one.fields.get("args") == [f"still there {number}"],
    )
    if seen is None:
        raise _deaf()
    if seen.kind in TOLD:
        raise Violation("the session goes on", f"the application sees {seen}")


async def expect_closed_or_alive(session: Session, app: App) -> None:
    """The client closes the session and says so, or goes on and delivers what comes. It is never deaf."""
    text = f"still there {next(_numbers)}"
    session.post(f'42["news","{text}"]')

    def decided() -> bool:
        heard = any(seen.fields.get("args") == [text] for seen in app.all("event"))
        return heard or session.over is not None or bool(app.all(*TOLD))

    if not await session.until(decided):
        if session.unsent:
            raise Violation("a poll that fetches what the server sends", f"none within {POLL_SECONDS:.0f} s")
        raise _deaf()


def _deaf() -> Unresponsive:
    return Unresponsive("the session goes on", "a fresh event does not reach the application", Silent.SESSION)


def _instead(app: App) -> str:
    """What the application saw in place of what it should have seen."""
    left = [str(one) for one in app.seen if not one.taken]
    return f"not within {LATE_SECONDS:.0f} s; it sees {'; '.join(left[-3:])}" if left else "it sees nothing"
