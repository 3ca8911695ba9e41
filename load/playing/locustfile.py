"""A locustfile played without Locust's runner: its owner says when each user may play how many tasks.

Importing this imports Locust, which patches the process: do it before the process starts children.
Each `Locustfile` loads the file anew. So what its globals and classes hold belongs to one server alone.
`python -m load.playing.locustfile FILE` says whether a file can be played.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from time import monotonic_ns
from types import SimpleNamespace
from typing import Any

# Locust patches the process, so it comes before everything that opens a socket.
import locust
from gevent.event import Event
from gevent.pool import Group
from locust import TaskSet, User
from locust.env import Environment
from locust.event import Events
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately

from load.playing.own_random import give_random
from sioprobe.commandline.connection_options import DEFAULT_PATH, ConnectionOptions
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.locusts.private_parts import default_options
from sioprobe.users.user import SocketIOUser

__all__ = ["Locustfile", "LocustfileError", "TaskUser"]

TURN = "_sioprobe_turn"
"""The attribute of a user that holds its `TaskUser`."""
ENDS_OF_A_TASK = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately)
"""By these a task ends well."""
LONGEST_ERROR = 300


class LocustfileError(ValueError):
    """A locustfile that cannot be played. One line, which begins with its name."""


class Locustfile:
    """The user classes of a file, loaded for one server. Raises LocustfileError.

    Their `transport` becomes this one; headers, cookies and query are added to theirs. Without `waits` no
    `wait_time` is slept. `forgives` says that a task that fails is counted in the recorder, and the next one
    follows, as under Locust; otherwise its user is over.
    """

    def __init__(
        self,
        path: str,
        engine: Engine,
        *,
        transport: str,
        connection: ConnectionOptions,
        waits: bool,
        forgives: bool,
    ) -> None:
        self.name = Path(path).name
        self.forgives = forgives
        self.recorder = engine.recorder
        if connection.auth is not None:
            raise LocustfileError(
                f"{self.name}: an auth payload is what its users give to self.connect(auth=...)"
            )
        events, self.classes = _load(Path(path))
        for kind in self.classes:
            _set_up(kind, transport, connection)
        marked: dict[Any, Any] = {}
        for kind in self.classes:
            _mark_tasks(kind, marked, waits=waits)
        self.group = Group()
        try:
            options = default_options()
        except (Exception, SystemExit) as error:
            raise LocustfileError(f"{self.name}: its options: {one_line(error)}") from None
        self.environment = Environment(
            user_classes=list(self.classes), events=events, catch_exceptions=False, parsed_options=options
        )
        # Where `SocketIOUser` looks for its engine.
        self.environment.sioprobe = SimpleNamespace(engine=engine)
        events.user_error.add_listener(_user_failed)
        events.init.fire(environment=self.environment, runner=None, web_ui=None)
        events.test_start.fire(environment=self.environment)

    def cast(self, count: int) -> list[type[SocketIOUser]]:
        """A class for each of `count` users: each class once, then by `fixed_count` and `weight`.

        There are more if the file has more classes, and fewer if each class has its `fixed_count`.
        """
        cast = list(self.classes)
        while len(cast) < count:
            fixed = [kind for kind in self.classes if cast.count(kind) < kind.fixed_count]
            able = fixed or [kind for kind in self.classes if not kind.fixed_count]
            if not able:
                break
            cast.append(min(able, key=lambda kind: cast.count(kind) / kind.weight))
        return cast

    def close(self) -> None:
        """Tell the file that the test is over."""
        self.environment.events.test_stop.fire(environment=self.environment)


class TaskUser:
    """One user in a greenlet of its own. It may begin `quota` more tasks, and waits when it has none left.

    `told` is called when it begins to wait (first after `on_start`), has failed or is over; `ended` with the
    name of each task that ended well, and its nanoseconds. `failure` is one line that names the task.
    """

    def __init__(
        self,
        file: Locustfile,
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
            if not self._file.forgives or isinstance(
                error, (locust.exception.StopUser, locust.exception.StopTest)
            ):
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


def _user_failed(user_instance: Any, exception: Exception, **_: Any) -> None:
    """Locust's event: a task, `on_start` or a handler has raised. The first two are known already."""
    user = user_instance.user if isinstance(user_instance, TaskSet) else user_instance
    turn: TaskUser = getattr(user, TURN)
    if turn.failure is None:
        turn.handler_failed(exception)


