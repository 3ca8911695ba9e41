"""The first screen: which mode suits three kinds of user, as far as the run can say.

An answer takes the best evidence that there is, says what that is, and names what measures the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reports.comparison.evidence import Evidence, modes_of
from reports.comparison.examples import (
    EVENTS_A_SECOND,
    IDLE_USERS,
    MEMBERS,
    at_full_load,
    guessed,
    in_short_bursts,
    larger_messages,
    messages_to_all,
    most_carried,
    multiplied,
    reached,
    threads_needed,
)
from reports.comparison.loads import (
    connection_evidence,
    first_of,
    message_evidence,
    room_evidence,
    size_evidence,
)
from reports.comparison.telling import figure_of, lead, names_of, rest
from reports.writing.quoting import Quotes, Saying
from reports.writing.wording import tick
from sioprobe.results.answers import Answer, Said, Sureness
from sioprobe.results.comparison import SectionName
from sioprobe.results.types import Results

__all__ = ["answers_of"]

FULL = "sioprobe compare --profile full"
MISSING: dict[SectionName, str] = {
    "capacity": "the highest rate within a limit of latency",
    "latency": "the latency of a server that is not at its maximum",
    "fanout": "rooms of 10, 100 and 1,000",
    "connections": "threads of a connection, thousands of connections at once, the limit of each mode",
    "life": "leaks, and the return of all clients after a restart",
    "payload": "larger messages",
    "processes": "several processes",
}
"""What a reader misses without a section."""


@dataclass(frozen=True, slots=True)
class User:
    """A kind of user. `sections` are those that would say more."""

    id: Literal["connections", "messages", "rooms"]
    title: str
    example: str
    sections: tuple[SectionName, ...]


CONNECTIONS = User(
    "connections",
    "Many idle connections",
    f"such as {tick(IDLE_USERS)} users who mostly wait",
    ("connections", "life"),
)
MESSAGES = User(
    "messages",
    "Many small messages",
    f"such as a game in which each user sends {EVENTS_A_SECOND} events a second",
    ("capacity", "latency", "payload", "processes"),
)
ROOMS = User("rooms", "Few large rooms", f"such as a chat of {MEMBERS} people", ("fanout", "processes"))


def answers_of(results: Results) -> list[Answer]:
    """One answer for each kind of user, in the order of the page."""
    return [_connections(results), _messages(results), _rooms(results)]


def _connections(results: Results) -> Answer:
    found = connection_evidence(results)
    said = Saying(Quotes(results))
    if found is None:
        return _answer(results, CONNECTIONS, found, said)
    more = [multiplied(results, found), threads_needed(results, found)]
    return _answer(results, CONNECTIONS, found, said, [lead(found, said), rest(found, said)], more)


def _messages(results: Results) -> Answer:
    found = first_of(lambda transport: message_evidence(results, transport))
    said = Saying(Quotes(results))
    if found is None:
        return _answer(results, MESSAGES, found, said)
    more = [
        most_carried(results, found),
        larger_messages(results, found, size_evidence(results)),
        at_full_load(results, found),
        in_short_bursts(results, found),
        _over_polling(results, found),
    ]
    return _answer(results, MESSAGES, found, said, [lead(found, said), rest(found, said)], more)


def _over_polling(results: Results, found: Evidence) -> Said | None:
    polling = message_evidence(results, "polling") if found.transport != "polling" else None
    said = Saying(Quotes(results))
    if polling is None:
        return None
    if _order(polling) == _order(found):
        figure = figure_of(polling, polling.standings[0], said)
        return said.said(f"Over polling the order is the same, and the best needs {figure}.")
    return said.said(lead(polling, said), rest(polling, said))


def _order(found: Evidence) -> tuple[set[str], set[str]]:
    return {one["arm"] for one in found.best}, {one["arm"] for one in found.behind}


def _rooms(results: Results) -> Answer:
    found = room_evidence(results)
    said = Saying(Quotes(results))
    if found is not None:
        more = [messages_to_all(results, found), reached(results, found)]
        return _answer(results, ROOMS, found, said, [lead(found, said), rest(found, said)], more)
    found = first_of(lambda transport: message_evidence(results, transport))
    if found is None:
        return _answer(results, ROOMS, found, said)
    verb = found.kind.verbs[len(found.best) > 1]
    told = [
        "No room was measured. What comes nearest is the CPU for a message: "
        f"{names_of(found.best)} {verb} the least.",
        rest(found, said),
    ]
    return _answer(results, ROOMS, found, said, told, [guessed(results, found)], indirect=True)


def _answer(
    results: Results,
    user: User,
    found: Evidence | None,
    said: Saying,
    told: Sequence[str | None] = ("This run did not measure it.",),
    more: Sequence[Said | None] = (),
    indirect: bool = False,
) -> Answer:
    measured = {part["name"] for part in results.get("sections", []) if part["status"] != "not measured"}
    missing = [name for name in user.sections if name not in measured]
    # The profile has the reference server in each mode; an application needs a profile of its own.
    reference = all(arm.get("mode") for arm in results["arms"] if arm["id"] in modes_of(results))
    return {
        "user": user.id,
        "title": user.title,
        "example": user.example,
        "answer": said.said(*told),
        "more": [one for one in more if one is not None],
        "sureness": _sureness(found, indirect),
        "basis": found.basis if found else said.said(),
        "figure": found.kind.label if found else None,
        "unit": found.kind.unit if found else None,
        "factor": found.kind.factor if found else 1.0,
        "standings": found.standings if found else [],
        "not_measured": [MISSING[name] for name in missing],
        "command": " ".join([FULL, *(f"--section {name}" for name in missing)])
        if missing and reference
        else None,
    }


def _sureness(found: Evidence | None, indirect: bool) -> Sureness:
    if found is None:
        return "not measured"
    if len(found.standings) == 1:
        return "one mode"
    if indirect or found.source == "single":
        return "indirect" if indirect else "measured once"
    if not found.behind:
        return "alike"
    return "sure" if found.source == "paired" else "likely"
