"""Whether a server recovers the state of lost connections. It says so in each answer to CONNECT."""

from __future__ import annotations

from conformance.finding.contract_level import connected_any
from conformance.target import Target
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["recovers"]


async def recovers(target: Target, declared: int | None) -> bool:
    """Whether the answer to a CONNECT of `/` holds a `pid`. Revision 3 has no place for one.

    With 0 as the declared contract level no case asks for it.
    """
    if declared == 0 or target.revision.connects_unasked:
        return False
    connected = await connected_any(target)
    return connected is not None and MAIN_NAMESPACE in connected[0].offsets.pids
