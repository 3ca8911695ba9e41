"""For scenarios about the life of connections: a user that has one connection after the other.

Under Locust `-u` says how many such users there are. Each opens its next connection by itself, so one player
lasts from the first connection of a user to the last.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import monotonic_ns

from load.playing.parameters import Parameter
from load.playing.players import Player, Scenario
from load.playing.timers import Later
from sioprobe.engine import Connection, SwarmError
from sioprobe.engine.hub import SECOND

__all__ = ["PAUSE", "LivesPlayer"]

RETRY_SECONDS = 1.0
"""The shortest pause after a connection that failed: a server that refuses is not asked in a tight loop."""

PAUSE = Parameter(
    "pause", 0.0, "time between two connections of a user, without a rate", unit="s", least=0, most=86_400
)


class LivesPlayer(Player):
    """A user with one connection after the other. Its state is closed when no other follows.

    With `rate` (connections a second of this user) the connections follow a schedule. Without it, the next
    follows `pause` seconds after the end of the last. A subclass calls `wait_for_next` when a life has ended.
    """

    __slots__ = ("_due", "_interval", "_pause", "arrival", "late", "later")

    def __init__(
        self,
        scenario: Scenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
        *,
        rate: float = 0.0,
        pause: float = 0.0,
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.later = Later(scenario.engine)
        self.late = False
        self.arrival = 0
        self._interval = int(SECOND / rate) if rate else 0
        self._pause = pause
        self._due = 0

    def open(self) -> None:
        """Open the first connection."""
        self.arrival = monotonic_ns()
        # Users start in batches: each begins its schedule at a random phase, so that they do not go in step.
        self._due = self.arrival + int(self._interval * random.random())
        super().open()

    def reopen(self, *, lost: bool = False) -> None:
        """Open the next connection, to the same server. If the last was `lost`, ask for its recovery."""
        old = self.connection
        self.connection = old.successor()
        if lost:
            self.connection.resume(old)
        self.connection.listener = self
        self.connection.connect(self.scenario.options.namespace, old.target.auth)

    def wait_for_next(self, *, failed: bool) -> None:
        """Open the next connection when it is due. `late` says that it was due before now."""
        if self.scenario.halted or self.leaving:
            return
        now = monotonic_ns()
        if self._interval:
            while self._due <= self.arrival:
                self._due += self._interval
            wait = (self._due - now) / SECOND
            self.late = wait < 0
            if failed and wait < RETRY_SECONDS:
                wait = RETRY_SECONDS
                self._due = now + int(wait * SECOND)
        else:
            wait = max(self._pause, RETRY_SECONDS if failed else 0.0)
            self._due = now + int(wait * SECOND)
        self.later.set(wait, self._arrive)

    def _arrive(self) -> None:
        if self.scenario.halted or self.leaving:
            return
        if self._interval:
            self.scenario.engine.send_lag.record(max(0, monotonic_ns() - self._due) / 1000)
            self.arrival = self._due  # a late one has waited since then
        else:
            self.arrival = monotonic_ns()
        self.next_life()

    def next_life(self) -> None:
        """Begin the next connection. A subclass prepares its counts first."""
        self.reopen()

    def leave(self) -> None:
        """Leave for good."""
        self.leaving = True
        self.later.cancel()
        if self.connection.closed:
            self.finish(None)
        else:
            self.connection.close()

    def finish(self, failure: SwarmError | None) -> None:
        """End the player: no other connection follows."""
        if self.state == "closed":
            return
        self.later.cancel()
        self.failure = self.failure or failure
        self.state = "closed"
        self._tell()
