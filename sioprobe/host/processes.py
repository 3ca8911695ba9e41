"""One process of this host, as the kernel shows it: its children, its threads, what it holds open.

Each function reads /proc once. If there is nothing to read, the answer is empty.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["MANY_THREADS", "children", "descendants", "descriptor_targets", "threads", "with_variable"]

MANY_THREADS = 64
"""If a process has more threads, files that exist for each thread are not read with every sample."""


def children(pid: int) -> list[int]:
    """The children of a process. If it has many threads, only those of the main thread."""
    of_it = threads(pid)
    found: list[int] = []
    for thread in [pid] if len(of_it) > MANY_THREADS else of_it:
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def descendants(*pids: int) -> set[int]:
    """The ids of some processes and of all their descendants that still have them as ancestors."""
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        next_pid = waiting.pop()
        if next_pid not in found:
            found.add(next_pid)
            waiting += children(next_pid)
    return found


def descriptor_targets(pid: int) -> Iterator[str]:
    """The targets of its open files, such as socket:[4711]. Raises PermissionError."""
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        raise
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/{pid}/fd/{descriptor}")


def threads(pid: int) -> list[int]:
    """The ids of its threads; none if it is gone."""
    try:
        return [int(thread) for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def with_variable(name: str, value: str) -> Iterator[int]:
    """The ids of the processes that were started with this environment variable, as far as we may look."""
    wanted = f"{name}={value}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
