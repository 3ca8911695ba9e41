"""Counts the system calls of a process tree by the kernel's own counter, where this user may have one.

The counter is a perf event on the tracepoint raw_syscalls:sys_enter, one for each thread that is there; a
thread that is born later is counted by that of its parent.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path

from load.watching import proc

__all__ = ["SystemCalls", "why_not"]

_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_TRACEPOINT = 2  # PERF_TYPE_TRACEPOINT
_INHERIT = 1 << 1
_CLOSE_ON_EXEC = 8
_ATTRIBUTE_BYTES = 112
_PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")


def _event_number() -> int | None:
    for place in _PLACES:
        try:
            return int(Path(place, "events/raw_syscalls/sys_enter/id").read_text())
        except (OSError, ValueError):
            continue
    return None


def why_not() -> str | None:
    """Why system calls cannot be counted here; None where they can."""
    if platform.machine() not in _PERF_EVENT_OPEN:
        return f"system calls are not counted on {platform.machine()}"
    if _event_number() is None:
        return "system calls are not counted: the kernel's tracing files are not there, or for root only"
    return None


class SystemCalls:
    """The counter of a tree, from now on. Raises OSError where the kernel refuses."""

    def __init__(self, pid: int) -> None:
        self._files: list[int] = []
        event = _event_number()
        if event is None:
            raise OSError("no tracepoint")
        attribute = struct.pack("IIQQQQQ", _TRACEPOINT, _ATTRIBUTE_BYTES, event, 0, 0, 0, _INHERIT)
        packed = ctypes.create_string_buffer(attribute.ljust(_ATTRIBUTE_BYTES, b"\0"), _ATTRIBUTE_BYTES)
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            for process in proc.descendants(pid):
                for thread in os.listdir(f"/proc/{process}/task"):
                    file = libc.syscall(
                        _PERF_EVENT_OPEN[platform.machine()], packed, int(thread), -1, -1, _CLOSE_ON_EXEC
                    )
                    if file < 0:
                        number = ctypes.get_errno()
                        raise OSError(number, os.strerror(number))
                    self._files.append(file)
        except OSError:
            self.close()
            raise

    def read(self) -> int:
        """How many there were."""
        return sum(struct.unpack("q", os.read(file, 8))[0] for file in self._files)

    def close(self) -> None:
        """Count no more."""
        for file in self._files:
            os.close(file)
        self._files = []
