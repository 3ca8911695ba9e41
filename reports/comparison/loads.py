"""The evidence that a run has for each kind of load: messages, connections, rooms, large messages."""

from __future__ import annotations

from collections.abc import Callable, Collection

from reports.comparison.evidence import CPU, DELIVERIES, MEMORY, Evidence, blocks, paired, rows_of, single
from reports.comparison.examples import IDLE, MEMBERS
from sioprobe.results.primitives import Transport
from sioprobe.results.types import Results

__all__ = [
    "connection_evidence",
    "first_of",
    "message_evidence",
    "room_evidence",
    "size_evidence",
]

PREFERRED: tuple[Transport, ...] = ("websocket", "upgrade", "polling")
"""An answer is about the first of these that was measured, and adds a sentence about polling."""
ROOM_SCENARIOS = ("fanout", "broadcast")
SIZE = "payload_bytes"
"""The situation of a row about the size of messages."""


def message_evidence(results: Results, transport: Transport, only: Collection[str] = ()) -> Evidence | None:
    """How the modes, or some of them, stand by CPU per message over `transport`."""
    return paired(results, transport, only) or blocks(
        results, transport, "server_cpu_us_per_message", CPU, only=only
    )


def connection_evidence(results: Results) -> Evidence | None:
    """How the modes stand by memory for an idle connection, or else for one of the blocks."""
    return first_of(lambda transport: _most_idle(results, transport)) or first_of(
        lambda transport: blocks(results, transport, "rss_bytes_per_connection", MEMORY)
    )


def room_evidence(results: Results) -> Evidence | None:
    """How the modes stand by deliveries a second in a room near the example's size, or else in blocks."""
    return first_of(lambda transport: _nearest_room(results, transport)) or first_of(
        lambda transport: blocks(results, transport, "messages_per_second", DELIVERIES, ROOM_SCENARIOS)
    )


def size_evidence(results: Results) -> list[Evidence]:
    """How the modes stand by CPU for texts of each size that was measured, the smallest first."""
    found = []
    for transport in PREFERRED:
        for size in sorted({row["at"][SIZE] for _, row in rows_of(results, "payload", transport)}):
            at = {SIZE: size, "content": "text"}
            one = single(results, "payload", "cpu_us_per_message", transport, at, CPU)
            found += [one] if one is not None else []
        if found:
            break
    return found


def _most_idle(results: Results, transport: Transport) -> Evidence | None:
    """Memory at the number of idle connections that most modes held, the largest of these."""
    numbers: dict[int, set[str]] = {}
    for _, row in rows_of(results, "connections", transport):
        if IDLE in row["at"] and not row.get("problem"):
            numbers.setdefault(row["at"][IDLE], set()).add(row["arm"])
    for number in sorted(numbers, key=lambda n: (len(numbers[n]), n), reverse=True):
        found = single(results, "connections", "rss_bytes_per_connection", transport, {IDLE: number}, MEMORY)
        if found is not None:
            return found
    return None


def _nearest_room(results: Results, transport: Transport) -> Evidence | None:
    """Deliveries a second in the room that is nearest to the example."""
    sizes = {row["at"]["room_size"] for _, row in rows_of(results, "fanout", transport)}
    for size in sorted(sizes, key=lambda size: abs(size - MEMBERS)):
        found = single(results, "fanout", "deliveries_per_second", transport, {"room_size": size}, DELIVERIES)
        if found is not None:
            return found
    return None


def first_of(look: Callable[[Transport], Evidence | None]) -> Evidence | None:
    """The first evidence over the transports, preferred ones first."""
    return next((found for transport in PREFERRED if (found := look(transport)) is not None), None)
