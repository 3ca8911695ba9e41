"""Whether this machine stood still meanwhile: then nothing that has to do with time was seen.

What is asked again for it is asked whatever came of it, so no defect can hide behind a lucky try.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

EVERY = 0.05  # seconds between two looks
TIMES = 6  # at most

T = TypeVar("T")


class Standstill:
    """The longest time, in seconds, that this process was held up within the context."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        before = time.monotonic()
        while not self._over.wait(EVERY):
            before = self._note(before)
        self._note(before)

    def _note(self, before: float) -> float:
        now = time.monotonic()
        self.longest = max(self.longest, now - before - EVERY)
        return now

    def __enter__(self) -> Standstill:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()


def undisturbed(work: Callable[[], T], *, limit: float = 0.25) -> T:
    """What `work` comes to, done again when this machine stood still for more than `limit` seconds."""
    for _ in range(TIMES - 1):
        with Standstill() as seen:
            try:
                result = work()
            except Exception as error:
                failure: Exception | None = error
            else:
                failure = None
        if seen.longest <= limit:
            if failure is not None:
                raise failure
            return result
    return work()
