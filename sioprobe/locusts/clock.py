"""Which monotonic clock a process reads. Two processes with the same clock may compare their times.

CLOCK_MONOTONIC counts from the start of the kernel. So all processes of one host share it, in containers too,
unless they have a time namespace of their own.
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
    """The same in two processes whose `monotonic_ns` can be compared. If that is unknown, it is unique."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # Only Linux names the clock. Elsewhere the process gets a name of its own.
        return f"{sys.platform}-{socket.gethostname()}-{os.getpid()}"
    try:
        offset = os.readlink("/proc/self/ns/time")
    except OSError:
        offset = ""
    return f"{boot} {offset}".strip()


def host_name() -> str:
    """The name of this host, for people."""
    return socket.gethostname()
