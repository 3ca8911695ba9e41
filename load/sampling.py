"""CPU time, memory, threads, open files and context switches of process trees, read from outside.

CPU comes from each process's own clock, in nanoseconds; what /proc counts has ticks of 10 ms. Linux only.
A `TreeWatch` keeps accounts: a process that has ended stays in the sums with what it had used, what its
parent reaped of children that no sample saw is added, and a process id that another process took is not
taken for the first. So the CPU time of a watch never falls, and nothing is counted twice.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["SamplingError", "TreeSample", "TreeWatch", "descendants", "process_cpu_ns", "process_name"]
__all__ += ["sample_trees"]

_MANY_THREADS = 64
"""Beyond so many threads their context switches are read when asked for, not with each sample."""


class SamplingError(RuntimeError):
    """Nothing can be sampled; one line."""


@dataclass(frozen=True, slots=True)
class TreeSample:
    """Sums over all processes of some trees at one moment.

    CPU in nanoseconds and context switches since the watch began, ended processes included; the other
    figures are of those that live. None is what this user may not read.
    """

    at: float
    cpu_ns: int
    rss_bytes: int
    threads: int
    fds: int | None
    processes: int
    context_switches: int | None = None

    def to_json(self, since: TreeSample | None = None) -> dict[str, Any]:
        """As a block's `server`; CPU in seconds, since another sample where one is given."""
        used = self.cpu_ns - (since.cpu_ns if since is not None else 0)
        return {
            "cpu_seconds": used / 1e9,
            "rss_bytes": self.rss_bytes,
            "threads": self.threads,
            "fds": self.fds,
            "processes": self.processes,
        }


def process_cpu_ns(pid: int) -> int:
    """CPU time of one process, all its threads. Raises ProcessLookupError or OSError when it is gone."""
    # The kernel's encoding of a process CPU clock: clock_getcpuclockid(3) makes the same number.
    return time.clock_gettime_ns((~pid << 3) | 2)


