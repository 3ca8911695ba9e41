"""What a server holds before, during and after a run: sessions, memory, threads, open files.

Sessions come from the `/metrics` of the server. The rest comes from its processes if `locating` found them,
and otherwise from `/metrics`. An unknown figure is None. The process where the figures come together has one
`ServerWatch` for each run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from load.watching.locating import Located
from load.watching.metrics import server_metrics
from load.watching.process_trees import SamplingError, TreeWatch

__all__ = ["Cooled", "Look", "ServerWatch", "Watched", "left_behind"]

MARGIN_SECONDS = 5.0
"""A server may notice so much later than ping interval and ping timeout that a client is gone."""
COOL_DOWN_STEP = 0.5
TOLERATED_THREADS = 2
"""The pools of a server change by a thread or so, and a request of ours may hold one."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the server. `at` is in seconds of the wall clock, which other processes share.

    `lives` is how many lives of clients had ended by then, if the scenario has lives.
    """

    at: float
    sessions: int | None = None
    rss_bytes: int | None = None
    threads: int | None = None
    fds: int | None = None
    lives: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cooled:
    """The look at the end of a cool-down. `seconds` is its length, `enough` whether it allows a verdict."""

    look: Look
    seconds: float
    enough: bool


@dataclass(slots=True)
class Watched:
    """The looks of one run: before the first connection, with all connections, after the last was closed.

    `cooled` is None if there was no cool-down. `looks` are all looks in order. `unseen` says why the
    processes of the server are not seen; it is empty if they are.
    """

    before: Look | None = None
    held: Look | None = None
    cooled: Cooled | None = None
    looks: list[Look] = field(default_factory=list)
    unseen: str = ""


def left_behind(before: Look, after: Look) -> dict[str, int]:
    """How many more sessions, threads and open files there are than before.

    A few threads and files are tolerated: pools change, and a kept connection of ours is a file.
    """
    found: dict[str, int] = {}
    for name, tolerated in (
        ("sessions", 0),
        ("threads", TOLERATED_THREADS),
        ("fds", TOLERATED_THREADS),
    ):
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and new is not None and new - old > tolerated:
            found[name] = new - old
    return found


class ServerWatch:
    """Looks at the servers of some URLs and at their processes. Each figure is a sum over all of them.

    `tree` watches the processes from now on, also for others that sample them. If they are not seen, it
    watches none, and `unseen` says why.
    """

    def __init__(self, urls: Sequence[str], located: Located) -> None:
        self._urls = tuple(urls)
        self.located = located
        self.unseen = ""
        try:
            self.tree = located.watch()
        except SamplingError as error:
            self.tree, self.unseen = TreeWatch(()), str(error)
        self.looks: list[Look] = []

    def look(self, *, under_load: bool = False, lives: int | None = None) -> Look:
        """Look at the server, and add the look to `looks`. Blocks for a request to each URL.

        `lives` is what the look shall say about them. With `under_load` there are no requests if the
        processes are known, so as not to disturb the server.
        """
        at = time.time()
        # Before the requests: the server may hold a file or a thread for them a little longer.
        seen = self.tree.watches
        try:
            sample = self.tree.sample() if seen else None
        except SamplingError as error:
            sample, self.unseen = None, str(error)
        asked = () if under_load and seen else self._urls
        told: list[dict[str, Any] | None] = [server_metrics(url) for url in asked]
        if not self.looks and None in told:
            # A server without /metrics may not even answer. Without all parts there is no sum.
            self._urls = ()
        sessions, sizes = _sum(told, "sessions"), ("rss_bytes", "threads", "fds")
        if not seen:
            held = {name: _sum(told, name) for name in sizes}
        elif sample is not None and sample.processes:
            held = {name: getattr(sample, name) for name in sizes}
        else:
            # The zeros of a server that is gone, or that we cannot read, are not its figures.
            held = {}
        look = Look(at, sessions, **held, lives=lives)
        self.looks.append(look)
        return look

    def cool_down(
        self, before: Look, heartbeat: float, longest: float, pause: Callable[[float], object]
    ) -> Cooled:
        """Wait until nothing is left behind, but not longer than `longest`, nor `heartbeat` and a margin.

        `heartbeat` is the sum of ping interval and ping timeout in seconds. After it, no client may be left.
        """
        began = time.monotonic()
        needed = heartbeat + MARGIN_SECONDS
        while True:
            look = self.look()
            waited = time.monotonic() - began
            if not left_behind(before, look):
                return Cooled(look, waited, True)
            if waited >= min(needed, longest):
                return Cooled(look, waited, waited >= needed)
            pause(COOL_DOWN_STEP)


def _sum(told: Sequence[dict[str, Any] | None], name: str) -> int | None:
    if not told:
        return None
    total = 0
    for metrics in told:
        value = metrics.get(name) if metrics is not None else None
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        total += value
    return total
