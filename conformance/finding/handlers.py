"""Which handlers of the contract (CONTRACT.md) an application lacks, so that no case fails for want of them.

A library that is broken must not look like an application without a handler. So a namespace is missing where
CONNECT is answered as that of a name that nobody knows, and an event is missing where nothing comes of it
though the same client is served before and after. Nobody asks about rooms and broadcasts: an event that does
not arrive may be the library's fault.
"""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.client.handlers import CUSTOM_EVENTS, VARIADIC
from conformance.client.session import Session
from conformance.finding.contract_level import ANSWERS, connected_any
from conformance.target import Target
from sioprobe.wire import ACKS, MAIN_NAMESPACE, SocketPacket, SocketPacketType

__all__ = ["find_missing", "lacking_declared", "missing_note"]

# Whose handlers each capability names. What is declared is not asked for.
OF_CAPABILITY = {
    "reject": {"/reject", "/auth"},
    "ack_out": {"ask", "ask-other"},
    "cluster_events": {
        "ask-other",
        "join-other",
        "leave-other",
        "disconnect-other",
        "close-room",
        "count",
    },
    "kick_all": {"kick-all"},
    "variadic": {VARIADIC},
}
NOBODY = "/nobody-knows-it"


def lacking_declared(capabilities: dict[str, bool]) -> frozenset[str]:
    """The handlers of the capabilities that are declared false."""
    absent = (handlers for name, handlers in OF_CAPABILITY.items() if not capabilities[name])
    return frozenset().union(*absent)


async def find_missing(
    target: Target, declared: dict[str, bool], *, clustered: bool = False
) -> frozenset[str]:
    """The handlers of its level that the application has not. `declared` capabilities are believed.

    Level 3 is that of a server in a cluster.
    """
    if target.level < 1:
        return frozenset()
    asked = [_namespaces(target), _custom_events(target)]
    if target.level >= 2:
        asked += [_events(target), _no_end_after(target, "kick"), _no_end_after(target, "kick-all")]
    found = set().union(*await asyncio.gather(*asked))
    if target.level >= 2 and clustered and "cluster_events" not in declared:
        found |= await _events_of_a_cluster(target)
    return frozenset(found.difference(*(OF_CAPABILITY[name] for name in declared if name in OF_CAPABILITY)))


def missing_note(missing: frozenset[str]) -> str | None:
    """What the user is told of them."""
    if not missing:
        return None
    return f"the application does not answer {', '.join(sorted(missing))}: cases that need them do not apply"


async def _namespaces(target: Target) -> set[str]:
    session = await _connected(target)
    if session is None:
        return set()
    names = {"/custom", "/auth", "/reject"} if target.level >= 2 else {"/custom"}
    for name in (NOBODY, *names):
        token = {"token": "good"} if name == "/auth" else None
        query = "?token=good" if token and session.revision.connects_unasked else ""
        await session.send(
            f"40{name}{query}," if session.revision.connects_unasked else session.connecting(name, token)
        )
    answers: dict[str, SocketPacket] = {}

    def all_came() -> bool:
        answers.update({p.namespace: p for p in session.inbox if p.type in ANSWERS})
        return answers.keys() >= {NOBODY, *names} or session.closure is not None

    await session.until(all_came, target.timing.answer)
    if NOBODY not in answers:
        return set()
    unknown = _meaning(answers[NOBODY])
    missing = {name for name in names if name in answers and _meaning(answers[name]) == unknown}
    if answers[NOBODY].type is SocketPacketType.CONNECT:
        return missing & {"/reject"}  # where everybody is let in everywhere, only a refusal is missing
    data = answers[NOBODY].data
    message = data.get("message") if isinstance(data, dict) else data
    # A library that loses the words of its refusals refuses everybody alike.
    return missing if message else missing - {"/reject"}


def _meaning(answer: SocketPacket) -> tuple[SocketPacketType, Any]:
    return answer.type, answer.data if answer.type is SocketPacketType.CONNECT_ERROR else None


