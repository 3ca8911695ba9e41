"""Which monotonic clock a process reads: times of two processes may be subtracted where it is the same.

CLOCK_MONOTONIC counts from the start of the kernel, so all processes of one host share it, those in
containers too, unless they have a time namespace of their own.
"""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path

__all__ = ["clock_id", "host_name"]


@cache
def clock_id() -> str:
    """Equal in two processes whose `monotonic_ns` can be compared; unlike any other where that is unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # Elsewhere than on Linux nothing names the clock: the process is alone with it.
        return f"{sys.platform}-{socket.gethostname()}-{os.getpid()}"
    try:
        offset = os.readlink("/proc/self/ns/time")
    except OSError:
        offset = ""
    return f"{boot} {offset}".strip()


def host_name() -> str:
    """The name of this host, for people."""
    return socket.gethostname()
