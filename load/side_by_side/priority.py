"""How servers and driver come before everybody else on their cores, where this process may say so.

Under SCHED_RR nobody takes the core away. But then the threads of one server do not interrupt each other
any more either, and a server with threads costs less than in real life. On both sides of a gate that is the
same; in a comparison of async modes it would be wrong.

With nice -20 in the usual class others get about 2 % of the core. Linux makes a group of each session
("autogroup") and counts nice inside of the group only, so the group gets the same nice.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

__all__ = ["Priority", "held", "highest_allowed", "raise_threads"]

FIRST = -20
REALTIME_PRIORITY = 1
TRIES, WAIT_SECONDS = 5, 0.1
PROC = Path("/proc")


class Priority(Enum):
    """Before whom a thread gets its core."""

    AS_OTHERS = "as others"
    NICE = "nice -20"
    REALTIME = "SCHED_RR"


def highest_allowed(*wanted: Priority) -> Priority:
    """The first of these that this process may have."""
    for priority in wanted:
        try:
            with held(priority):
                return priority
        except (OSError, AttributeError):
            continue
    return Priority.AS_OTHERS


def raise_threads(pid: int, threads: Iterable[int], priority: Priority) -> None:
    """Give it to these threads of a process; what they start from now on inherits it. Raises OSError."""
    if priority is Priority.NICE:
        _set_group_nice(pid, FIRST)
    for thread in threads:
        with contextlib.suppress(ProcessLookupError):
            if priority is Priority.REALTIME:
                os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))
            elif priority is Priority.NICE:
                os.setpriority(os.PRIO_PROCESS, thread, FIRST)


@contextlib.contextmanager
def held(priority: Priority) -> Iterator[None]:
    """This thread has it; as before afterwards. Raises OSError where that is not allowed."""
    with contextlib.ExitStack() as back:
        if priority is Priority.REALTIME:
            policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
            back.callback(os.sched_setscheduler, 0, policy, parameter)
        elif priority is Priority.NICE:
            back.callback(os.setpriority, os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))
            group = _group_nice(os.getpid())
            if group is not None:
                back.callback(_set_group_nice, os.getpid(), group)
        raise_threads(os.getpid(), [0], priority)
        yield


def _group_nice(pid: int) -> int | None:
    """Of this process's autogroup. None where the kernel makes none, or the process never got a session.

    A process that the first one of the machine started without a session is in no group. Its file is empty
    and takes no value, and its own nice counts before every group.
    """
    try:
        # `/autogroup-9142 nice 0`
        return int((PROC / str(pid) / "autogroup").read_text().rpartition(" ")[2])
    except (OSError, ValueError):
        return None


def _set_group_nice(pid: int, nice: int) -> None:
    """Raises OSError where the process is in a group and this process may not raise it."""
    for _ in range(TRIES):
        if _group_nice(pid) is None:
            return
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            # The kernel takes one such change in a tenth of a second from all but the administrator.
            (PROC / str(pid) / "autogroup").write_text(str(nice))
            return
        time.sleep(WAIT_SECONDS)
    raise BlockingIOError(f"the autogroup of process {pid} could not be set")
