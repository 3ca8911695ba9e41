"""What the kernel tells of one process: its clock, and its files in /proc.

One read each, nothing kept; who wants a tree over time takes `process_trees`. Linux only: elsewhere, and of a
process that is gone, there is nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MANY_THREADS", "Stat", "children", "context_switches", "descendants", "descriptor_targets"]
__all__ += ["open_files", "open_files_allowed", "process_cpu_ns", "process_name", "stat", "written_bytes"]

MANY_THREADS = 64
"""Beyond so many threads, what has a file for each is not read with every sample."""


@dataclass(frozen=True, slots=True)
class Stat:
    """Of /proc/PID/stat; `born` tells a process from another that took its id later."""

    parent: int
    born: int
    """In ticks since the system started."""
    threads: int
    rss_bytes: int
    reaped_ns: int
    """CPU of its ended children, as the kernel adds it up, in ticks."""


def stat(pid: int) -> Stat | None:
    """None where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # From the state on: the name before may hold anything.
    fields = text.rpartition(")")[2].split()
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return Stat(
        parent=int(fields[1]),
        born=int(fields[19]),
        threads=int(fields[17]),
        rss_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        reaped_ns=(int(fields[13]) + int(fields[14])) * tick_ns,
    )


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


def children(pid: int) -> list[int]:
    """Of the main thread, and of the others where they are few: each has a file of its own."""
    threads = _threads(pid)
    found: list[int] = []
    for thread in [pid] if len(threads) > MANY_THREADS else threads:
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def descendants(*pids: int) -> set[int]:
    """The ids of some processes and of all that they started, as far as they still have them as ancestors."""
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        next_pid = waiting.pop()
        if next_pid not in found:
            found.add(next_pid)
            waiting += children(next_pid)
    return found


def open_files(pid: int) -> int | None:
    """How many it has open: 0 when it is gone, None where this user may not look."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return None
    except OSError:
        return 0


def descriptor_targets(pid: int) -> Iterator[str]:
    """What each of its open files is, such as socket:[4711]. Raises PermissionError."""
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        raise
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/{pid}/fd/{descriptor}")


def open_files_allowed(pid: int) -> int | None:
    """The soft limit of its open files; None where there is none, or it is not told."""
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else None
    return None


def written_bytes(pid: int) -> int:
    """What it gave to write(2) since its start, send(2) left out. Raises PermissionError."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except PermissionError:
        raise
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def context_switches(pid: int) -> dict[int, int]:
    """Of each of its threads, since that began."""
    found: dict[int, int] = {}
    for thread in _threads(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/task/{thread}/status").read_text(errors="replace")
            found[thread] = sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)
    return found


def _threads(pid: int) -> list[int]:
    try:
        return [int(thread) for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []
