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
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Locust patches the process, so it comes before everything that opens a socket.
import locust
from gevent.pool import Group
from locust import TaskSet, User
from locust.env import Environment
from locust.event import Events

from load.playing.task_user import TURN, LocustfileError, TaskUser, one_line
from sioprobe.commandline.connection_options import DEFAULT_PATH, ConnectionOptions
from sioprobe.engine import Engine
from sioprobe.locusts.private_parts import default_options
from sioprobe.users.user import SocketIOUser

__all__ = ["Locustfile", "LocustfileError"]


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
    kind.max_packets_per_post = connection.max_packets_per_post or kind.max_packets_per_post


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
