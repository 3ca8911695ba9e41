"""Exclusive cases that run beside one another where the server is far away: what keeps them apart.

Near a server each of them runs alone. Far away they would take minutes, nearly all of it waiting for the way.
A crowd is what such cases have in common. Those that broadcast name their events after themselves, and their
sessions pass over what the others of the crowd broadcast.
"""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["BROADCASTS", "CROWDS", "LARGE_MESSAGES", "NUMBER", "is_of_another", "own"]

LARGE_MESSAGES = "large messages"
BROADCASTS = "broadcasts"
CROWDS = (LARGE_MESSAGES, BROADCASTS)
"""In the order in which they run. What belongs to no crowd follows, alone."""

MARK = "-of-case-"

# That of the case within its crowd; None for a case that runs alone.
NUMBER: ContextVar[int | None] = ContextVar("number", default=None)


def own(event: str) -> str:
    """The name under which this case broadcasts an event: its own, if others broadcast meanwhile."""
    number = NUMBER.get()
    return event if number is None else f"{event}{MARK}{number}"


def is_of_another(data: object) -> bool:
    """Whether an event (name and arguments) is the broadcast of another case of the crowd."""
    number = NUMBER.get()
    if number is None or not isinstance(data, list) or not data or not isinstance(data[0], str):
        return False
    _, mark, whose = data[0].rpartition(MARK)
    return bool(mark) and whose != str(number)
