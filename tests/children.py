"""Every child that a test starts ends with the process that started it, however that ends.

`subprocess` starts them, also for asyncio, Playwright and xdist. So this stands there, and not in each test.
Strictly, a child ends with the *thread* that started it: no thread may leave a child behind.
A program of the tests that forks calls `fork`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from sioprobe.host.dying import die_with_parent

__all__ = ["fork", "tie_children"]

_begin = subprocess.Popen.__init__


def tie_children() -> None:
    """From now on every child of this process gets SIGTERM when this process ends, and heeds Ctrl-C."""
    subprocess.Popen.__init__ = _begin_tied  # type: ignore[method-assign]


def _begin_tied(
    self: subprocess.Popen[Any], *words: Any, preexec_fn: Callable[[], Any] | None = None, **more: Any
) -> None:
    parent = os.getpid()

    def before_exec() -> None:
        # A parent started in the background by a shell ignores SIGINT, and a child inherits that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_parent(parent)
        if preexec_fn is not None:
            preexec_fn()

    _begin(self, *words, preexec_fn=before_exec, **more)


def fork() -> int:
    """As `os.fork`; the child gets SIGKILL when this process ends. A broken one may not heed SIGTERM."""
    parent, child = os.getpid(), os.fork()
    if child == 0:
        die_with_parent(parent, signal.SIGKILL)
    return child
