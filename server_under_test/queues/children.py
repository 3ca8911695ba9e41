"""Child processes that do not outlive this one, even when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import psutil

# From <sys/prctl.h>.
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def start_child(command: Sequence[str], **popen_options: Any) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM when this process dies for any reason (Linux only)."""
    parent = os.getpid()

    def before_exec() -> None:
        # A background job of a shell ignores SIGINT, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if _libc is not None:
            # The kernel keeps this across exec, so it holds for gunicorn and uWSGI too.
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=before_exec, **popen_options)


def stop_children(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Send SIGTERM to each, and after `seconds` SIGKILL to those of their families that remain."""
    families = [member for process in processes for member in _family(process)]
    for process in processes:
        if process.poll() is None:
            process.terminate()
    _, alive = psutil.wait_procs(families, timeout=seconds)
    for member in alive:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    for process in processes:
        process.wait()


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
