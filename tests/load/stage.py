"""Scenarios on the engine in the test's own process, without Locust: for tests of what a scenario finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import Any

import gevent

from load.scenarios import SCENARIOS, Player, Scenario, make_options
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine, Target

DEADLINE = 60.0


class Stage:
    """Some players of one scenario, which begin as soon as they are ready. A context manager.

    `url` may be several, with commas. They take turns.
    """

    def __init__(self, url: str, scenario: str, transport: str, players: int, **options: Any) -> None:
        self.engine = Engine()
        self.engine.start()
        self.kind: type[Scenario] = SCENARIOS[scenario]
        self.scenario: Any = self.kind(self.engine, make_options(scenario, options))
        self.players: list[Player] = []
        targets = [Target.from_url(each) for each in url.split(",")]
        if len(targets) > 1:
            targets = [replace(target, label=target.url) for target in targets]
        self._targets = cycle(targets)
        self._transport = transport
        for _ in range(players):
            self.add()

    def add(self) -> Player:
        """One more player, which connects at once."""
        connection = Connection(self.engine, next(self._targets), self._transport)
        player = self.scenario.player(connection, self._changed)
        self.players.append(player)
        player.open()
        return player

    def _changed(self, player: Player) -> None:
        if player.state == "ready":
            player.begin()

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        """Wait on the hub until the condition holds."""
        with gevent.Timeout(DEADLINE, AssertionError(f"not within {DEADLINE} s: {what}")):
            while not condition():
                gevent.sleep(0.01)

    def finish(self, server: Watched | None = None) -> dict[str, Any]:
        """Come to rest, close everything, and say what was found."""
        self.scenario.halt()
        self.wait(lambda: self.scenario.at_rest, "rest")
        self.scenario.settle()
        for player in self.players:
            player.leave()
        self.wait(lambda: all(player.state == "closed" for player in self.players), "the end of all players")
        found = self.kind.found([self.scenario.state()], self.engine.recorder, server or Watched())
        assert found is not None
        return found.to_json()

    def errors(self) -> dict[str, int]:
        """All errors by kind."""
        return self.engine.recorder.errors()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in list(self.engine.connections):
            connection.abort()
        for player in self.players:
            player.leave()
        self.engine.stop()
