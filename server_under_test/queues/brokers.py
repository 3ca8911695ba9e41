"""A broker of our own: started as a child, waited for, and started again at the same address."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from server_under_test.queues.registry import Running
from server_under_test.starting.children import start_child, stop_children
from server_under_test.starting.listener import hold
from server_under_test.starting.problems import Problem

STOP_SECONDS = 2.0
FOLDER = "sioprobe-queue-"
OWNER = "owner"
"""A file in each folder, which its process keeps locked. The kernel unlocks it when the process is gone."""

_held: list[socket.socket | IO[bytes] | tempfile.TemporaryDirectory[str]] = []


@dataclass(frozen=True, slots=True)
class Broker:
    """What it takes to start a broker; it keeps its port and its folder when it starts again."""

    title: str
    url: str
    commands: Sequence[Sequence[str]]
    """The broker first; the others serve it, start before it, and stay in the foreground."""
    ask: Callable[[str], str | None]
    """Why nothing answers at the URL. None if a broker answers."""
    seconds: float
    """How long it may take until it answers."""
    folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    """Where it runs."""
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> Running:
        """Start it, and wait until it answers. Raises Problem."""
        deadline = time.monotonic() + self.seconds
        # Without a name, so that nothing is left of it.
        log = tempfile.TemporaryFile()  # noqa: SIM115  read when the broker does not start
        processes = [
            start_child(
                command,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            for command in reversed(self.commands)
        ][::-1]
        try:
            while error := self.ask(self.url):
                for process, command in zip(processes, self.commands, strict=True):
                    if process.poll() is not None:
                        ended = f"{command[0]} ended with code {process.returncode}"
                        raise Problem(f"{self.title} does not start: {ended}{_last_line(log)}")
                if time.monotonic() > deadline:
                    raise Problem(f"{self.title} did not answer within {self.seconds:.0f} s: {error}")
                time.sleep(0.02)
        except BaseException:
            stop_children(processes, STOP_SECONDS)
            raise
        return Running(self.url, tuple(processes), self.start)


def accepts(url: str, port: int) -> str | None:
    """Why nobody accepts connections there, at this port if the URL has none. None if somebody does."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "127.0.0.1", address.port or port), 3).close()
    except OSError as error:
        return str(error)
    return None


def managed(manager: Any) -> dict[str, Any]:
    """What `SocketIO(...)` takes with this manager; a process without an application must say both."""
    return {"client_manager": manager, "message_queue": None}


def folder_of_its_own() -> Path:
    """A folder that goes with this process. It removes those of processes that were killed."""
    _remove_stale()
    folder = tempfile.TemporaryDirectory(prefix=FOLDER, ignore_cleanup_errors=True)
    place = Path(folder.name)
    lock = (place / f"{OWNER}.new").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    # It has its name when it is locked: until then nobody takes the folder for a stale one.
    Path(lock.name).rename(place / OWNER)
    _held.extend((folder, lock))
    return place


def _remove_stale() -> None:
    for owner in Path(tempfile.gettempdir()).glob(f"{FOLDER}*/{OWNER}"):
        # It is locked, or of somebody else.
        with suppress(OSError), owner.open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock.fileno()).st_uid == os.geteuid():
                shutil.rmtree(owner.parent, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody else gets as long as this process runs, also while the broker does not.

    They are bound, and not listened at. A broker that sets SO_REUSEADDR can listen there, and all do.
    """
    held = [hold("127.0.0.1", 0) for _ in range(count)]
    _held.extend(held)
    return [each.getsockname()[1] for each in held]


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f": {lines[-1]}" if lines else ""
