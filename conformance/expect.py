"""What cases expect. Each function returns what it got, or raises `Violation` with all allowed alternatives.

Every wait has a deadline that comes from the handshake (`Timing`). Silence is an outcome.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from conformance.client.http import Answer, NoAnswer
from conformance.client.session import Session, Transport
from conformance.client.steps import Step
from conformance.client.transcript import RECORDING, describe, quoted, shown
from conformance.client.websocket import Ended, WebSocket
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable, Silent, Unresponsive, Violation
from conformance.waiting import waiting
from sioprobe.wire import (
    ACKS,
    EVENTS,
    MAIN_NAMESPACE,
    EnginePacketType,
    SocketPacket,
    SocketPacketType,
)

__all__ = [
    "CLOSED",
    "REFUSED_METHOD",
    "arguments_of",
    "ask",
    "connect",
    "connect_by_hand",
    "connect_main_namespace",
    "connected",
    "expect_ack",
    "expect_alive",
    "expect_closed",
    "expect_connected",
    "expect_equal",
    "expect_event",
    "expect_gone",
    "expect_no_event",
    "expect_no_events",
    "expect_packet",
    "expect_ping",
    "expect_processed",
    "expect_refused",
    "expect_served",
    "expect_status",
    "expect_websocket_ended",
    "expect_wellformed",
    "is_alive",
    "is_event",
    "needs_binary",
    "needs_no_auth",
    "same",
    "together",
]

# The official tests ask for 400; HTTP has words of its own for a method that a resource does not serve.
REFUSED_METHOD = (400, 405, 501)

PARTS = 6  # of a deadline; each request that may get no answer has one part

# How the session of this case closed: the last word of `expect_closed` or `expect_gone`.
CLOSED: ContextVar[list[str]] = ContextVar("closed")


def expect_status(answer: Answer | NoAnswer | None, *statuses: int) -> Answer:
    """An HTTP answer with one of these statuses."""
    if isinstance(answer, Answer) and answer.status in statuses:
        return answer
    raise Violation(tuple(f"HTTP {status}" for status in statuses), str(answer))


def expect_equal(actual: Any, *alternatives: Any, what: str) -> None:
    """`actual` is one of the alternatives, types included (1 and 1.0 are one number)."""
    if not any(same(actual, alternative) for alternative in alternatives):
        raise Violation(
            tuple(f"{what} {shown(alternative)}" for alternative in alternatives), f"{what} {shown(actual)}"
        )


def same(left: Any, right: Any) -> bool:
    """Equality of JSON and bytes: true is not 1, but 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def is_event(packet: SocketPacket, event: str, namespace: str | None = None) -> bool:
    """Whether it is an event of this name, and of this namespace where one is given."""
    return packet.type in EVENTS and namespace in (None, packet.namespace) and same(packet.data[0], event)


def arguments_of(packet: SocketPacket, number: int) -> list[Any]:
    """The arguments of an event or an ack, exactly so many."""
    arguments: list[Any] = packet.data[1:] if packet.type in EVENTS else packet.data
    if len(arguments) != number:
        raise Violation(f"{packet.type.name} with {number} arguments", describe(packet))
    return arguments


def expect_wellformed(session: Session) -> None:
    """Nothing that the server has sent in this session so far was malformed."""
    if session.malformed:
        raise Violation("well-formed packets only", f"server sent {session.malformed[0]}")


def _absence(session: Session, seconds: float) -> str:
    if session.closure:
        return f"session closed ({session.closure})"
    RECORDING.get().in_vain = True
    others = ", ".join(describe(packet) for packet in session.inbox[:3])
    return f"only {others} within {seconds:.1f} s" if others else f"nothing within {seconds:.1f} s"


async def expect_packet(
    session: Session, *kinds: SocketPacketType, namespace: str = MAIN_NAMESPACE, seconds: float | None = None
) -> SocketPacket:
    """The next packet of these types in this namespace."""
    wait = session.timing.answer if seconds is None else seconds
    if SocketPacketType.CONNECT in kinds:
        session.asked.add(Step.ANSWER)
    packet = await session.take(lambda p: p.type in kinds and p.namespace == namespace, wait)
    expect_wellformed(session)
    if packet is None:
        where = "" if namespace == MAIN_NAMESPACE else f" in {namespace}"
        raise Violation(tuple(f"{kind.name}{where}" for kind in kinds), _absence(session, wait))
    return packet


