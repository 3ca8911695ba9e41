"""Whether a server recovers the state of lost connections. It says so in each answer to CONNECT."""

from __future__ import annotations

from conformance.finding.contract_level import open_any
from conformance.target import Target
from sioprobe.wire import MAIN_NAMESPACE, SocketPacketType

__all__ = ["recovers"]


async def recovers(target: Target, declared: int | None) -> bool:
    """Whether the answer to a CONNECT of `/` holds a `pid`. Revision 3 has no place for one.

    With 0 as the declared contract level no case asks for it.
    """
    if declared == 0 or target.revision.connects_unasked:
        return False
    session = await open_any(target)
    if session is None:
        return False
    await session.send(session.connecting())
    answers = (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)
    await session.take(lambda packet: packet.type in answers)
    return MAIN_NAMESPACE in session.offsets.pids
