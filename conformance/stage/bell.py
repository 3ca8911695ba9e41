"""What wakes a case that waits: anything that the client or its application does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

__all__ = ["Bell"]

T = TypeVar("T")


class Bell:
    """Rings when something happened in a case. `alarm`: the case cannot go on, and each wait raises it."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self.alarm: Exception | None = None
        self.in_vain = False  # something was waited for, and did not come in time

    def ring(self) -> None:
        """Wake everybody who waits, to look again."""
        woken, self._waiting = self._waiting, []
        for one in woken:
            if not one.done():
                one.set_result(None)

    async def until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """What `look` returns once that is neither None nor false; None if it does not come in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            found = look()
            if found is not None and found is not False:
                return found
            if self.alarm is not None:
                raise self.alarm
            left = deadline - loop.time()
            if left <= 0:
                self.in_vain = True
                return None
            one = loop.create_future()
            self._waiting.append(one)
            await asyncio.wait({one}, timeout=left)
