"""The connections of one block: open some at a time, let them come to rest, close them in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from gevent.event import Event

from load.blocks.request import BlockRequest
from load.scenarios import Player, Scenario, make_scenario
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.engine import Connection, Engine, Target
from sioprobe.engine.latecomers import give_up_latecomers

__all__ = ["CLOSE_DEADLINE", "DRAIN_DEADLINE", "Crowd", "connect_deadline"]

CONNECT_DEADLINE = 20.0
DRAIN_DEADLINE = 3.0
CLOSE_DEADLINE = 4.0
CONNECTS_AT_ONCE = 64
SLOWEST_CONNECTS = 50.0
"""So many connects a second are too slow for thousands of connections."""


def connect_deadline(connections: int) -> float:
    """Seconds in which so many connections should be there."""
    return max(CONNECT_DEADLINE, connections / SLOWEST_CONNECTS)


def _scenario(request: BlockRequest, engine: Engine) -> Scenario:
    if request.locustfile is None:
        return make_scenario(request.scenario, engine, request.options)
    # Only now: it imports Locust, which patches this process.
    from load.blocks.tasks import TasksScenario

    return TasksScenario(engine, request)


class Crowd:
    """The players of one block. Callbacks on the hub wake the greenlet that waits for them."""

    def __init__(self, request: BlockRequest) -> None:
        self.engine = Engine()
        self.scenario = _scenario(request, self.engine)
        self.scenario.numbering = request.numbering
        self._request = request
        self._targets = [self._target(url, request.connection) for url in request.urls]
        if len(self._targets) > 1:
            # What happens on each server can then be told apart.
            self._targets = [replace(target, label=target.url) for target in self._targets]
        self._changed = Event()
        self.players: list[Player] = []

    @staticmethod
    def _target(url: str, how: ConnectionOptions) -> Target:
        return Target.from_url(url, how.path, auth=how.auth, **how.target_arguments())

    def _opening(self) -> Iterator[Player]:
        first, step = self._request.numbering
        for index in range(self._request.connections):
            target = self._targets[index % len(self._targets)]
            if self._request.connection.per_user:
                own = self._request.connection.of_user(first + index * step)
                target = replace(self._target(target.url, own), label=target.label)
            connection = Connection(
                self.engine, target, self._request.transport, timeout=min(CONNECT_DEADLINE, 10.0)
            )
            yield self.scenario.player(connection, self._tell)

    def _tell(self, player: Player) -> None:
        self._changed.set()

    def _wait(self, done: Callable[[], bool], deadline: float) -> bool:
        """Wait until `done` holds. False if the deadline (seconds from now) passes first."""
        end = time.monotonic() + deadline
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._changed.clear()
            # Nobody tells when an operation ends, so look again soon.
            self._changed.wait(min(left, 0.02))
        return True

    def connect(self) -> list[Player]:
        """Open all connections, some at a time. Answers those that are ready before the deadline."""
        end = time.monotonic() + connect_deadline(self._request.connections)
        for player in self._opening():
            self.players.append(player)
            player.open()
            if not self._wait(lambda: self._count("connecting") < CONNECTS_AT_ONCE, end - time.monotonic()):
                break
        self._wait(lambda: not self._count("connecting"), end - time.monotonic())
        return [player for player in self.players if player.state == "ready"]

    def _count(self, state: str) -> int:
        return sum(player.state == state for player in self.players)

    def drain(self) -> bool:
        """Let what is under way end. True if it did."""
        self.scenario.halt()
        rested = self._wait(lambda: self.scenario.at_rest, DRAIN_DEADLINE)
        self.scenario.settle()
        give_up_latecomers(self.engine)
        return rested

    def close(self) -> int:
        """Close every connection in order. Answers how many closes the server did not confirm."""
        for player in self.players:
            player.leave()
        if not self._wait(lambda: self._count("closed") == len(self.players), CLOSE_DEADLINE):
            for connection in list(self.engine.connections):
                connection.abort()
        self.engine.stop()
        sessions = [player.connection.session for player in self.players if player.failure is None]
        return sum(session.opened is not None and not session.close_confirmed for session in sessions)
