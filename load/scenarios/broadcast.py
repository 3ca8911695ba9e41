"""`broadcast`: a publisher a process emits `all` 'm' [tag, number, nanoseconds, payload] to the namespace.

As `fanout` with one room that holds every connection of the server's namespace: the CONNECT answer makes
a member. Several processes have a publisher each, and each member hears all of them. How many numbers a
publisher of another process published is not known here: of these, what lies between the first and the
last number that a member got is expected of it, and the reach is stated against that.
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
    """One room, and no joining."""

    title = "one publisher a process emits to the whole namespace; every delivery is timed and accounted for"
    parameters = (NAMESPACE, PAYLOAD_BYTES, RATE, SCHEDULE, TIMEOUT)
    timed_between = True

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.room = FanoutRoom(self, self.publication, '"all"', "", 1, tag=self.stem + ".")
        self.rooms.append(self.room)

    @classmethod
    def check(cls, options: Options) -> None:
        """Every value goes with every other."""

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the only room."""
        return BroadcastPlayer(self, connection, changed, self.room)


class BroadcastPlayer(FanoutPlayer):
    """A member without a join."""

    __slots__ = ()

    def prepare(self) -> None:
        """The namespace is connected, and that is all."""
        self.join()
