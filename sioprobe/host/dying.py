"""A child process that does not outlive the one that started it, even when that is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["die_with_parent"]

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(parent: int | None = None, number: int = signal.SIGTERM) -> None:
    """For `preexec_fn`: the kernel sends this child the signal if its parent is killed. Linux only.

    With the id of the parent this child ends at once if the parent was killed before.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if parent is not None and os.getppid() != parent:
            os._exit(1)
