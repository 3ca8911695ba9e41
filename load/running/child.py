"""Locust as a child: run to its end, ended by Ctrl-C, and heard while it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from typing import Any

from rich.console import Console

from load.servers.children import end_child, start_child
from sioprobe.harness import harness_environment
from sioprobe.measured.arrivals import SO_FAR

__all__ = ["GRACE_SECONDS", "INTERRUPTED", "WARNING", "run"]

INTERRUPTED = 130
GRACE_SECONDS = 30.0
"""What Locust may need beyond the run: starting, coming to rest, closing."""

WARNING = "sioprobe: warning: "
"""How a line begins that says before the run what will go wrong."""

LOOK_SECONDS = 0.5
MOST_BYTES = 1 << 20


def run(command: list[str], title: str, grace: float = GRACE_SECONDS) -> tuple[int, str]:
    """Run Locust to its end; its exit code (130 after Ctrl-C) and what it wrote to stderr."""
    console = Console(stderr=True)
    with tempfile.TemporaryFile() as errors:
        # A session of its own: Ctrl-C is handed on once, and the figures so far are still printed.
        child = start_child(command, env=harness_environment(), stdout=subprocess.DEVNULL, stderr=errors)

        def hand_on(number: int, frame: Any) -> None:
            child.send_signal(signal.SIGTERM)

        previous = signal.signal(signal.SIGTERM, hand_on)
        interrupted = False
        try:
            with console.status(title):
                code = _wait(child, _Meanwhile(errors.fileno(), console))
        except KeyboardInterrupt:
            interrupted = True
            child.send_signal(signal.SIGTERM)
            try:
                code = child.wait(grace)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                code = 1
        finally:
            signal.signal(signal.SIGTERM, previous)
            end_child(child, 0.0)
        errors.seek(0)
        return (INTERRUPTED if interrupted else code), errors.read().decode(errors="replace")


class _Meanwhile:
    """Shows what Locust says of a run that goes on, from the file to which it writes."""

    def __init__(self, file: int, console: Console) -> None:
        self._file = file
        self._console = console
        self._offset = 0
        self._rest = b""

    def show(self) -> None:
        """Show the lines that are new."""
        # The child writes where the offset of the file is, so nobody else may move it.
        data = os.pread(self._file, MOST_BYTES, self._offset)
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            if text.startswith((SO_FAR, WARNING)):
                self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _wait(child: subprocess.Popen[bytes], meanwhile: _Meanwhile) -> int:
    """The exit code of the child."""
    while True:
        try:
            code = child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            meanwhile.show()
        else:
            meanwhile.show()
            return code