async def _custom_events(target: Target) -> set[str]:
    session = await _connected(target)
    if session is None:
        return set()
    await session.send(session.connecting("/custom"))
    connected = await session.take(lambda p: p.namespace == "/custom" and p.type in ANSWERS)
    if connected is None or connected.type is not SocketPacketType.CONNECT:
        return set()
    await session.emit("message", "handlers", namespace="/custom")
    await session.emit("message-with-ack", "handlers", namespace="/custom", ack_id=1)
    # In whatever namespace it comes: a library may lose the name.
    answer = await session.take(lambda p: p.data == ["message-back", "handlers"] or p.ack_id == 1)
    return {CUSTOM_EVENTS} if answer is None and await _is_served(session) else set()


async def _events(target: Target) -> set[str]:
    session = await _connected(target)
    if session is None:
        return set()
    room = f"handlers-{id(session)}"
    ack_ids = {"nobody-knows-it": 1, "join": 2, "leave": 3}
    for event, ack_id in ack_ids.items():
        await session.emit(event, room, ack_id=ack_id)
    await session.emit("ask", "handlers-asked")
    await session.emit("burst", 1, 1)

    def missing() -> set[str]:
        acks = {p.ack_id: p.data for p in session.inbox if p.type in ACKS}
        events = [p.data[0] for p in session.inbox if p.type is SocketPacketType.EVENT]
        # Some libraries acknowledge each event, whether a handler is there or not.
        of_nobody = acks.get(ack_ids["nobody-knows-it"])
        found = {name for name in ("join", "leave") if acks.get(ack_ids[name]) == of_nobody}
        return found | {
            name for name, event in (("ask", "handlers-asked"), ("burst", "b")) if event not in events
        }

    await session.until(lambda: not missing() or session.closure is not None, target.timing.answer)
    return missing() if await _is_served(session) else set()


async def _events_of_a_cluster(target: Target) -> set[str]:
    """Asked about the client itself, a room without members and an id of nobody: at this process alone.

    One after the other, because all at once is a question of its own (SIO-CL-13).
    """
    session = await _connected(target)
    if session is None or MAIN_NAMESPACE not in session.socket_ids:
        return set()  # a library that names no id loses what is sent to it
    own, nobody = session.socket_ids[MAIN_NAMESPACE], f"nobody-{id(session)}"
    acked = {
        "join-other": (own, nobody),
        "leave-other": (own, nobody),
        "disconnect-other": (nobody,),
        "close-room": (nobody,),
    }
    emitting = {"ask-other": (own, "handlers-asked"), "count": (own, "handlers-counted", 1)}

    def missing() -> set[str]:
        acks = {p.ack_id: p.data for p in session.inbox if p.type in ACKS}
        events = [p.data[0] for p in session.inbox if p.type is SocketPacketType.EVENT]
        found = {event for ack_id, event in enumerate(acked, start=1) if acks.get(ack_id) == acks.get(0)}
        return found | {name for name, arguments in emitting.items() if arguments[1] not in events}

    async def until_there(name: str, share: float) -> None:
        await session.until(
            lambda: name not in missing() or session.closure is not None, target.timing.answer * share
        )

    await session.emit("nobody-knows-it", own, nobody, ack_id=0)
    for ack_id, (event, arguments) in enumerate(acked.items(), start=1):
        await session.emit(event, *arguments, ack_id=ack_id)
        await until_there(event, 1 / 6)
    for event, values in emitting.items():
        await session.emit(event, *values)
        await until_there(event, 1 / 6)
    for event in missing():
        await until_there(event, 1)
    return missing() if await _is_served(session) else set()


async def _no_end_after(target: Target, event: str) -> set[str]:
    session = await _connected(target)
    if session is None:
        return set()
    await session.emit(event)
    ended = await session.until(
        lambda: session.closure is not None or MAIN_NAMESPACE in session.left, target.timing.answer
    )
    return {event} if not ended and await _is_served(session) else set()


async def _connected(target: Target) -> Session | None:
    """A session in `/` that is served there; None if there is none, so that nothing can be found out."""
    connected = await connected_any(target)
    if connected is None:
        return None
    session, answer = connected
    let_in = answer is not None and answer.type is SocketPacketType.CONNECT
    return session if let_in and await _is_served(session) else None


async def _is_served(session: Session) -> bool:
    """Whether its event is acknowledged."""
    ack_id = session.next_ack_id()
    await session.emit("message-with-ack", "handlers", ack_id=ack_id)
    return await session.take(lambda p: p.type in ACKS and p.ack_id == ack_id) is not None