async def expect_event(
    session: Session,
    event: str,
    *arguments: Any,
    namespace: str = MAIN_NAMESPACE,
    kind: SocketPacketType | None = None,
) -> SocketPacket:
    """The next event of the namespace, with exactly these arguments.

    The contract emits `auth` after each connect. That event is passed over, unless the case expects it.
    `kind` asks for EVENT or BINARY_EVENT.
    """
    wanted = [event, *arguments]
    packet = await session.take(
        lambda p: (
            p.type in EVENTS and p.namespace == namespace and (event == "auth" or not same(p.data[0], "auth"))
        )
    )
    expect_wellformed(session)
    name = (kind or SocketPacketType.EVENT).name
    expected = describe(SocketPacket(kind or SocketPacketType.EVENT, namespace, wanted))
    if packet is None:
        raise Violation(expected, _absence(session, session.timing.answer))
    if not same(packet.data, wanted) or (kind is not None and packet.type is not kind):
        offset = session.offsets.of(packet)
        raise Violation(
            expected or name, describe(packet) + ("" if offset is None else f", offset {offset!r}")
        )
    return packet


async def expect_ack(
    session: Session,
    ack_id: int,
    *arguments: Any,
    namespace: str = MAIN_NAMESPACE,
    kind: SocketPacketType | None = None,
) -> SocketPacket:
    """The next ACK of the namespace, with this id and exactly these arguments."""
    wanted = list(arguments)
    packet = with_array(await session.take(lambda p: p.type in ACKS and p.namespace == namespace))
    expect_wellformed(session)
    expected = describe(SocketPacket(kind or SocketPacketType.ACK, namespace, wanted, ack_id))
    if packet is None:
        raise Violation(expected, _absence(session, session.timing.answer))
    if packet.ack_id != ack_id or not same(packet.data, wanted) or (kind and packet.type is not kind):
        raise Violation(expected, describe(packet))
    return packet


def with_array(ack: SocketPacket | None) -> SocketPacket | None:
    """An ACK without data has no arguments. Only Socket.IO 4 has such."""
    return replace(ack, data=[]) if ack is not None and ack.data is None else ack


async def ask(session: Session, event: str, *arguments: Any, namespace: str = MAIN_NAMESPACE) -> Any:
    """Emit with an ack id of its own and return the arguments of the ack."""
    ack_id = session.next_ack_id()
    await session.emit(event, *arguments, namespace=namespace, ack_id=ack_id)
    packet = with_array(
        await session.take(lambda p: p.type in ACKS and p.namespace == namespace and p.ack_id == ack_id)
    )
    expect_wellformed(session)
    if packet is None:
        raise Violation(f"ack of {event!r}", _absence(session, session.timing.answer))
    return packet.data


async def expect_no_events(event: str, *sessions: Session, namespace: str = MAIN_NAMESPACE) -> None:
    """`expect_no_event` at each of the sessions, at the same time."""
    await asyncio.gather(*(expect_no_event(session, event, namespace=namespace) for session in sessions))


async def expect_no_event(session: Session, event: str, *, namespace: str = MAIN_NAMESPACE) -> None:
    """No such event comes before the server answers a fresh question, nor shortly after."""
    await expect_alive(session)
    packet = await session.take(lambda p: is_event(p, event, namespace), session.timing.quiet)
    if packet is not None:
        raise Violation(f"no event {event!r}", describe(packet))


async def expect_ping(session: Session, number: int, seconds: float) -> float:
    """The time of the `number`-th ping (from 1), which comes within `seconds` and its way from now."""
    seconds += 2 * session.timing.distance
    async with waiting():
        came = await session.until(lambda: len(session.packets(EnginePacketType.PING)) >= number, seconds)
    if came:
        return session.packets(EnginePacketType.PING)[number - 1].at
    raise Violation(f"ping number {number} within {seconds:.1f} s", _absence(session, seconds))


