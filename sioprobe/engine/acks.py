"""The acks that one connection waits for."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.engine.errors import SwarmError
from sioprobe.engine.hub import SECOND
from sioprobe.wire.engineio import decode_json

__all__ = ["AckCallback", "WaitingAcks"]

LONGEST_HEAD = 18
"""The type of an ack, an id of 16 digits at most, and the begin of the data."""

AckCallback = Callable[["list[Any] | None", "SwarmError | None"], None]
"""It is called once: with the arguments of the ack and None, or with None and the failure."""


class WaitingAcks:
    """`waiting` holds for each ack id, as text, the callback and the deadline (`monotonic_ns`).

    Ids count from `first`, and none is used twice, so that a late ack never answers a later event.
    """

    __slots__ = ("_last_id", "waiting")

    def __init__(self, first: int = 1) -> None:
        self._last_id = first - 1
        self.waiting: dict[str, tuple[AckCallback, int]] = {}

    def next_id(self) -> int:
        """A new ack id."""
        self._last_id += 1
        return self._last_id

    def expect(self, ack_id: int, callback: AckCallback, timeout: float) -> None:
        """Wait `timeout` seconds for the ack of that id."""
        self.waiting[str(ack_id)] = (callback, monotonic_ns() + int(timeout * SECOND))

    def pop(self, ack_id: int) -> AckCallback | None:
        """Remove and return the callback that waits for this ack, or None."""
        found = self.waiting.pop(str(ack_id), None)
        return found[0] if found is not None else None

    def take(self, text: str) -> bool:
        """Take the text of an ack in the main namespace for which somebody waits.

        False: it is something else, and a decoder has to look at it. Each call of a task ends with such a
        text, and a decoder costs three times as much.
        """
        start = text.find("[", 1, LONGEST_HEAD)
        if start < 0 or text[1:start] not in self.waiting:
            return False
        values = decode_json(text[start:])
        callback, _ = self.waiting.pop(text[1:start])
        callback(values, None)
        return True

    def check(self, now: int, no_answer: Callable[[str], SwarmError]) -> None:
        """Fail the acks whose deadline has passed, with what `no_answer` makes; `now` is `monotonic_ns()`."""
        late = [ack_id for ack_id, (_, deadline) in self.waiting.items() if now > deadline]
        for ack_id in late:
            found = self.waiting.pop(ack_id, None)
            if found is not None:  # one before it may have ended them all
                found[0](None, no_answer("no ack"))

    def end(self) -> list[AckCallback]:
        """Forget all acks and return their callbacks."""
        waiting, self.waiting = self.waiting, {}
        return [callback for callback, _ in waiting.values()]
