"""Child processes that do not outlive this one, even when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

import psutil

from server_under_test.starting.parent import die_with_parent


def start_child(command: Sequence[str], **popen_options: Any) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM when this process dies for any reason (Linux only)."""
    parent = os.getpid()

    def before_exec() -> None:
        # A background job of a shell ignores SIGINT, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_parent(parent)

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