def process_name(pid: int) -> str:
    """The name that the kernel has for a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""


@dataclass(slots=True)
class _Process:
    """What /proc/PID/stat and the clock said last, and what was there when the watch began."""

    pid: int
    born: int
    parent: int
    threads: int = 0
    rss_bytes: int = 0
    fds: int | None = None
    cpu_ns: int = 0
    cpu_before_ns: int = 0
    reaped_ns: int = 0
    """CPU of its ended children, as the kernel adds it up, in ticks."""
    reaped_before_ns: int = 0
    seen_of_reaped_ns: int = 0
    """How much of `reaped_ns` samples saw while those children lived."""
    most_unseen_ns: int = 0

    @property
    def used_ns(self) -> int:
        """Since the watch began: its own, and what no sample saw of its ended children."""
        return self.cpu_ns - self.cpu_before_ns + self.most_unseen_ns


class TreeWatch:
    """The processes of some ids and all their descendants, from now on.

    A descendant that a daemon's way of starting gave another parent stays watched once it was seen.
    `since_birth` counts what the processes used before, too.
    Raises SamplingError where the system has no such clocks, or no process of those ids can be read.
    """

    def __init__(self, pids: Iterable[int], *, since_birth: bool = False) -> None:
        pids = tuple(dict.fromkeys(pids))
        if pids and sys.platform != "linux":
            raise SamplingError(f"the CPU clock of another process is read on Linux only, not {sys.platform}")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        self._roots: list[tuple[int, int]] = []
        self._living: dict[tuple[int, int], _Process] = {}
        self._ended_ns = 0
        self._switches: dict[tuple[int, int], int] = {}
        self._switches_before: int | None = None
        for pid in pids:
            fields = _stat(pid)
            if fields is None:
                raise SamplingError(f"there is no process {pid} here that can be read")
            self._roots.append((pid, int(fields[19])))
        self._read(first=not since_birth)
        self._read_switches()
        self._switches_before = self._switch_total()

    @property
    def watches(self) -> bool:
        """Whether it has anything to watch at all."""
        return bool(self._roots)

    @property
    def alive(self) -> bool:
        """Whether any of the processes lives."""
        return bool(self._living)

    def sample(self, *, switches: bool = False) -> TreeSample:
        """All figures, now; `switches` reads the context switches of however many threads."""
        self._read()
        living = self._living.values()
        threads = sum(process.threads for process in living)
        if switches or threads <= _MANY_THREADS:
            self._read_switches()
            total = self._switch_total()
        else:
            total = None
        counts = [process.fds for process in living]
        return TreeSample(
            at=time.monotonic(),
            cpu_ns=self._ended_ns + sum(process.used_ns for process in living),
            rss_bytes=sum(process.rss_bytes for process in living),
            threads=threads,
            fds=None if None in counts else sum(filter(None, counts)),
            processes=len(self._living),
            context_switches=(
                total - self._switches_before
                if total is not None and self._switches_before is not None
                else None
            ),
        )

    def _read(self, *, first: bool = False) -> None:
        roots = [*self._roots, *(key for key in self._living if key not in self._roots)]
        found: dict[tuple[int, int], _Process] = {}
        for pid, born in roots:
            self._visit(pid, born, found, first=first)
        self._bury(found)
        self._living = found

    def _visit(
        self, pid: int, born: int | None, found: dict[tuple[int, int], _Process], *, first: bool
    ) -> None:
        """Read a process and its descendants into `found`, those left out that are there already."""
        fields = _stat(pid)
        if fields is None or (born is not None and int(fields[19]) != born):
            return
        key = (pid, int(fields[19]))
        if key in found:
            return
        try:
            cpu = process_cpu_ns(pid)
        except OSError:
            return
        process = self._living.get(key)
        reaped = (int(fields[13]) + int(fields[14])) * self._tick_ns
        if process is None:
            # One that was born since the watch began counts from its birth.
            process = _Process(pid, key[1], 0, cpu_before_ns=cpu if first else 0)
            process.reaped_before_ns = reaped if first else 0
        process.parent = int(fields[1])
        process.threads = int(fields[17])
        process.rss_bytes = int(fields[21]) * self._page
        process.cpu_ns = cpu
        process.reaped_ns = reaped
        process.fds = _count_fds(pid)
        found[key] = process
        for child in _children(pid):
            self._visit(child, None, found, first=first)

    def _bury(self, found: dict[tuple[int, int], _Process]) -> None:
        """Move those that have ended into the sums, and look at what their parents reaped."""
        by_pid = {process.pid: process for process in found.values()}
        parents = {process.pid: process.parent for process in self._living.values()}
        for key, process in self._living.items():
            if key in found:
                continue
            self._ended_ns += process.used_ns
            # What a parent reaps holds what it had reaped itself: so the sum has arrived at the nearest
            # ancestor that lives.
            ancestor = process.parent
            while ancestor in parents and ancestor not in by_pid:
                ancestor = parents[ancestor]
            if ancestor in by_pid:
                by_pid[ancestor].seen_of_reaped_ns += process.cpu_ns + process.reaped_ns
        for process in found.values():
            unseen = process.reaped_ns - process.reaped_before_ns - process.seen_of_reaped_ns
            # The greatest so far: ticks are coarser than clocks, and an account must not fall.
            process.most_unseen_ns = max(process.most_unseen_ns, unseen)

    def _read_switches(self) -> None:
        for pid, _ in self._living:
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{pid}/task"):
                    count = _context_switches(f"/proc/{pid}/task/{thread}/status")
                    if count is not None:
                        key = (pid, int(thread))
                        # A thread that took an ended one's number starts from zero again.
                        self._switches[key] = max(self._switches.get(key, 0), count)

    def _switch_total(self) -> int | None:
        return sum(self._switches.values()) if self._switches else None


def sample_trees(pids: Iterable[int]) -> TreeSample:
    """Those processes and their descendants once, CPU since their start; what is not there is left out."""
    return TreeWatch([pid for pid in pids if _stat(pid) is not None], since_birth=True).sample()


def descendants(*pids: int) -> set[int]:
    """The ids of some processes and of all that they started, as far as they still have them as ancestors."""
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        next_pid = waiting.pop()
        if next_pid not in found:
            found.add(next_pid)
            waiting += _children(next_pid)
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on, or None. The name before may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    """Of the main thread, and of the others where they are few: each has a file of its own."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    if len(threads) > _MANY_THREADS:
        threads = [str(pid)]
    found: list[int] = []
    for thread in threads:
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def _count_fds(pid: int) -> int | None:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return None
    except OSError:
        return 0


def _context_switches(status: str) -> int | None:
    try:
        text = Path(status).read_text(errors="replace")
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)
