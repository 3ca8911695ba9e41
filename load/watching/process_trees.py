"""CPU time, memory, threads, open files and context switches of process trees, read from outside.

CPU comes from the clock of each process, in nanoseconds; /proc only counts ticks of 10 ms. Linux only. A
`TreeWatch` keeps accounts. A process that has ended stays in the sums. CPU that a parent reaped of children
that no sample saw is added. A process that has the id of an ended one is another process. So the CPU time of
a watch never falls, and nothing is counted twice.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from load.watching import proc
from sioprobe.commandline.own_limits import advice_on, lacking_now

__all__ = ["SamplingError", "TreeSample", "TreeWatch", "sample_trees"]


class SamplingError(RuntimeError):
    """Nothing can be sampled. The text is one line."""


@dataclass(frozen=True, slots=True)
class TreeSample:
    """Sums over all processes of some trees at one moment.

    `cpu_ns` and `context_switches` count from the beginning of the watch, and include ended processes. The
    other figures are those of the living processes. A figure is None if this user may not read it.
    """

    at: float
    cpu_ns: int
    rss_bytes: int
    threads: int
    fds: int | None
    processes: int
    context_switches: int | None = None


@dataclass(slots=True)
class _Process:
    """The last figures of a process, and those when the watch began."""

    pid: int
    born: int
    parent: int
    threads: int = 0
    rss_bytes: int = 0
    fds: int | None = None
    cpu_ns: int = 0
    cpu_before_ns: int = 0
    reaped_ns: int = 0
    """CPU of its ended children."""
    reaped_before_ns: int = 0
    seen_of_reaped_ns: int = 0
    """The part of `reaped_ns` that samples saw while those children lived."""
    most_unseen_ns: int = 0

    @property
    def used_ns(self) -> int:
        """CPU since the watch began: its own, and that of ended children that no sample saw."""
        return self.cpu_ns - self.cpu_before_ns + self.most_unseen_ns


class TreeWatch:
    """Some processes and all their descendants, from now on.

    A descendant that was seen once stays watched, even if it gets another parent, as daemons do.
    `since_birth` also counts what the processes used before.
    Raises SamplingError if the system has no such clocks, or if a process cannot be read.
    """

    def __init__(self, pids: Iterable[int], *, since_birth: bool = False) -> None:
        pids = tuple(dict.fromkeys(pids))
        if pids and sys.platform != "linux":
            raise SamplingError(
                f"the CPU clocks of other processes are readable on Linux only, not {sys.platform}"
            )
        self._roots: list[tuple[int, int]] = []
        self._living: dict[tuple[int, int], _Process] = {}
        self._ended_ns = 0
        self._switches: dict[tuple[int, int], int] = {}
        self._switches_before: int | None = None
        for pid in pids:
            stat = proc.stat(pid)
            if stat is None:
                raise SamplingError(f"there is no process {pid} here that can be read")
            self._roots.append((pid, stat.born))
        self._read(first=not since_birth)
        self._read_switches()
        self._switches_before = self._switch_total()

    @property
    def watches(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self._roots)

    @property
    def alive(self) -> bool:
        """Whether any of the processes lives."""
        return bool(self._living)

    @property
    def pids(self) -> set[int]:
        """The processes that lived at the last sample."""
        return {pid for pid, _ in self._living}

    def sample(self, *, switches: bool = False) -> TreeSample:
        """All figures, now. `switches` reads the context switches even of many threads.

        Raises SamplingError if a process lives and cannot be read, because this process may open no file.
        """
        self._read()
        living = self._living.values()
        threads = sum(process.threads for process in living)
        if switches or threads <= proc.MANY_THREADS:
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
        for pid, born in self._living.keys() - found.keys():
            _check_gone(pid, born)
        self._bury(found)
        self._living = found

    def _visit(
        self, pid: int, born: int | None, found: dict[tuple[int, int], _Process], *, first: bool
    ) -> None:
        """Read a process and its descendants into `found`, without those that are there already."""
        stat = proc.stat(pid)
        if stat is None or (born is not None and stat.born != born):
            return
        key = (pid, stat.born)
        if key in found:
            return
        try:
            cpu = proc.process_cpu_ns(pid)
        except OSError:
            return
        process = self._living.get(key)
        if process is None:
            # A process that was born since the watch began counts from its birth.
            process = _Process(pid, stat.born, stat.parent, cpu_before_ns=cpu if first else 0)
            process.reaped_before_ns = stat.reaped_ns if first else 0
        process.parent = stat.parent
        process.threads = stat.threads
        process.rss_bytes = stat.rss_bytes
        process.cpu_ns = cpu
        process.reaped_ns = stat.reaped_ns
        process.fds = proc.open_files(pid)
        found[key] = process
        for child in proc.children(pid):
            self._visit(child, None, found, first=first)

    def _bury(self, found: dict[tuple[int, int], _Process]) -> None:
        """Move processes that have ended into the sums, and compare with what their parents reaped."""
        by_pid = {process.pid: process for process in found.values()}
        parents = {process.pid: process.parent for process in self._living.values()}
        for key, process in self._living.items():
            if key in found:
                continue
            self._ended_ns += process.used_ns
            # A parent also reaps what its child had reaped: so the sum arrives at the nearest living
            # ancestor.
            ancestor = process.parent
            while ancestor in parents and ancestor not in by_pid:
                ancestor = parents[ancestor]
            if ancestor in by_pid:
                by_pid[ancestor].seen_of_reaped_ns += process.cpu_ns + process.reaped_ns
        for process in found.values():
            unseen = process.reaped_ns - process.reaped_before_ns - process.seen_of_reaped_ns
            # The greatest value so far: ticks are coarser than clocks, and the account must not fall.
            process.most_unseen_ns = max(process.most_unseen_ns, unseen)

    def _read_switches(self) -> None:
        for pid, _ in self._living:
            for thread, count in proc.context_switches(pid).items():
                # A new thread with the id of an ended one starts from zero.
                self._switches[pid, thread] = max(self._switches.get((pid, thread), 0), count)

    def _switch_total(self) -> int | None:
        return sum(self._switches.values()) if self._switches else None


def _check_gone(pid: int, born: int) -> None:
    """Raise SamplingError if a process lives, and we could only not open its files."""
    stat = proc.stat(pid)
    if stat is None:
        try:
            # Its clock can be read without a file.
            proc.process_cpu_ns(pid)
        except OSError:
            return
    elif stat.born != born:
        return
    lacking = lacking_now()
    why = f"{lacking}; {advice_on(lacking)}" if lacking is not None else f"process {pid} was not readable"
    raise SamplingError(why)


def sample_trees(pids: Iterable[int]) -> TreeSample:
    """Sample some processes and their descendants once, with CPU since their start."""
    return TreeWatch([pid for pid in pids if proc.stat(pid) is not None], since_birth=True).sample()
