"""The parts of Locust that we use and that its documentation does not promise. They are used only here.

A new Locust may move them. `missing` names those that it has moved; a test calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import locust.argument_parser
import locust.runners
import locust.stats
from locust import User
from locust.dispatch import UsersDispatcher
from locust.env import Environment
from locust.event import EventHook
from locust.runners import MasterRunner, WorkerRunner
from locust.user.task import TaskSet

__all__ = [
    "call_first",
    "create_error",
    "csv_tables",
    "default_options",
    "dispatch_order",
    "forget_dispatcher",
    "hears",
    "listeners_of",
    "missing",
    "report_each",
    "response_time_bucket",
    "send_report",
    "sleep_between_tasks",
]


def missing() -> list[str]:
    """The names of the parts that this Locust does not have."""
    runner = Environment().create_local_runner()
    try:
        parts: tuple[tuple[Any, str], ...] = (
            (EventHook(), "_handlers"),
            (runner, "_users_dispatcher"),
            (UsersDispatcher([], [User]), "_worker_nodes"),
            (runner, "custom_messages"),
            (TaskSet, "_sleep"),
            (locust.argument_parser, "get_parser"),
            (WorkerRunner, "_send_stats"),
            (MasterRunner, "get_worker_index"),
            (locust.runners, "WORKER_REPORT_INTERVAL"),
            (locust.stats, "PERCENTILES_TO_REPORT"),
            (locust.stats, "StatsCSV"),
            (locust.stats.StatsCSV, "requests_csv"),
            (locust.stats.StatsCSV, "failures_csv"),
            (locust.stats, "StatsError"),
            (locust.stats.StatsError, "create_key"),
            (locust.stats, "bucket_response_time"),
        )
        return [f"{_name(owner)}.{name}" for owner, name in parts if not hasattr(owner, name)]
    finally:
        runner.quit()


def _name(owner: Any) -> str:
    return getattr(owner, "__qualname__", None) or getattr(owner, "__name__", None) or type(owner).__name__


def call_first(event: EventHook, listener: Callable[..., None]) -> None:
    """Call this listener before all that are there, also before Locust's own.

    Locust calls the listeners of `quitting` from the last to the first, so there it comes after all others.
    """
    event._handlers.insert(0, listener)


def listeners_of(event: EventHook) -> Iterator[Callable[..., None]]:
    """The listeners that are not Locust's own."""
    for listener in event._handlers:
        if (getattr(listener, "__module__", None) or "").partition(".")[0] != "locust":
            yield listener


def default_options() -> Any:
    """What Locust's command line makes of no arguments; listeners may have added options of their own."""
    return locust.argument_parser.get_parser().parse_args([])


def report_each(seconds: float) -> None:
    """Let the worker in this process report to its master this often."""
    locust.runners.WORKER_REPORT_INTERVAL = seconds


def send_report(runner: WorkerRunner) -> None:
    """Let a worker report to its master now."""
    runner._send_stats()


def hears(runner: WorkerRunner, message: str) -> bool:
    """Whether somebody is registered for this type of message."""
    return message in runner.custom_messages


def forget_dispatcher(runner: MasterRunner) -> None:
    """If the master loses a worker from now on, it shall not spawn its users elsewhere."""
    runner._users_dispatcher = None


def dispatch_order(runner: MasterRunner) -> list[str]:
    """The client ids of the workers, in the order in which Locust gives them users, again and again."""
    dispatcher = runner._users_dispatcher
    return [worker.id for worker in dispatcher._worker_nodes] if dispatcher is not None else []


def sleep_between_tasks(sleep: Callable[[Any, float], None]) -> None:
    """Let users, of every class, sleep in this way when a task has ended: `sleep(task_set, seconds)`."""
    TaskSet._sleep = sleep


def csv_tables(environment: Environment) -> dict[str, Callable[[Any], None]]:
    """For the name of each CSV file, a function that writes its rows to a `csv.writer`."""
    table = locust.stats.StatsCSV(environment, locust.stats.PERCENTILES_TO_REPORT)
    return {"stats": table.requests_csv, "failures": table.failures_csv}


def response_time_bucket(milliseconds: float) -> int:
    """The response time under which Locust counts this one."""
    bucket: int = locust.stats.bucket_response_time(milliseconds)
    return bucket


def create_error(errors: dict[str, Any], type: str, name: str, kind: str, at: float) -> Any:
    """The entry in Locust's table of failures; a new one if there is none yet."""
    key = locust.stats.StatsError.create_key(type, name, kind)
    error = errors.get(key)
    if error is None:
        error = errors[key] = locust.stats.StatsError(type, name, kind)
        error.first_seen = at
    return error
