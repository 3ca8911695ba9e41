"""Child processes: started, put on cores, and ended with whatever they started.

Each has a session of its own, so that Ctrl-C reaches only the parent, which then ends its children. On Linux
the kernel ends them if the parent is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import IO, Any

from load.watching import proc
from sioprobe.host.dying import die_with_parent

__all__ = [
    "ChildError",
    "end_all",
    "end_child",
    "last_lines",
    "scratch_file",
    "start_child",
    "written",
]

STOP_SECONDS = 8.0
TAIL_BYTES = 1 << 16

_children: set[subprocess.Popen[bytes]] = set()
_children_lock = threading.Lock()


class ChildError(RuntimeError):
    """A child failed. One line."""


def start_child(
    words: Sequence[str] | str,
    *,
    cores: set[int] | None = None,
    stdin: int = subprocess.DEVNULL,
    **more: Any,
) -> subprocess.Popen[bytes]:
    """Start a program on these cores; `more` is for Popen. Raises OSError, whose `filename` is what lacks."""
    child = subprocess.Popen(
        words, stdin=stdin, start_new_session=True, preexec_fn=partial(die_with_parent, os.getpid()), **more
    )
    with _children_lock:
        _children.add(child)
    if cores and hasattr(os, "sched_setaffinity"):
        # Before the child has threads or children, which inherit it.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(child.pid, cores)
    return child


def end_child(child: subprocess.Popen[bytes], seconds: float = STOP_SECONDS) -> None:
    """Send SIGTERM, and after these seconds SIGKILL to what is left of the child and of what it started."""
    family = _born(proc.descendants(child.pid)) if child.returncode is None else {}
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    # An id may be that of another process by now.
    for pid, _ in family.items() & _born(family).items():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    with _children_lock:
        _children.discard(child)


def _born(pids: Iterable[int]) -> dict[int, int]:
    """When each of these processes began; without those that are gone."""
    stats = {pid: proc.stat(pid) for pid in pids}
    return {pid: stat.born for pid, stat in stats.items() if stat is not None}


def end_all() -> None:
    """End all children."""
    with _children_lock:
        children = list(_children)
    for child in children:
        end_child(child)


def scratch_file() -> IO[bytes]:
    """A file without a name; in memory where it can be, because a full disk must be able to say so."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("sioprobe"), "w+b")
    return tempfile.TemporaryFile()


def written(file: IO[bytes]) -> str:
    """The end of what a child has written to this file so far. Moves no position that the child writes at."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES)).decode("utf-8", "replace")


def last_lines(text: str, count: int = 1) -> str:
    """The last lines of an output in one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it said nothing"
