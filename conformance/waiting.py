"""How many cases work at a time. A case that only waits gives its place to another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

__all__ = ["PLACES", "Places", "waiting"]


class Places:
    """A number of places. A case that comes back from waiting gets one at once, even if all are taken.

    If it had to queue, the server would look slow.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._queue: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a free place, in the order of asking."""
        if self._free > 0 and not self._queue:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Leave the place to the next."""
        self._free += 1
        while self._free > 0 and self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    def come_back(self) -> None:
        """Take a place at once."""
        self._free -= 1


# None where cases run one after the other.
PLACES: ContextVar[Places | None] = ContextVar("places", default=None)


@asynccontextmanager
async def waiting() -> AsyncIterator[None]:
    """For a body that only waits: another case may work meanwhile."""
    places = PLACES.get()
    if places is None:
        yield
        return
    places.give()
    try:
        yield
    finally:
        places.come_back()
