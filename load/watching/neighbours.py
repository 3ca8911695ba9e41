"""What other processes took from a server on its machine: those that are neither the server nor the load.

/proc/stat counts the CPU that everybody used. What the server, its partners and the generators used is known
from their clocks; the rest is that of neighbours. It is taken from somebody only while somebody waits for a
CPU, which the kernel counts too (pressure). A server with threads waits for itself most of the time, so
neither of the two says it alone. The time that a hypervisor gives to others (steal) is taken in any case.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from load.watching import proc
from load.watching.locating import partners
from load.watching.process_trees import SamplingError, TreeWatch
from sioprobe.measured.vitals import KernelClocks

__all__ = ["NeighbourWatch", "only_this_process"]


def only_this_process() -> set[int]:
    """The generators, if there is no other."""
    return {os.getpid()}


@dataclass(frozen=True, slots=True)
class _Reading:
    """Clocks at one moment, in seconds since some moment of their own. `idle` is everything but work."""

    at: float
    cores: int
    counted: float
    idle: float
    stolen: float
    waited: float
    ours: dict[int, float]


class NeighbourWatch:
    """The neighbours of a server, from now on. Call `take` with each of its samples.

    `generators` answers the processes of this host that make the load, or None while it does not know them.
    `also` works for the server, beside those that it is connected to.
    """

    def __init__(
        self,
        server: TreeWatch,
        generators: Callable[[], Collection[int] | None] = only_this_process,
        *,
        also: Iterable[int] = (),
        stat: str = "/proc/stat",
        clocks: KernelClocks | None = None,
    ) -> None:
        self._server = server
        pids = dict.fromkeys((*(partners(server.pids) if server.watches else ()), *also))
        self.partners = tuple(pid for pid in pids if proc.stat(pid) is not None)
        """The processes that work for the server, such as its queue."""
        self._partners = TreeWatch(self.partners)
        self._generators = generators
        self._stat = stat
        self._clocks = clocks or KernelClocks()
        self._last: _Reading | None = None
        self._taken = self._used = 0.0
        self._before: dict[tuple[int, int], int] = {}

    def take(self, server_cpu_ns: int) -> float | None:
        """CPU in seconds that was taken from the first call until now; None if nobody can tell.

        `server_cpu_ns` is what the server has used, of the sample that was taken just now.
        """
        if not self._before:
            self._before = proc.used_by_all()
        before, self._last = self._last, self._read(server_cpu_ns)
        if before is None or self._last is None:
            return self._taken if self._last is not None else None
        now = self._last
        if before.ours.keys() != now.ours.keys():
            # A generator came or went, and what it used since the last sample is not known.
            return self._taken
        seconds = (now.at - before.at) * now.cores
        if now.counted - before.counted < seconds / 2:
            # Some sandboxes have the file, and count nothing.
            self._last = None
            return None
        busy = seconds - (now.idle - before.idle)
        ours = sum(now.ours.values()) - sum(before.ours.values())
        used = max(0.0, busy - ours)
        self._used += used
        # Of what was stolen, everybody who ran has a share.
        stolen = (now.stolen - before.stolen) * min(1.0, ours / busy) if busy > 0 else 0.0
        self._taken += min(used, now.waited - before.waited) + stolen
        return self._taken

    def _read(self, server_cpu_ns: int) -> _Reading | None:
        generators, waited = self._generators(), self._clocks.pressure()
        try:
            lines = Path(self._stat).read_text().splitlines()
            at = time.monotonic()
            # user nice system idle iowait irq softirq steal, see proc_stat(5), in ticks.
            ticks = [int(field) for field in lines[0].split()[1:9]]
        except (OSError, ValueError, IndexError):
            return None
        if not self._server.watches or generators is None or waited is None or len(ticks) < 8:
            return None
        try:
            ours = {0: (server_cpu_ns + self._partners.sample().cpu_ns) / 1e9}
        except SamplingError:
            return None
        for pid in generators:
            try:
                ours[pid] = proc.process_cpu_ns(pid) / 1e9
            except OSError:
                continue
        if not ticks[5]:
            # This kernel does not time interrupts. So it counts what they do for packets (softirq) to the
            # process that they interrupt, and its clock has them.
            ticks[6] = 0
        tick = 1 / os.sysconf("SC_CLK_TCK")
        return _Reading(
            at=at,
            cores=sum(line.startswith("cpu") for line in lines) - 1,
            counted=sum(ticks) * tick,
            idle=sum(ticks[3:]) * tick,
            stolen=ticks[7] * tick,
            waited=waited,
            ours=ours,
        )

    def most(self) -> str | None:
        """The neighbour that used at least half of what all of them used; None if there is none."""
        ours = self._server.pids | self._partners.pids | set(self._generators() or ())
        used = {
            pid: now - self._before.get((pid, born), 0)
            for (pid, born), now in proc.used_by_all().items()
            if pid not in ours
        }
        first = max(used, key=lambda pid: used[pid], default=0)
        if not self._used or used.get(first, 0) < self._used / 2 * 1e9:
            return None
        return f"{proc.process_name(first)} (pid {first})"
