"""One user of a locustfile, who plays as many tasks as its owner allows.

Importing this imports Locust, which patches the process.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Protocol

from gevent.event import Event
from gevent.pool import Group
from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

from load.playing.own_random import give_random
from sioprobe.engine import Connection, SwarmError
from sioprobe.measured import Recorder
from sioprobe.users.user import SocketIOUser

__all__ = ["TURN", "LocustfileError", "TaskUser", "one_line"]

TURN = "_sioprobe_turn"
"""The attribute of a user that holds its `TaskUser`."""
ENDS_OF_A_TASK = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately)
"""By these a task ends well."""
LONGEST_ERROR = 300


class LocustfileError(ValueError):
    """A locustfile that cannot be played. One line, which begins with its name."""


class File(Protocol):
    """What a user needs of its file: see `load.playing.locustfile.Locustfile`."""

    name: str
    forgives: bool
    recorder: Recorder
    environment: Environment
    group: Group


class TaskUser:
    """One user in a greenlet of its own. It may begin `quota` more tasks, and waits when it has none left.

    `told` is called when it begins to wait (first after `on_start`), has failed or is over; `ended` with the
    name of each task that ended well, and its nanoseconds. `failure` is one line that names the task.
    """

    def __init__(
        self,
        file: File,
        kind: type[SocketIOUser],
        host: str,
        told: Callable[[TaskUser], None],
        ended: Callable[[str, int], None],
        *,
        seed: str | None = None,
        repeats: bool = False,
    ) -> None:
        kind.host = host
        self._file = file
        self._told = told
        self._ended = ended
        self._go = Event()
        self._seed = seed
        self._repeats = repeats
        self.quota = 0.0
        self.doing = "on_start"
        self.waiting = False
        self.over = False
        self.failure: str | None = None
        try:
            self.user = kind(file.environment)
        except Exception as error:
            raise LocustfileError(f"{file.name}: {kind.__name__}: {one_line(error)}") from None
        self.user.host = host
        setattr(self.user, TURN, self)
        self._on_start = self.user.on_start
        self.user.on_start = self._start
        greenlet = self.user.start(file.group)
        self.greenlet = greenlet
        self._random = give_random(greenlet, seed) if seed is not None else None
        greenlet.link(self._end)

    @property
    def connection(self) -> Connection | None:
        """Its connection, once it has one."""
        return self.user._sioprobe.connection

    def allow(self, tasks: float) -> None:
        """Let it begin so many tasks from now on."""
        self.quota = tasks
        if tasks:
            self.waiting = False
            self._go.set()

    def leave(self) -> None:
        """End it: its `on_stop` runs, and its connection is closed in order."""
        self.greenlet.kill(block=False)

    def _start(self) -> None:
        try:
            self._on_start()
        except Exception as error:
            self.fail("on_start", error)
            raise
        self.doing = ""
        self._wait()

    def _wait(self) -> None:
        while self.quota <= 0:
            self._go.clear()
            self.waiting = True
            self._told(self)
            self._go.wait()

    def play(self, name: str, task: Callable[[], Any]) -> Any:
        """Run a task when it is its turn."""
        if self.doing:
            return task()  # a task that another one calls
        self._wait()
        self.quota -= 1
        self.doing = name
        started = monotonic_ns()
        try:
            task()
        except ENDS_OF_A_TASK:
            self._finish(name, started)
            raise
        except Exception as error:
            if not self._file.forgives or isinstance(error, (StopUser, StopTest)):
                self.fail(name, error)
                raise
            self._count(name, error)
        else:
            self._finish(name, started)
        finally:
            self.doing = ""

    def _finish(self, name: str, started: int) -> None:
        self._ended(name, monotonic_ns() - started)
        if self._repeats and self._random is not None and not self.quota:
            self._random.seed(self._seed)

    def _count(self, name: str, error: Exception) -> None:
        # A SwarmError has been counted by the call that raised it.
        if not isinstance(error, SwarmError):
            self._file.recorder.series("task", name).error(type(error).__name__)

    def fail(self, what: str, error: Exception) -> None:
        """Keep the first failure."""
        if self.failure is None:
            self.failure = f"{what}: {one_line(error)}"
            self._told(self)

    def handler_failed(self, error: Exception) -> None:
        """A handler of an event has raised."""
        if self._file.forgives:
            self._count("handler", error)
        else:
            self.fail("a handler", error)

    def _end(self, _greenlet: Any) -> None:
        self.over = True
        self._told(self)


def one_line(error: BaseException) -> str:
    """`ValueError: no such room`."""
    text = " ".join(str(error).split())
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return said if len(said) <= LONGEST_ERROR else said[:LONGEST_ERROR] + "..."
