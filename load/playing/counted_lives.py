"""For scenarios in which the operations are whole lives: the steps of a life, and the counts.

A life lasts from the connect to the close by the user. A life that ends in another way has failed, in the
step that it had reached.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Any

from load.playing.lives import LivesPlayer
from load.playing.observations import add_counts
from load.playing.parameters import Options
from load.playing.players import Player, Scenario, kind_of_end
from sioprobe.engine import Connection, Engine, SwarmError

__all__ = ["CountedLivesPlayer", "CountedLivesScenario"]


class CountedLivesScenario(Scenario):
    """Each life that ended well is one operation. `failed` counts the others by step and kind."""

    operation: tuple[str, str]

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.payload = "x" * options.payload_bytes
        self.under_way = 0
        self.lives = 0
        self.failed: dict[str, int] = {}
        self.heartbeat = 0.0
        """Ping interval and ping timeout of the server together, in seconds; 0 while they are not known."""

    @property
    def at_rest(self) -> bool:
        """Whether no life is under way."""
        return self.under_way == 0

    def state(self) -> dict[str, Any]:
        """The lives that ended well, and those that failed by step and kind."""
        return {"lives": self.lives, "failed": dict(self.failed)}

    @classmethod
    def ended_lives(cls, states: Sequence[dict[str, Any]]) -> int:
        """The good and the failed ones: a server may keep something of either."""
        return sum(state["lives"] + sum(state["failed"].values()) for state in states)


class CountedLivesPlayer(LivesPlayer, ABC):
    """One user. `step` is connect, work or close during a life, and empty between lives.

    A subclass sets the steps work (in `work`) and close.
    """

    __slots__ = ("play", "series", "step")

    def __init__(
        self, scenario: CountedLivesScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        options = scenario.options
        super().__init__(scenario, connection, changed, rate=options.rate, pause=options.pause)
        self.play = scenario
        self.series = connection.series(*scenario.operation)
        self.step = ""

    def open(self) -> None:
        """Begin the first life."""
        self.begin_life()
        super().open()

    def next_life(self) -> None:
        """Begin another life."""
        self.begin_life()
        super().next_life()

    def begin_life(self) -> None:
        """Count a life that begins to connect."""
        self.step = "connect"
        self.play.under_way += 1

    def begin(self) -> None:
        """Go on with the first life."""
        super().begin()
        self.work()

    @abstractmethod
    def work(self) -> None:
        """Do the work of a life, now that it is connected."""

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The end of a life, good or bad."""
        step, self.step = self.step, ""
        if step:
            self.play.under_way -= 1
        failure, self.failure = self.failure or failure, None
        good = step == "close" and failure is None
        if good:
            self.end_well(monotonic_ns())
        elif step and not self.leaving:
            add_counts(self.play.failed, {f"{step}: {kind_of_end(failure)}": 1})
        if self.leaving or self.state != "playing":
            # A first connection that fails ends the player, as in every scenario.
            self.finish(failure)
        else:
            self.wait_for_next(failed=not good)

    def end_well(self, now: int) -> None:
        """Count a life that ended well."""
        self.play.lives += 1
        self.series.record((now - self.arrival) / 1000)
