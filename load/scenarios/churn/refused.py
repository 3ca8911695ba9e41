"""A user whom the server refuses again and again: somebody without a token, or with a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns

from load.playing.counted_lives import CountedLivesPlayer, CountedLivesScenario
from load.playing.players import Player
from sioprobe.engine import Connection, SwarmError
from sioprobe.engine.errors import REFUSALS

__all__ = ["LET_IN", "RefusedPlayer"]

LET_IN = "let in"
"""The kind of an error: the server did not refuse this user."""


class RefusedPlayer(CountedLivesPlayer):
    """Each life ends well with a refusal. No message is sent."""

    __slots__ = ()

    def __init__(
        self,
        scenario: CountedLivesScenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
    ) -> None:
        super().__init__(scenario, connection, changed)
        connection.refusal_is_no_error = True

    def connected(self, connection: Connection, namespace: str) -> None:
        """Leave: nobody may come in."""
        self.failure = SwarmError(LET_IN)
        self.series.error(LET_IN)
        connection.close()

    def upgraded(self, connection: Connection) -> None:
        pass

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """A refusal is a good end. After the first one the user is ready, and waits for `begin`."""
        failure = self.failure or failure
        if connection.session.heartbeat is not None:
            self.play.heartbeat = sum(connection.session.heartbeat)
        if self.step == "connect" and failure is not None and failure.kind in REFUSALS:
            self.failure = failure = None
            self.step = "close"
            if self.state == "connecting" and not self.leaving:
                # The time until `begin` does not count: the life waits for others.
                self.arrival -= monotonic_ns()
                self.set_ready()
                return
        super().closed(connection, failure)

    def begin(self) -> None:
        """Count the first life, and go on."""
        self.arrival += monotonic_ns()
        super().begin()

    def work(self) -> None:
        """The first refusal has come already."""
        super().closed(self.connection, None)
