"""How far away a server is: the least time that a request takes, with its connection."""

from __future__ import annotations

import time

from conformance.client.about import PROBE_SECONDS
from conformance.client.address import Address
from conformance.client.http import Answer, exchange
from conformance.client.revisions import Revision

__all__ = ["measure_round_trip"]

TIMES = 3
# Nobody has this session, so the request costs the server nothing, and a proxy cannot answer it alone.
UNKNOWN_SESSION = "&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA"


async def measure_round_trip(address: Address, revision: Revision) -> float | None:
    """Seconds, the least of three, because a busy machine makes some of them longer. None if unanswered."""
    found: list[float] = []
    for _ in range(TIMES):
        started = time.monotonic()
        target = f"{address.path}?{revision.query}{UNKNOWN_SESSION}"
        if not isinstance(await exchange(address, "GET", target, seconds=PROBE_SECONDS), Answer):
            break
        found.append(time.monotonic() - started)
    return min(found, default=None)
