"""Workers that stand, a proxy before them, and commands that kill and start a worker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from server_under_test.proxies.front import Front
from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.site import Site
from server_under_test.starting.children import start_child, stop_children
from server_under_test.starting.options import TRANSPORTS

STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Workers:
    """Two workers with a queue: their addresses, and what `serve --play` does to them."""

    process: subprocess.Popen[Any]
    about: dict[str, Any]

    @property
    def urls(self) -> list[str]:
        """One for each worker."""
        return list(self.about["worker_urls"])

    def tell(self, command: str) -> dict[str, Any]:
        """Play a command, and answer what came. Raises RuntimeError."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(_line(self.process, "{"))
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']}")
        return answer

    def number_of(self, pid: int) -> int:
        """The number of the worker that this process belongs to."""
        listed = self.tell("state")["workers"]
        return next(int(each["number"]) for each in listed if pid in each["pids"])


@contextmanager
def workers(mode: str = "gevent", *options: str) -> Iterator[Workers]:
    """Start two workers of this mode, and end them."""
    words = ("--mode", mode, "--workers", "2", "--queue", "redis", "--port", "0", "--play", *options)
    process = start_child(
        [sys.executable, "-m", "server_under_test", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Workers(process, json.loads(_line(process, "READY ")[len("READY ") :]))
    finally:
        stop_children([process], STOP_SECONDS)


@contextmanager
def front(
    name: str,
    urls: list[str],
    sticky: str,
    *,
    moves_on: bool = True,
    edit: Callable[[str], str] = str,
    transports: Sequence[str] = TRANSPORTS,
) -> Iterator[Front]:
    """The proxy before these workers. `edit` changes what it reads, so that `transports` work or do not."""
    site = Site("127.0.0.1", 0, tuple(url.removeprefix("http://") for url in urls), sticky, moves_on=moves_on)
    it = Front(PROXIES[name], site, transports)
    before = it.file.read_text("utf-8")
    after = edit(before)
    if edit is not str and after == before:
        raise ValueError(f"the configuration of {name} lacks the lines that were to be changed")
    it.file.write_text(after, "utf-8")
    running = it.start()
    try:
        yield it
    finally:
        stop_children(running.processes, STOP_SECONDS)
        it.close()


def _line(process: subprocess.Popen[Any], beginning: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return str(line)
    raise RuntimeError(f"the workers ended with code {process.wait()}")
