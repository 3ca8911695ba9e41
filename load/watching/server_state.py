"""What a server holds, looked at before, during and after a run: sessions, memory, threads, open files.

Sessions come from the server's own `/metrics`, the rest from its processes where `locating` found them and
from `/metrics` otherwise. What nobody tells is None. A `ServerWatch` is used by the process in which
figures come together, for one run.
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
"""How much later than ping interval and ping timeout a server may notice that a client is gone."""
COOL_DOWN_STEP = 0.5
TOLERATED_THREADS = 2
"""Pools of servers breathe by a thread or so, and a request of ours may hold one."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look; `at` is seconds of the wall clock, so that other processes' phases can be found in it."""

    at: float
    sessions: int | None = None
    rss_bytes: int | None = None
    threads: int | None = None
    fds: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cooled:
    """The look at the end of a cool-down, and how long that took; `waited` is enough for a verdict or not."""

    look: Look
    seconds: float
    enough: bool


@dataclass(slots=True)
class Watched:
    """The looks of one run: before its first connection, with all of them there, after the last was closed.

    `cooled` is None where nobody waited for a cool-down; `looks` has every look, in order; `unseen` says why
    the server's processes are not seen, and is empty where they are.
    """

    before: Look | None = None
    held: Look | None = None
    cooled: Cooled | None = None
    looks: list[Look] = field(default_factory=list)
    unseen: str = ""


def left_behind(before: Look, after: Look) -> dict[str, int]:
    """How many sessions, threads and open files are there that were not there before; without memory.

    A few threads and files are tolerated: pools breathe, and a kept connection of ours is one.
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
    """Looks at the servers of some URLs and at their processes; sums over all of them.

    `tree` watches the processes from now on, for whoever else samples them during the run; it watches none
    where they are not seen, and `unseen` says why.
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

    def look(self, *, under_load: bool = False) -> Look:
        """Look, and keep what was seen. Blocks for a request to each URL.

        `under_load` leaves out the requests where the processes are known, so as not to disturb.
        """
        at = time.time()
        # Before the server is asked, which may hold a file or a thread for that a little longer.
        sample = self.tree.sample() if self.tree.watches else None
        asked = () if under_load and sample is not None else self._urls
        told: list[dict[str, Any] | None] = [server_metrics(url) for url in asked]
        if not self.looks and None in told:
            # One that tells nothing may not even answer; and of a sum, each part must be known.
            self._urls = ()
        if sample is None:
            held = [_sum(told, name) for name in ("rss_bytes", "threads", "fds")]
        elif sample.processes:
            held = [sample.rss_bytes, sample.threads, sample.fds]
        else:
            # Zeros of a server that is gone would be read as its figures.
            held = [None, None, None]
        look = Look(at, _sum(told, "sessions"), *held)
        self.looks.append(look)
        return look

    def cool_down(
        self, before: Look, heartbeat: float, longest: float, pause: Callable[[float], object]
    ) -> Cooled:
        """Wait until nothing is left behind, at most `heartbeat` and a margin, or `longest` if that is less.

        `heartbeat` is ping interval and ping timeout in seconds: after it, a server may have no client left.
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
