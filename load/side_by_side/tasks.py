"""The users of a locustfile on one server, who play as many tasks as one says.

All sides of a life play the same sequence: each user draws from its own numbers, and the n-th user of every
side from the same ones. Importing this imports Locust, which patches the process.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from time import monotonic_ns
from urllib.parse import urlsplit

import gevent
from gevent import getcurrent
from gevent.event import Event

from load.playing.locustfile import Locustfile, LocustfileError
from load.playing.own_random import give_random
from load.playing.task_user import TaskUser
from load.side_by_side.asking import LifeError, LifeRequest
from load.side_by_side.starting import RunningServer
from sioprobe.engine import Engine

__all__ = ["TaskPlayers"]

TURN_SECONDS = 30.0
FLUSH_SECONDS = 1.0
RETRY_SECONDS = 0.05
FROM_SERVER = ("SIO ack", "SIO event", "SIO connect")
"""Each entry of these series is one Socket.IO packet of the server."""


class TaskPlayers:
    """All users of one server. Raises LifeError where a task fails.

    With one connection (`request.connections`) there is one user of each class, they play one after the
    other, and every call of `play` plays the same sequence.
    """

    def __init__(self, _engine: Engine, server: RunningServer, request: LifeRequest) -> None:
        # One of its own, so that failures are those of this server.
        self._engine = Engine()
        self._server = server
        self._request = request
        self._file: Locustfile | None = None
        self._alone = request.connections == 1
        self._awaited: Sequence[TaskUser] = ()
        self._done = Event()
        self._users: list[TaskUser] = []
        self._took: list[int] = []
        self._names: list[list[str]] = []
        self.turns: list[list[str]] = []
        """The names of the tasks of each turn, user by user."""

    @property
    def connections(self) -> int:
        """How many users there are."""
        return len(self._users)

    @property
    def packets(self) -> int:
        """Socket.IO packets that came."""
        totals = self._engine.recorder.totals()
        return sum(total.timed + total.untimed for series, total in totals if series.type in FROM_SERVER)

    def over(self, transport: str) -> TaskPlayers:
        """Others for the same server, not connected yet."""
        return TaskPlayers(self._engine, self._server, replace(self._request, transport=transport))

    def connect(self, end: float) -> None:
        """Load the file and start all users: returns when each has done its `on_start` (once)."""
        request = self._request
        self._wait_for_port(end)
        # What the file itself draws, and the users before they start.
        give_random(getcurrent(), f"{request.seed}")
        try:
            self._file = file = Locustfile(
                str(request.locustfile),
                self._engine,
                transport=request.transport,
                connection=request.connection,
                waits=False,
                forgives=False,
            )
            for number, kind in enumerate(file.cast(request.connections)):
                names: list[str] = []
                self._names.append(names)
                self._users.append(
                    TaskUser(
                        file,
                        kind,
                        self._server.url,
                        self._told,
                        partial(self._ended, names),
                        seed=f"{request.seed} {number}",
                        repeats=self._alone,
                    )
                )
        except LocustfileError as error:
            raise LifeError(str(error)) from None
        self._wait(self._users, max(TURN_SECONDS, end - time.monotonic()), "on_start did not end")
        self._check_connections()

    def _wait_for_port(self, end: float) -> None:
        """A server may say READY before it accepts; `on_start` is called only once."""
        parts = urlsplit(self._server.url)
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1.0).close()
                return
            self._server.check()
            if time.monotonic() > end:
                raise LifeError(f"{self._name}: nothing accepts at {self._server.url}", self._name)
            gevent.sleep(RETRY_SECONDS)

    def play(self, tasks: int) -> tuple[int, float]:
        """Let the users play so many tasks: nanoseconds to the last end, and the p50 of a task in µs."""
        users = self._users[:tasks]
        each, more = divmod(tasks, len(users))
        quotas = {user: each + (number < more) for number, user in enumerate(users)}
        self._took.clear()
        for names in self._names:
            names.clear()
        started = monotonic_ns()
        for group in [[user] for user in users] if self._alone else [users]:
            for user in group:
                user.allow(quotas[user])
            self._wait(group, TURN_SECONDS, "a turn did not end")
        wall = monotonic_ns() - started
        self.turns.append([name for names in self._names for name in names])
        self._flush()
        return wall, statistics.median(self._took) / 1000

    def _ended(self, names: list[str], name: str, took: int) -> None:
        names.append(name)
        self._took.append(took)

    def _told(self, _user: TaskUser) -> None:
        if any(map(_has_failed, self._awaited)) or all(user.waiting for user in self._awaited):
            self._done.set()

    def _wait(self, users: Sequence[TaskUser], seconds: float, problem: str) -> None:
        self._done.clear()
        self._awaited = users
        in_time = any(map(_has_failed, users)) or self._done.wait(seconds)
        self._awaited = ()
        for user in filter(_has_failed, users):
            self._server.check(lost=True)
            what = user.failure or f"{type(user.user).__name__} has stopped"
            raise LifeError(f"{self._name}: {self._request.connection.redact(what)}", self._name)
        if not in_time:
            self._server.check()
            doing = ", ".join(sorted({user.doing for user in users if user.doing}))
            raise LifeError(
                f"{self._name}: {problem} within {seconds:.0f} s{doing and f' ({doing})'}; the server's last "
                f"line: {self._server.last_line()}",
                self._name,
            )

    def _flush(self) -> None:
        """Let out what tasks have sent without waiting for an answer."""
        end = time.monotonic() + FLUSH_SECONDS
        connections = [user.connection for user in self._users if user.connection is not None]
        while any(connection.session.unsent for connection in connections) and time.monotonic() < end:
            gevent.sleep(0.0005)

    def _check_connections(self) -> None:
        """The users must be where the CPU is read, and on the transport that the cell names."""
        for user in self._users:
            connection = user.connection
            if connection is None or connection.closed:
                continue
            name = f"{self._name}: {type(user.user).__name__}"
            if connection.target.address[1] != self._server.port:
                raise LifeError(f"{name} connects to {connection.target.url}, not to self.host", self._name)
            if connection.transport != self._request.transport:
                raise LifeError(
                    f"{name} connects over {connection.transport}, the cell says {self._request.transport}",
                    self._name,
                )

    def finish(self, first: TaskPlayers) -> None:
        """Raise LifeError for calls that failed where no task did, and for other tasks than `first`'s."""
        self._check_connections()
        for series, total in self._engine.recorder.totals():
            for kind, count in total.errors.items():
                raise LifeError(
                    f"{self._name}: {series.type} {series.name}: {kind} ({count} times)", self._name
                )
        for mine, others in zip(self.turns, first.turns, strict=True):
            if mine != others:
                one, other = next(pair for pair in zip_longest(others, mine) if pair[0] != pair[1])
                raise LifeError(
                    f"{first._name} played {one} where {self._name} played {other}: what comes next must "
                    "depend on the functions of `random` alone, or the sides cannot be compared"
                )

    def repeated(self, turns: int) -> bool:
        """Whether the last turns played the same tasks."""
        return all(turn == self.turns[-1] for turn in self.turns[-turns:])

    def close(self) -> None:
        """Cut all connections, and end the users."""
        for user in self._users:
            if user.connection is not None:
                user.connection.abort()
        if self._file is not None:
            self._file.group.kill(timeout=TURN_SECONDS / 10)
            self._file.close()
        self._engine.stop()
        self._users = []

    @property
    def _name(self) -> str:
        return self._server.side.name


def _has_failed(user: TaskUser) -> bool:
    return user.over or user.failure is not None
