"""How long this thread, or some process of this host, waited for a CPU: sums in seconds, from the kernel.

None if this kernel does not tell.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["pressure", "run_delay"]


def run_delay(schedstat: str = "/proc/thread-self/schedstat") -> float | None:
    """How long this thread was runnable and another ran instead."""
    # "time on the CPU in ns, time waiting for it in ns, number of turns" (proc_pid_schedstat(5)).
    return _read(schedstat, lambda text: int(text.split()[1]) / 1e9)


def pressure(file: str = "/proc/pressure/cpu") -> float | None:
    """How long some process of this host waited for a CPU."""
    # The line "some avg10=… avg60=… avg300=… total=µs", of the kernel's pressure stall information.
    return _read(file, lambda text: int(text.split("total=", 1)[1].split()[0]) / 1e6)


def _read(path: str, parse: Callable[[str], float]) -> float | None:
    try:
        with open(path, encoding="ascii") as file:
            return parse(file.read())
    except (OSError, ValueError, IndexError):
        return None
