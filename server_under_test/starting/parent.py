"""A child process that does not outlive the one that started it, even when that is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

# From <sys/prctl.h>.
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """From now on this process gets the signal when its parent, which has this id, dies. Linux only.

    The kernel keeps this across exec, so it holds for gunicorn and uWSGI too. A fork does not inherit it.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)
