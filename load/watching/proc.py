"""What the kernel says about one process: its CPU clock, and its files in /proc.

Each function reads once and keeps nothing; `process_trees` follows processes over time. Linux only: on
another system, or if the process is gone, there is nothing to read.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from sioprobe.host.processes import MANY_THREADS, children, descendants, descriptor_targets, threads

__all__ = ["MANY_THREADS", "Stat", "children", "context_switches", "descendants", "descriptor_targets"]
__all__ += ["open_files", "open_files_allowed", "process_cpu_ns", "process_name", "stat", "used_by_all"]
__all__ += ["written_bytes"]


@dataclass(frozen=True, slots=True)
class Stat:
    """The content of /proc/PID/stat. `born` differs if another process has the same id later."""

    parent: int
    born: int
    """In ticks since the system started."""
    threads: int
    rss_bytes: int
    used_ns: int
    """CPU of all its threads; a multiple of one tick."""
    reaped_ns: int
    """CPU of its ended children, as the kernel adds it up; a multiple of one tick."""


def stat(pid: int) -> Stat | None:
    """The stat of a process; None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The fields after the name, because the name may contain anything.
    fields = text.rpartition(")")[2].split()
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return Stat(
        parent=int(fields[1]),
        born=int(fields[19]),
        threads=int(fields[17]),
        rss_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        used_ns=(int(fields[11]) + int(fields[12])) * tick_ns,
        reaped_ns=(int(fields[13]) + int(fields[14])) * tick_ns,
    )


def used_by_all() -> dict[tuple[int, int], int]:
    """CPU of every process that can be read from here, in nanoseconds, by its id and its birth."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return {}
    stats = ((int(name), stat(int(name))) for name in names if name.isdigit())
    return {(pid, found.born): found.used_ns for pid, found in stats if found is not None}


def process_cpu_ns(pid: int) -> int:
    """CPU time of all threads of a process. Raises OSError if it is gone."""
    # The id of a process CPU clock, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime_ns((~pid << 3) | 2)


def process_name(pid: int) -> str:
    """The name of a process; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def open_files(pid: int) -> int | None:
    """How many files a process has open: 0 if it is gone, None if we may not or cannot look."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except OSError:
        return None


def open_files_allowed(pid: int) -> int | None:
    """The soft limit of its open files; None if there is none, or it cannot be read."""
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
    """The bytes that it has passed to write(2), not to send(2), since its start. Raises PermissionError."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except PermissionError:
        raise
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def context_switches(pid: int) -> dict[int, int]:
    """The context switches of each of its threads since the thread began."""
    found: dict[int, int] = {}
    for thread in threads(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/task/{thread}/status").read_text(errors="replace")
            found[thread] = sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)
    return found
