"""What the figures mean for the examples: 5 000 users who wait, 30 events a second, a chat of 200 people."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.evidence import Evidence, modes_of, rows_of
from reports.comparison.telling import WATCHED
from reports.writing.quoting import Quotes, Saying, pointer
from reports.writing.wording import listed, tick
from sioprobe.results.answers import Said, Standing
from sioprobe.results.types import CellResult, Results

__all__ = [
    "EVENTS_A_SECOND",
    "IDLE",
    "IDLE_USERS",
    "MEMBERS",
    "NOT_TRIED",
    "at_full_load",
    "guessed",
    "in_short_bursts",
    "larger_messages",
    "messages_to_all",
    "most_carried",
    "multiplied",
    "reached",
    "threads_needed",
]

IDLE_USERS = 5000
EVENTS_A_SECOND = 30
MEMBERS = 200
USERS = 1 / (2 * EVENTS_A_SECOND)
"""Users for each message a second: an event and its answer are two messages."""
IDLE = "idle_connections"
"""The situation of a row about idle connections."""
NOT_TRIED = "not tried"
"""The begin of the problem of a row that was not measured, because other rows had shown enough."""
FEWEST_THREADS = 0.5
"""Of a connection: fewer are those of the server."""


def multiplied(results: Results, found: Evidence) -> Said:
    """The memory of all idle users."""
    said = Saying(Quotes(results))
    parts = [
        f"{said.number(one['source'], factor=IDLE_USERS / 2**20)} MiB with {one['arm']}"
        for one in _told(found)
    ]
    return said.said(
        f"{tick(IDLE_USERS)} such connections would take {listed(parts)} (multiplied, not measured)."
    )


def threads_needed(results: Results, found: Evidence) -> Said | None:
    """The threads of all idle users, where a connection has threads of its own."""
    said, places = Saying(Quotes(results)), {}
    for place, row in rows_of(results, "connections", found.transport):
        if (row["figures"].get("threads_per_connection") or 0.0) > FEWEST_THREADS:
            places[row["arm"]] = f"{place}/figures/threads_per_connection"
    told = [f"{said.number(place, factor=IDLE_USERS)} threads with {arm}" for arm, place in places.items()]
    return said.said(f"They would need {listed(told)}.") if told else None


def most_carried(results: Results, found: Evidence) -> Said | None:
    """The most that each mode carried, and how many users that is, the most first.

    It is what met the objective of a search, or else what a closed loop reached.
    """
    said, rates, objective, ended = Saying(Quotes(results)), {}, "", set()
    for place, row in rows_of(results, "capacity", found.transport, {"point": "capacity"}):
        if row["arm"] in modes_of(results) and row["figures"].get("messages_per_second"):
            rates[row["arm"]] = f"{place}/figures/messages_per_second"
            objective = said.string(f"{place}/at/objective")
            ended |= {row["arm"]} if row["at"].get("limit") == "budget" else set()
    how, searched = f"Within {objective} one process carried", ""
    if rates:
        searched = " This is one search for each mode."
        searched += (
            f" The time ended those of {listed(sorted(ended))}, which may carry more." if ended else ""
        )
    else:
        rates, how = _closed_loop(results, found, said)
    order = sorted(rates, key=lambda arm: -(said.quotes.value(rates[arm]) or 0.0))
    told = [f"{arm} {said.number(rates[arm])} ({said.whole(rates[arm], USERS)} users)" for arm in order]
    if not told:
        return None
    return said.said(
        f"{how} this many messages a second: {listed(told)}. The users are those who "
        f"send {EVENTS_A_SECOND} events a second and get an answer to each.{searched}"
    )


def _closed_loop(results: Results, found: Evidence, said: Saying) -> tuple[dict[str, str], str]:
    """Where the rates of the arms stand, and how they came about."""
    rates: dict[str, str] = {}
    how = ""
    for n, cell in _cells(results, found):
        if cell["metrics"]["messages_per_second"]["estimate"]:
            rates.setdefault(cell["arm"], pointer("cells", n, "metrics", "messages_per_second", "estimate"))
            connections = said.number(pointer("cells", n, "connections"))
            how = how or f"Over {connections} connections that never paused one process carried"
    return rates, how


def larger_messages(results: Results, found: Evidence, sizes: Sequence[Evidence]) -> Said | None:
    """From which size on the mode that is best for small messages is behind."""
    said, best = Saying(Quotes(results)), found.standings[0]["arm"]
    told = []
    for one in sizes:
        own = one.of(best)
        if own is not None and own["standing"] == "behind":
            first = one.standings[0]
            bytes_ = said.number(first["source"].rpartition("/figures/")[0] + "/at/payload_bytes")
            times = said.number(own["source"], over=first["source"])
            told.append(
                f"with {bytes_} bytes of text {first['arm']} needs the least CPU,"
                f" {said.number(first['source'])} µs, and {best} {times} times as much"
            )
    return (
        said.said(f"Larger messages change the order (measured once): {'; '.join(told)}.") if told else None
    )


def at_full_load(results: Results, found: Evidence) -> Said | None:
    """What a message costs in the blocks, where the answer rests on short bursts."""
    if found.source != "paired":
        return None
    said, first = Saying(Quotes(results)), found.standings[0]["arm"]
    costs: dict[str, str] = {}
    for n, cell in _cells(results, found):
        if cell["metrics"]["server_cpu_us_per_message"]["estimate"]:
            place = pointer("cells", n, "metrics", "server_cpu_us_per_message", "estimate")
            costs.setdefault(cell["arm"], place)
    told = [one["arm"] for one in _told(found) if one["arm"] in costs]
    if first not in costs or len(told) < 2:
        return None
    others = [f"{arm} {said.number(costs[arm], over=costs[first])} times" for arm in told if arm != first]
    return said.said(
        "The figures above come from short bursts. At full load a message costs "
        f"{first} {said.number(costs[first])} µs, and {listed(others)} that."
    )


def in_short_bursts(results: Results, found: Evidence) -> Said | None:
    """The median latency of servers that were alive at the same time."""
    for n, part in enumerate(results.get("side_by_side", [])):
        if (part["figure"], part["transport"]) == ("p50_us", found.transport):
            said, medians = Saying(Quotes(results)), pointer("side_by_side", n, "medians")
            arms = [one["arm"] for one in _told(found) if one["arm"] in part["medians"]]
            told = [f"{said.number(medians + pointer(arm), factor=1e-3)} ms with {arm}" for arm in arms]
            return (
                said.said(f"In such a burst half of the answers come within {listed(told)}.")
                if told
                else None
            )
    return None


def messages_to_all(results: Results, found: Evidence) -> Said | None:
    """How many messages a second a whole room got."""
    said = Saying(Quotes(results))
    rooms = [one["source"].rpartition("/figures/")[0] + "/at/room_size" for one in _told(found)]
    if found.source != "single":
        return None
    told = [
        f"{said.number(one['source'], over=room)} with {one['arm']}"
        for one, room in zip(_told(found), rooms, strict=True)
    ]
    members = said.number(rooms[0])
    return said.said(f"So all {members} members of the room get this many messages a second: {listed(told)}.")


def reached(results: Results, found: Evidence) -> Said | None:
    """When everybody had a message, in the rooms whose deliveries were counted."""
    said, places = Saying(Quotes(results)), dict(rows_of(results, "fanout", found.transport))
    told = []
    for one in _told(found):
        place = one["source"].rpartition("/figures/")[0]
        if place in places and places[place]["figures"].get("last_p50_us") is not None:
            told.append(f"{said.number(f'{place}/figures/last_p50_us', factor=1e-3)} ms with {one['arm']}")
    return said.said(f"Half of the messages have reached everybody after {listed(told)}.") if told else None


def guessed(results: Results, found: Evidence) -> Said:
    """What a message to a room would cost."""
    said = Saying(Quotes(results))
    parts = [
        f"{said.number(one['source'], factor=MEMBERS * 1e-3)} ms with {one['arm']}" for one in _told(found)
    ]
    return said.said(
        f"A guess: if a delivery costs as much as such a message, one message to {MEMBERS} members takes "
        f"this much CPU: {listed(parts)}."
    )


def _cells(results: Results, found: Evidence) -> list[tuple[int, CellResult]]:
    """The blocks over the transport of the evidence, of modes that an answer may name."""
    names = modes_of(results)
    return [
        (n, cell)
        for n, cell in enumerate(results["cells"])
        if cell["transport"] == found.transport and cell["arm"] in names
    ]


def _told(found: Evidence) -> list[Standing]:
    """The best one, and those that a reader expects."""
    return [one for one in found.standings if one is found.standings[0] or one["arm"] in WATCHED]
