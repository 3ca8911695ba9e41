"""`idle`: connect, answer pings, do nothing. What a connection costs the server while nothing happens."""

from __future__ import annotations

from collections.abc import Callable

from load.scenarios.common import Player, Scenario
from sioprobe.swarm import Connection

__all__ = ["IdleScenario"]


class IdleScenario(Scenario):
    """No operations."""

    title = "connect, answer pings, do nothing"

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player that stays connected."""
        return Player(self, connection, changed)