async def together(*work: Awaitable[None]) -> None:
    """All of it at the same time. Raises what one of them raised, after all have ended."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if outcome is not None:
            raise outcome


def needs_binary(target: Target, transport: Transport) -> None:
    """For a case that sends binary, of a requirement that is not about binary. Raises NotApplicable."""
    if transport == "polling" and not target.capabilities["binary_polling"]:
        raise NotApplicable("the server has no binary_polling")


def needs_no_auth(target: Target) -> None:
    """For a case that sends a CONNECT packet without data. Raises NotApplicable."""
    if target.auth is not None:
        raise NotApplicable("asks with a CONNECT without data, and --auth is given")


# Life and death


async def connect(
    session: Session, namespace: str = MAIN_NAMESPACE, auth: dict[str, Any] | None = None
) -> str:
    """Connect a namespace before a case asks its question. Returns the socket id; raises Inconclusive.

    In revision 3 the server connects `/` by itself, and tells no socket id.
    """
    if not (session.revision.connects_unasked and namespace == MAIN_NAMESPACE):
        await session.send(session.connecting(namespace, auth))
    if namespace == MAIN_NAMESPACE:
        session.asked |= {Step.ANSWER, Step.CONNECT}
    packet = await session.take(
        lambda p: (
            p.namespace == namespace and p.type in (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)
        )
    )
    if packet is None or packet.type is not SocketPacketType.CONNECT:
        answer = _absence(session, session.timing.answer) if packet is None else describe(packet)
        raise Inconclusive(f"no CONNECT to {namespace}: {answer}")
    return session.socket_ids.get(namespace, "")


async def connect_main_namespace(
    target: Target,
    transport: Transport = "polling",
    *,
    poll: bool = True,
    answer_pings: bool = True,
    parameters: str = "",
) -> Session:
    """A session that is connected to `/`. With `poll=False` the case itself polls from then on."""
    session = await target.open(transport, poll=poll, answer_pings=answer_pings, parameters=parameters)
    await (connect(session) if poll else connect_by_hand(target, session))
    return session


async def connected(target: Target, *transports: Transport) -> list[Session]:
    """A session on each of these transports, connected to `/`; all at the same time."""
    return await asyncio.gather(*(connect_main_namespace(target, transport) for transport in transports))


async def connect_by_hand(target: Target, session: Session) -> None:
    """Connect `/` of a session that nobody polls. Raises Inconclusive."""
    if not session.revision.connects_unasked:
        await session.send(session.connecting())
    # The next poll must not get what the contract emits after the connect.
    wanted = [(SocketPacketType.CONNECT,)] + ([EVENTS] if target.level >= 1 else [])
    for kinds in wanted:
        for _ in range(5):  # a ping may come first
            if any(packet.type in kinds for packet in session.inbox):
                break
            answer = await session.poll_once()
            if not isinstance(answer, Answer) or answer.status != 200:
                raise Inconclusive(f"poll after CONNECT: {answer}")
    session.inbox.clear()


async def expect_connected(session: Session, namespace: str = MAIN_NAMESPACE) -> str:
    """The CONNECT packet of the namespace, with its socket id."""
    packet = await expect_packet(
        session, SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR, namespace=namespace
    )
    socket_id = packet.data.get("sid") if isinstance(packet.data, dict) else None
    if packet.type is not SocketPacketType.CONNECT or not isinstance(socket_id, str) or not socket_id:
        raise Violation("CONNECT with an object that holds `sid`", describe(packet))
    return socket_id


async def expect_processed(session: Session) -> None:
    """The server has processed all that was sent: it answers a CONNECT to an unknown namespace."""
    namespace = f"/unknown-{session.next_ack_id()}"
    await session.send(f"40{namespace},")
    await expect_packet(
        session, SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT, namespace=namespace
    )


async def is_alive(session: Session, seconds: float | None = None) -> bool:
    """Whether the session still answers: an event with an ack, else a CONNECT to an unknown namespace.

    Below contract level 1 the application acknowledges nothing, so the question goes to Socket.IO itself.
    """
    wait = session.timing.answer if seconds is None else seconds
    if session.closure:
        return False
    ack_id = session.next_ack_id()
    if session.level >= 1 and MAIN_NAMESPACE in session.socket_ids and MAIN_NAMESPACE not in session.left:
        await session.emit("message-with-ack", "alive", ack_id=ack_id)
        wanted: tuple[SocketPacketType, ...] = (SocketPacketType.ACK,)
    else:
        await session.send(f"40/alive-{ack_id},")
        wanted = (SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT)
    packet = await session.take(
        lambda p: p.type in wanted and (p.ack_id == ack_id or p.namespace == f"/alive-{ack_id}"), wait
    )
    RECORDING.get().in_vain |= packet is None
    return packet is not None


async def expect_alive(session: Session) -> None:
    """The session is open and answers a fresh event correctly."""
    if not await is_alive(session):
        expect_wellformed(session)
        if session.closure:
            raise Violation("session stays open and answers", f"session closed ({session.closure})")
        raise Unresponsive("session stays open and answers", "session is open but no longer answers")
    expect_wellformed(session)


async def expect_served(target: Target) -> None:
    """The server still serves a fresh session."""
    try:
        session = await target.open(target.any_transport)
        await connect(session)
    except Inconclusive as error:
        raise Unresponsive("a fresh session is served", str(error), Silent.SERVER) from None
    if target.level >= 1 and not await is_alive(session):
        raise Unresponsive("a fresh session is served", "a fresh session gets no ack", Silent.SERVER)


async def expect_closed(target: Target, session: Session) -> None:
    """The server closes the session well before its heartbeat could, and still serves a fresh one."""
    seconds = session.timing.close
    async with waiting():
        await session.until(lambda: session.closure is not None, seconds)
    if session.closure is None and session.packets(EnginePacketType.CLOSE):
        _note("Engine.IO close packet, WebSocket left open")
        await expect_served(target)
        raise Violation(
            f"WebSocket closed within {seconds:.1f} s",
            f"a CLOSE packet came, and the WebSocket is still open after {seconds:.1f} s; "
            "official clients do not act on the packet, and stay connected",
        )
    how = str(session.closure or "")
    if MAIN_NAMESPACE in session.left:
        how = f"DISCONNECT packet, {how or 'session left open'}"
    if not how and session.transport == "polling":
        # A server may forget a session without ending its poll.
        answer = await session.send('42["message","closed?"]')
        if isinstance(answer, Answer) and answer.status >= 400:
            how = f"HTTP {answer.status} to the next request, poll left pending"
    _note(how or "not at all")
    if not how:
        RECORDING.get().in_vain = True
        answers = await is_alive(session, seconds)
        await expect_served(target)
        kind, state = (Violation, "answers a fresh event") if answers else (Unresponsive, "no longer answers")
        raise kind(f"session closed within {seconds:.1f} s", f"still open after {seconds:.1f} s; {state}")
    await expect_served(target)


async def expect_gone(target: Target, session: Session) -> None:
    """Requests with the session's id get 400 before the deadline of a close: the server has forgotten it.

    Pushes ask again and again, because they do no harm. A poll that is given up ends the session on some
    servers, and then the session would look forgotten.
    """
    part = session.timing.close / PARTS + 2 * session.timing.distance
    deadline = time.monotonic() + session.timing.close
    body = session.revision.payload([session.revision.heartbeat]).encode()
    while not _is_400(answer := await session.request("POST", body=body, seconds=part)):
        if time.monotonic() > deadline:
            if isinstance(answer, NoAnswer) and answer.silent:
                # The server may be slow with every answer, and have forgotten the session all the same.
                answer = await session.request("POST", body=body)
            if _is_400(answer):
                break
            _note("not at all")
            raise Violation("HTTP 400 to a push with the session's id", str(answer))
        await asyncio.sleep(part / PARTS)
    answer = await session.request("GET")
    if not _is_400(answer):
        _note("not at all")
        raise Violation("HTTP 400 to a poll with the session's id", str(answer))
    _note(str(session.closure or "HTTP 400"))


def _is_400(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, Answer) and answer.status == 400


async def expect_refused(target: Target, outcome: WebSocket | Answer | NoAnswer) -> None:
    """A WebSocket request is refused and the server still serves a fresh session.

    These count as refused: HTTP 4xx; 101 and then a close at once; a connection that ends without an answer.
    """
    expected = ("HTTP 400", "101, then the WebSocket is closed")
    if isinstance(outcome, WebSocket):
        await expect_websocket_ended(outcome, target.timing.close, expected)
    elif isinstance(outcome, NoAnswer):
        if not outcome.closed:
            raise Violation(expected, str(outcome))
    elif not 400 <= outcome.status < 500:
        raise Violation(expected, str(outcome))
    await expect_served(target)


async def expect_websocket_ended(
    websocket: WebSocket, seconds: float, expected: Sequence[str] = ("WebSocket closed",)
) -> str:
    """The WebSocket ends within `seconds`, and no packet but NOOP or CLOSE comes before."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(max(0.01, deadline - time.monotonic())):
                message = await websocket.receive()
        except TimeoutError:
            RECORDING.get().in_vain = True
            raise Violation(tuple(expected), f"WebSocket still open after {seconds:.1f} s") from None
        if isinstance(message, Ended):
            return str(message)
        if message not in ("6", "1"):
            raise Violation(tuple(expected), f"packet {quoted(message, 60)} over the WebSocket")


def _note(how: str) -> None:
    CLOSED.get([]).append(how)