def _load(path: Path) -> tuple[Events, list[type[SocketIOUser]]]:
    """Run the file; its listeners, and its user classes. Raises LocustfileError."""
    # Listeners of this file hear this server's users alone.
    locust.events = events = Events()
    module_name = f"locustfile_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise LocustfileError(f"{path.name}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    # As under Locust, modules beside the file can be imported; nothing is left beside it.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError as error:
        if error.filename != str(path):
            raise LocustfileError(f"{path.name}: {_where(error, path)}{one_line(error)}") from None
        raise LocustfileError(f"{path.name}: there is no such file") from None
    except (Exception, SystemExit) as error:
        raise LocustfileError(f"{path.name}: {_where(error, path)}{one_line(error)}") from None
    found: list[Any] = [value for value in vars(module).values() if inspect.isclass(value)]
    kinds = [
        kind for kind in dict.fromkeys(found) if issubclass(kind, User) and not kind.abstract and kind.weight
    ]
    for kind in kinds:
        if not issubclass(kind, SocketIOUser):
            raise LocustfileError(
                f"{path.name}: {kind.__name__} is no SocketIOUser (from sioprobe import SocketIOUser)"
            )
        if not kind.tasks:
            raise LocustfileError(f"{path.name}: {kind.__name__} has no @task")
    if not kinds:
        raise LocustfileError(f"{path.name}: has no class that inherits from SocketIOUser")
    return events, kinds


def _where(error: BaseException, path: Path) -> str:
    """`line 3: `, the last line of the file that led to the error."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"line {lines[-1]}: " if lines else ""


def _set_up(kind: type[SocketIOUser], transport: str, connection: ConnectionOptions) -> None:
    kind.transport = transport
    kind.headers = {**(kind.headers or {}), **connection.headers}
    kind.cookies = {**(kind.cookies or {}), **connection.cookies}
    kind.query = {**(kind.query or {}), **connection.query}
    if connection.path != DEFAULT_PATH:
        kind.path = connection.path
    kind.ca_file = connection.ca_file or kind.ca_file
    kind.verify = kind.verify and connection.verify


def _mark_tasks(holder: Any, marked: dict[Any, Any], *, waits: bool) -> None:
    """Let each task of a class, and of the task sets in it, wait for its turn. `marked` has what is done."""
    if holder in marked:
        return
    marked[holder] = holder
    if not waits:
        holder.wait_time = locust.constant(0)
    tasks = list(holder.tasks)
    for nested in filter(inspect.isclass, tasks):
        _mark_tasks(nested, marked, waits=waits)

    def mark(task: Any) -> Any:
        if inspect.isclass(task):
            return task
        if task not in marked:
            marked[task] = _in_turn(task)
            marked[marked[task]] = marked[task]
        return marked[task]

    for name in dir(holder):
        value = inspect.getattr_static(holder, name)
        # A Markov chain looks for its tasks by name.
        if inspect.isfunction(value) and (value in tasks or hasattr(value, "transitions")):
            setattr(holder, name, mark(value))
    holder.tasks = [mark(task) for task in tasks]


def _in_turn(task: Any) -> Any:
    name = getattr(task, "__qualname__", repr(task)).rpartition("<locals>.")[2]

    @functools.wraps(task)
    def play(holder: Any, *arguments: Any, **keywords: Any) -> Any:
        user = holder.user if isinstance(holder, TaskSet) else holder
        return getattr(user, TURN).play(name, lambda: task(holder, *arguments, **keywords))

    return play


def main() -> int:
    """Say whether the file named on the command line can be played; 2 if not."""
    try:
        _load(Path(sys.argv[1]))
    except LocustfileError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
