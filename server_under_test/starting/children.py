"""Child processes that do not outlive this one, even when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import psutil

from server_under_test.starting.parent import die_with_parent


def start_child(command: Sequence[str], **popen_options: Any) -> subprocess.Popen[bytes]:
    """Start a program that the kernel kills when this process dies for any reason (Linux only).

    It is SIGKILL, because SIGTERM does not end a process that SIGSTOP holds.
    """
    parent = os.getpid()

    def before_exec() -> None:
        # A background job of a shell ignores SIGINT, and so would its children.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die_with_parent(parent, signal.SIGKILL)

    popen_options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(command, preexec_fn=before_exec, **popen_options)


def stop_children(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Send SIGTERM to each, and after `seconds` SIGKILL to those of their families that remain."""
    members = family(processes)
    for process in processes:
        if process.poll() is None:
            process.terminate()
    # One that SIGSTOP holds does not see SIGTERM before this.
    send(members, signal.SIGCONT)
    _, alive = psutil.wait_procs(members, timeout=seconds)
    send(alive, signal.SIGKILL)
    for process in processes:
        process.wait()


def family(processes: Iterable[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    """Those of the processes that run, each before the ones that it has started."""
    members = []
    for process in processes:
        if process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                members += [parent, *parent.children(recursive=True)]
    return members


def is_alive(member: psutil.Process) -> bool:
    """Whether it runs, or is stopped. A zombie does not, unless it has threads that still end."""
    try:
        return member.is_running() and (member.status() != psutil.STATUS_ZOMBIE or member.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def send(members: Iterable[psutil.Process], number: int) -> None:
    """Send the signal to each that still runs."""
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.send_signal(number)
