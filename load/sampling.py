"""CPU time, memory, threads and open files of process trees, read from outside.

CPU comes from each process's own clock, in nanoseconds; psutil's counts ticks of 10 ms. Linux only.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psutil

__all__ = ["TreeSample", "process_cpu_ns", "sample_trees"]


@dataclass(frozen=True, slots=True)
class TreeSample:
    """Sums over all processes of some trees. CPU in nanoseconds since each process's start."""

    cpu_ns: int
    rss_bytes: int
    threads: int
    fds: int
    processes: int

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


def sample_trees(pids: Iterable[int]) -> TreeSample:
    """The processes of those ids and all their descendants, now; what has ended is left out."""
    processes: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                processes[process.pid] = process
        except psutil.Error:
            continue
    cpu = rss = threads = fds = count = 0
    for process in processes.values():
        try:
            with process.oneshot():
                used = process_cpu_ns(process.pid)
                rss += process.memory_info().rss
                threads += process.num_threads()
                fds += process.num_fds()
        except (psutil.Error, OSError):
            continue
        cpu += used
        count += 1
    return TreeSample(cpu, rss, threads, fds, count)
