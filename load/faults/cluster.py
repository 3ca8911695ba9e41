"""One cluster as a child: `sioprobe serve --play`, which takes commands and answers each by a line.

All waiting is done on the hub, so that several clusters can be driven at the same time.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic, monotonic_ns
from typing import Any, Self

import gevent
from gevent.os import make_nonblocking, nb_read, nb_write
from gevent.queue import Empty, Queue

from load.servers.children import ChildError, end_child, last_lines, scratch_file, start_child
from sioprobe.results.faults import LogLine

__all__ = ["PROGRAM", "Cluster", "ClusterError", "Refused"]

PROGRAM = "sioprobe serve"
"""Its name in its own error lines."""
START_SECONDS = 150.0
"""A RabbitMQ on a busy machine."""
PLAY_SECONDS = 150.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.05
READY = "READY "
MOST_LOG_LINES = 8
TRACEBACK = "Traceback (most recent call last):"
# What differs from one line to the next: times, ports, ids.
_VARYING = re.compile(r"\b[0-9a-f]{12,}\b|\d+(?:[.:-]\d+)*")


class ClusterError(ChildError):
    """The cluster could not be started, or has ended. One line."""


class Refused(ChildError):
    """The cluster does not know the command, or cannot do it. One line."""


class Cluster:
    """The child, from its READY line to its end. A context manager. Raises ClusterError."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._log = scratch_file()
        try:
            self._child = start_child(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=dict(environment),
            )
        except OSError as error:
            raise ClusterError(f"{error.filename or command[0]}: {error.strerror}") from None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._to, self._from = self._child.stdin.fileno(), self._child.stdout.fileno()
        make_nonblocking(self._to)
        make_nonblocking(self._from)
        self._lines: Queue[str | None] = Queue()
        self._reader = gevent.spawn(self._read)
        try:
            self.about = self._ready()
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        """Put each line into the queue, and None at the end."""
        rest = b""
        while some := nb_read(self._from, 65536):
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                self._lines.put(line.decode("utf-8", "replace"))
        self._lines.put(None)

    def _next(self, deadline: float, awaited: str) -> str:
        """The next line, until this moment (`monotonic`)."""
        try:
            line = self._lines.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            raise ClusterError(f"no answer in time ({awaited}); {self._last_words()}") from None
        if line is None:
            self._lines.put(None)
            raise ClusterError(self._last_words())
        return str(line)

    def _ready(self) -> dict[str, Any]:
        deadline = monotonic() + START_SECONDS
        while not (line := self._next(deadline, "READY")).startswith(READY):
            pass
        about: dict[str, Any] = json.loads(line.removeprefix(READY))
        return about

    def play(self, command: str) -> int:
        """Have this done; the moment (`monotonic_ns`) at which it was. Raises Refused."""
        self.tell(command)
        return monotonic_ns()

    def tell(self, command: str) -> dict[str, Any]:
        """Have this done, and give back the answer. Raises Refused."""
        try:
            nb_write(self._to, command.encode() + b"\n")
        except OSError:
            raise ClusterError(self._last_words()) from None
        deadline = monotonic() + PLAY_SECONDS
        while True:
            line = self._next(deadline, command)
            if not line.startswith("{"):
                continue
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise Refused(f"{command}: {answer['error']}")
            if answer.get("done") == command:
                return answer

    def check(self) -> None:
        """Raise ClusterError if the child has ended."""
        if self._child.poll() is not None:
            raise ClusterError(self._last_words())

    def _last_words(self) -> str:
        return last_lines(self._said(0)).removeprefix(f"{PROGRAM}: ")

    @property
    def said(self) -> int:
        """How many bytes the servers have printed so far."""
        return self._log.seek(0, 2)

    def _said(self, start: int) -> str:
        self._log.seek(start)
        return self._log.read().decode("utf-8", "replace")

    def log_since(self, start: int) -> tuple[int, list[LogLine]]:
        """How many tracebacks were printed from that byte on, and the most frequent lines beside them."""
        return summary_of(self._said(start))

    def close(self) -> None:
        """End it, and whatever it started."""
        with gevent.Timeout(STOP_SECONDS, False):
            if self._child.poll() is None:
                self._child.terminate()
            while self._child.poll() is None:
                gevent.sleep(LOOK_SECONDS)
        self._reader.kill()
        end_child(self._child, 0.0)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def summary_of(log: str) -> tuple[int, list[LogLine]]:
    """The number of tracebacks, and the most frequent lines.

    Of a traceback only the line that names the exception counts. Lines that differ in numbers alone are one,
    shown as the first of them.
    """
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    tracebacks = 0
    within = False
    for line in log.splitlines():
        if line == TRACEBACK:
            tracebacks += 1
            within = True
            continue
        if within and (line.startswith(" ") or not line):
            continue
        within = False
        text = line.strip()
        if text:
            key = _VARYING.sub("#", text)
            shown.setdefault(key, text[:200])
            counts[key] += 1
    return tracebacks, [
        {"text": shown[key], "count": count} for key, count in counts.most_common(MOST_LOG_LINES)
    ]
