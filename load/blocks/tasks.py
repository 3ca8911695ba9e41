"""A block of a locustfile: its users do their tasks as under Locust, and the calls of the tasks are counted.

An operation is a call that was answered (`SIO ack`, `SIO answer`). Importing this imports Locust, which
patches the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from load.blocks.request import BlockRequest, RequestError
from load.playing.locustfile import Locustfile, LocustfileError
from load.playing.observations import Observations, count_of, duration
from load.playing.players import Player, Scenario
from load.playing.task_user import TaskUser
from load.scenarios import make_options
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.measured import Recorder
from sioprobe.measured.recorder import Sample, Series

__all__ = ["TasksScenario"]

OPERATIONS = ("SIO ack", "SIO answer")
MESSAGES = {"SIO ack": 2, "SIO answer": 1, "SIO emit": 1, "SIO event": 1}
"""Packets of both directions in an entry of a series. An answer is an event too, and counted there."""
TASK = "task"
"""The type of the series that times the tasks."""


class TasksScenario(Scenario):
    """The users of a file; `found` says how often they did each task. Raises RequestError."""

    title = "the tasks of a locustfile"

    def __init__(self, engine: Engine, request: BlockRequest) -> None:
        super().__init__(engine, make_options("idle", {}))
        self._players: list[TaskPlayer] = []
        self._tasks: dict[str, dict[str, Any]] = {}
        try:
            self.file = Locustfile(
                str(request.locustfile),
                engine,
                transport=request.transport,
                connection=request.connection,
                waits=True,
                forgives=True,
            )
        except LocustfileError as error:
            raise RequestError(str(error)) from None
        self._cast = iter(self.file.cast(request.connections))

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """The next user, on the server of this connection; it opens one of its own."""
        player = TaskPlayer(self, connection, changed)
        self._players.append(player)
        return player

    def next_class(self) -> Any:
        """The class of the next user; None when each class has its number of users."""
        return next(self._cast, None)

    def halt(self) -> None:
        """Begin no more tasks."""
        super().halt()
        for player in self._players:
            player.allow(0)

    @property
    def at_rest(self) -> bool:
        """Whether no task is under way."""
        return not any(player.doing for player in self._players)

    def measured(self) -> Sample:
        """The answered calls."""
        sample = Sample()
        for _, total in self._totals(*OPERATIONS):
            sample.merge(total)
        self._tasks = {
            series.name: {"count": total.timed, "p50": total.histogram.percentile(50)}
            for series, total in self._totals(TASK)
            if total.timed
        }
        # Tasks that only emit have no operations.
        self.operation = None if sample.is_empty and self._tasks else (OPERATIONS[0], "*")
        return sample

    def packets(self, operations: int, published: int) -> int:
        """The packets of events and acks, both directions."""
        return sum(
            MESSAGES[series.type] * (total.timed + total.untimed) for series, total in self._totals(*MESSAGES)
        )

    def _totals(self, *types: str) -> list[tuple[Series, Sample]]:
        return [entry for entry in self.engine.recorder.totals() if entry[0].type in types]

    def state(self) -> dict[str, Any]:
        """What was done in the window."""
        return {"locustfile": self.file.name, "tasks": self._tasks}

    @classmethod
    def found(
        cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched
    ) -> Observations | None:
        """How often each task was done, and its p50."""
        (state,) = states
        words = [
            f"{name}: {count_of(task['count'], 'time')}, p50 {duration(task['p50'])}"
            for name, task in state["tasks"].items()
        ]
        return Observations(words, state)


class TaskPlayer(Player):
    """One user. It is ready when its `on_start` has ended."""

    __slots__ = ("_scenario", "_task_user", "_url")

    def __init__(
        self, scenario: TasksScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self._scenario = scenario
        self._url = connection.target.url
        self._task_user: TaskUser | None = None

    @property
    def doing(self) -> str:
        """The task under way, or on_start."""
        return self._task_user.doing if self._task_user is not None and not self._task_user.over else ""

    def allow(self, tasks: float) -> None:
        """Let it begin so many more tasks."""
        if self._task_user is not None:
            self._task_user.allow(tasks)

    def open(self) -> None:
        """Start the user."""
        kind = self._scenario.next_class()
        if kind is None:
            self.state = "closed"
            self._tell()
            return
        try:
            self._task_user = TaskUser(self._scenario.file, kind, self._url, self._told, self._ended)
        except LocustfileError as error:
            raise RequestError(str(error)) from None

    def _ended(self, name: str, nanoseconds: int) -> None:
        self._scenario.engine.recorder.series(TASK, name).record(nanoseconds / 1000)

    def _told(self, user: TaskUser) -> None:
        self.connection = user.connection or self.connection
        if user.failure is not None:
            self.failure = self.failure or SwarmError(user.failure)
        if user.over:
            self.state = "closed"
        elif user.waiting and self.state == "connecting":
            self.state = "ready"
        self._tell()

    def begin(self) -> None:
        """Let it do its tasks until it is halted."""
        super().begin()
        self.allow(float("inf"))

    def leave(self) -> None:
        """End the user; its `on_stop` runs."""
        self.leaving = True
        if self._task_user is not None:
            self._task_user.leave()
