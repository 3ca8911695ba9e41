"""One server of a life: put on its core, its CPU clock read in silence."""

from __future__ import annotations

import contextlib
import os
import time
from typing import NoReturn

from load.servers.started import LOOK_SECONDS, StartedServer
from load.side_by_side.asking import LifeError, Side
from load.side_by_side.priority import Priority, raise_threads
from load.watching import proc

__all__ = ["RunningServer"]

STOP_SECONDS = 1.0
LAST_BREATH_SECONDS = 0.5
SILENCE_SECONDS = 0.0003
SILENCE_READINGS = 100


class RunningServer(StartedServer):
    """The processes of one side. Its errors are LifeErrors, which name the side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._pids: tuple[int, ...] = ()
        super().__init__(side)

    def _fail(self, problem: str, *, ended: bool = False) -> NoReturn:
        raise LifeError(f"{self.side.name}: {problem}", self.side.name, ended=ended) from None

    def check(self, *, lost: bool = False) -> None:
        """Raise LifeError if the process has ended; `lost`: its connections are gone, so it may be ending."""
        end = time.monotonic() + (LAST_BREATH_SECONDS if lost else 0.0)
        while (code := self._child.poll()) is None and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        if code is not None:
            self._fail(self._ended(code), ended=True)

    def settle_on(self, cores: set[int] | None, priority: Priority) -> None:
        """Put all its threads on these cores with this priority; new threads inherit both."""
        self._pids = tuple(sorted(proc.descendants(self._child.pid)))
        for pid in self._pids:
            threads = _threads(pid)
            for thread in threads:
                with contextlib.suppress(ProcessLookupError):
                    if cores is not None:
                        os.sched_setaffinity(thread, cores)
            raise_threads(pid, threads, priority)

    def cpu_ns(self) -> int:
        """CPU time of its processes. Raises LifeError when one has ended."""
        try:
            return sum(map(proc.process_cpu_ns, self._pids))
        except OSError:
            self.check(lost=True)
            self._fail("a process of it has ended", ended=True)

    def silent_cpu_ns(self) -> tuple[int, bool]:
        """CPU time once none of its threads runs or waits for a core, and whether that came in time."""
        for _ in range(SILENCE_READINGS):
            if not self._busy():
                return self.cpu_ns(), True
            time.sleep(SILENCE_SECONDS)
        return self.cpu_ns(), False

    def _busy(self) -> bool:
        for pid in self._pids:
            for thread in _threads(pid):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/stat", "rb") as file:
                    # The state stands behind the name, which may hold anything.
                    if file.read().rpartition(b")")[2][1:2] in b"RD":
                        return True
        return False

    @property
    def same_processes(self) -> bool:
        """Whether it still consists of the processes that `settle_on` found."""
        return set(self._pids) == proc.descendants(self._child.pid)

    def ended(self, seconds: float = STOP_SECONDS) -> None:
        """As that of every server, but with less patience."""
        super().ended(seconds)


def _threads(pid: int) -> list[int]:
    try:
        return [int(thread) for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []
