"""`broadcast`: one publisher in each process emits `all` 'm' [tag, number, nanoseconds, payload].

It is `fanout` with one room of all connections to the namespace: the answer to CONNECT makes a member. Each
process has a publisher, and each member hears all publishers. A process does not know how many numbers the
publishers of other processes published. Of these it expects the numbers between the first and the last that a
member got, and the reach refers to them.
"""

from __future__ import annotations

from collections.abc import Callable

from load.playing.pacing import SCHEDULE
from load.playing.parameters import NAMESPACE, PAYLOAD_BYTES, RATE, TIMEOUT, Options
from load.playing.players import Player
from load.scenarios.fanout.publishing import FanoutRoom
from load.scenarios.fanout.scenario import FanoutPlayer, FanoutScenario
from sioprobe.engine import Connection, Engine

__all__ = ["BroadcastScenario"]


class BroadcastScenario(FanoutScenario):
    """One room, without joins."""

    title = "one publisher a process emits to the whole namespace; every delivery is timed and accounted for"
    parameters = (NAMESPACE, PAYLOAD_BYTES, RATE, SCHEDULE, TIMEOUT)
    timed_between = True

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.room = FanoutRoom(self, self.publication, '"all"', "", 1, tag=self.stem + ".")
        self.rooms.append(self.room)

    @classmethod
    def check(cls, options: Options) -> None:
        """All values go together."""

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the only room."""
        return BroadcastPlayer(self, connection, changed, self.room)


class BroadcastPlayer(FanoutPlayer):
    """A member without a join."""

    __slots__ = ()

    def enter(self) -> None:
        """Be a member at once, because the namespace is connected."""
        self.join()
