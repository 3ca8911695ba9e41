"""Which level of the contract (CONTRACT.md) a server has."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from conformance.client.session import Session, Transport
from conformance.client.transcript import describe
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable
from sioprobe.wire import SocketPacket, SocketPacketType

__all__ = ["ANSWERS", "Found", "connected_any", "find_level"]

ANSWERS = (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)


@dataclass(frozen=True, slots=True)
class Found:
    """The contract level, and a note for the user. `lost`: no session was let in, or it did not last."""

    level: int
    note: str | None = None
    lost: bool = False


async def _open_any(target: Target) -> Session | None:
    """A session over the first transport that opens one, None if none does."""
    transports: tuple[Transport, ...] = ("polling", "websocket")
    for transport in transports:
        with contextlib.suppress(Inconclusive, NotApplicable):
            return await target.open(transport)
    return None


async def connected_any(target: Target) -> tuple[Session, SocketPacket | None] | None:
    """A session after its CONNECT of `/`, and the answer, None if there is none; None without a session."""
    session = await _open_any(target)
    if session is None:
        return None
    if not session.revision.connects_unasked:
        await session.send(session.connecting())
    return session, await session.take(lambda packet: packet.type in ANSWERS)


async def find_level(target: Target, declared: int | None) -> Found:
    """The declared contract level, or the highest of which the server shows a sign.

    One sign is enough, so that one fault does not hide a level.
    """
    if declared is not None:
        return Found(declared)
    connected = await connected_any(target)
    if connected is None:
        unknown = "the contract level could not be found out; declare it with --level or a profile"
        return Found(0, unknown, lost=True)
    session, answer = connected
    if answer is not None and answer.type is SocketPacketType.CONNECT_ERROR:
        refusal = f"the server refuses to connect / by {describe(answer)}"
        return Found(0, f"{refusal}; --auth, --header, --cookie or --query may show what it wants", lost=True)
    room = f"probe-{id(session)}"
    for event, arguments in (
        ("message", [1]),
        ("message-with-ack", [2]),
        ("join", [room]),
        ("ask", ["probe-asked"]),
        ("burst", [1, 1]),
    ):
        await session.emit(
            event, *arguments, ack_id=session.next_ack_id() if event in ("message-with-ack", "join") else None
        )

    def level() -> int:
        names = {p.data[0] for p in session.inbox if p.type is SocketPacketType.EVENT}
        acks = {p.ack_id: p.data for p in session.inbox if p.type is SocketPacketType.ACK}
        if [[room]] in acks.values() or names & {"probe-asked", "b"}:
            return 2
        return 1 if acks.get(101) == [2] or names & {"auth", "message-back"} else 0

    await session.until(lambda: level() == 2, target.timing.answer / 2)
    found = level()
    if found == 2:
        return Found(2)
    return Found(
        found,
        f"the server shows no sign of contract level {found + 1}, so cases above {found} do not apply; "
        "'sioprobe conform --contract' says what a level needs, --level declares one",
        lost=answer is None or session.closure is not None,
    )
