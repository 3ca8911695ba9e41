"""What the figures mean for the examples: 5,000 users who wait, 30 events a second, a chat of 200 people."""

from __future__ import annotations

from reports.comparison.evidence import Evidence, rows_of
from reports.comparison.telling import WATCHED
from reports.writing.quoting import Saying, pointer
from reports.writing.wording import listed, tick
from sioprobe.results.answers import Standing
from sioprobe.results.types import Results

__all__ = [
    "EVENTS_A_SECOND",
    "IDLE",
    "IDLE_USERS",
    "MEMBERS",
    "NOT_TRIED",
    "at_a_light_load",
    "guessed",
    "limits",
    "most_carried",
    "multiplied",
    "reached",
]

IDLE_USERS = 5000
EVENTS_A_SECOND = 30
MEMBERS = 200
USERS = 1 / (2 * EVENTS_A_SECOND)
"""Users for each message a second: an event and its answer are two messages."""
MOST_LIMITS = 3
IDLE = "idle_connections"
"""The situation of a row about idle connections."""
NOT_TRIED = "not tried"
"""How the problem of a row begins whose measurement was left out for what others had shown."""


def multiplied(found: Evidence, said: Saying) -> str:
    """The memory of all idle users."""
    parts = [
        f"{said.number(one['source'], factor=IDLE_USERS / 2**20)} MiB with {one['arm']}"
        for one in _told(found)
    ]
    return f"{tick(IDLE_USERS)} such connections would take {listed(parts)} (multiplied, not measured)."


def limits(results: Results, found: Evidence, said: Saying) -> list[str]:
    """What stopped modes from holding more connections."""
    return [
        f"{row['arm']}: {said.string(f'{place}/problem')}."
        for place, row in rows_of(results, "connections", found.transport)
        if (row.get("problem") or "").startswith(NOT_TRIED)
    ][:MOST_LIMITS]


def most_carried(results: Results, found: Evidence, said: Saying) -> str | None:
    """The most that the best mode and the watched ones carried, and how many users that is.

    It is what met the objective of a search, or else what a closed loop reached.
    """
    arms = [one["arm"] for one in _told(found)]
    rates, objective = {}, ""
    for place, row in rows_of(results, "capacity", found.transport, {"point": "capacity"}):
        if row["arm"] in arms and row["figures"].get("messages_per_second"):
            rates[row["arm"]] = f"{place}/figures/messages_per_second"
            objective = said.string(f"{place}/at/objective")
    how = f"Within {objective}"
    if not rates:
        rates, how = _closed_loop(results, found, said)
    told = [
        f"{arm} {said.number(rates[arm])} ({said.whole(rates[arm], USERS)} users)"
        for arm in arms
        if arm in rates
    ]
    if not told:
        return None
    return (
        f"{how} one process carried this many messages a second: {listed(told)}. The users are those who "
        f"send {EVENTS_A_SECOND} events a second and get an answer to each."
    )


def at_a_light_load(results: Results, found: Evidence, said: Saying) -> str | None:
    """The median latency of servers that were alive at the same time, most of the time waiting."""
    for n, part in enumerate(results.get("side_by_side", [])):
        if (part["figure"], part["transport"]) == ("p50_us", found.transport):
            medians = pointer("side_by_side", n, "medians")
            arms = [one["arm"] for one in _told(found) if one["arm"] in part["medians"]]
            told = [f"{said.number(medians + pointer(arm), factor=1e-3)} ms with {arm}" for arm in arms]
            return f"At a light load half of the answers come within {listed(told)}." if told else None
    return None


def _closed_loop(results: Results, found: Evidence, said: Saying) -> tuple[dict[str, str], str]:
    """Where the rates of the arms stand, and how they came about."""
    rates: dict[str, str] = {}
    how = ""
    for n, cell in enumerate(results["cells"]):
        if cell["transport"] == found.transport and cell["metrics"]["messages_per_second"]["estimate"]:
            rates.setdefault(cell["arm"], pointer("cells", n, "metrics", "messages_per_second", "estimate"))
            connections = said.number(pointer("cells", n, "connections"))
            how = how or f"Over {connections} connections that never paused"
    return rates, how


def reached(results: Results, found: Evidence, said: Saying) -> str | None:
    """When everybody had a message, in the rooms whose deliveries were counted."""
    places = dict(rows_of(results, "fanout", found.transport))
    told = []
    for one in _told(found):
        place = one["source"].rpartition("/figures/")[0]
        if place in places and places[place]["figures"].get("last_p50_us") is not None:
            told.append(f"{said.number(f'{place}/figures/last_p50_us', factor=1e-3)} ms with {one['arm']}")
    return f"Half of the messages have reached everybody after {listed(told)}." if told else None


def guessed(found: Evidence, said: Saying) -> str:
    """What a message to a room would cost."""
    parts = [
        f"{said.number(one['source'], factor=MEMBERS * 1e-3)} ms with {one['arm']}" for one in _told(found)
    ]
    return (
        f"A guess: if a delivery costs as much as such a message, one message to {MEMBERS} members takes "
        f"this much CPU: {listed(parts)}."
    )


def _told(found: Evidence) -> list[Standing]:
    """The best one, and those that a reader expects."""
    return [one for one in found.standings if one is found.standings[0] or one["arm"] in WATCHED]
