"""A server that belongs to a load run: a command starts it, a storm may restart it, and it ends with the run.

The waits use calls of the standard library, which Locust has patched: the hub runs on meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from urllib.parse import urlsplit

from load.servers.processes import die_with_parent

__all__ = ["OwnedServer", "OwnedServerError"]

START_SECONDS = 60.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.02


class OwnedServerError(RuntimeError):
    """The server could not be started. One line."""


class OwnedServer:
    """One server. `command` starts it; it must listen at the port of `url`."""

    def __init__(self, command: str, url: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise OwnedServerError(f"--server-command {command!r} is not a command: {error}") from None
        if not self._words:
            raise OwnedServerError("--server-command is empty")
        parts = urlsplit(url if "//" in url else f"//{url}")
        if not parts.hostname or not parts.port:
            raise OwnedServerError(f"--server-command needs a URL with a port, not {url!r}")
        self._address = (parts.hostname, parts.port)
        self._url = url
        self._child: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server may be started

    @property
    def pid(self) -> int | None:
        """Id of the process that the command started, or None."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Start it, and wait until its port accepts connections. Raises OwnedServerError."""
        if self._accepts():
            raise OwnedServerError(f"--server-command: another server listens at {self._url} already")
        self._output.seek(0)
        self._output.truncate()
        try:
            self._child = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            raise OwnedServerError(f"--server-command: {self._words[0]}: {error.strerror}") from None
        end = time.monotonic() + START_SECONDS
        while not self._accepts():
            code = self._child.poll()
            if code is not None:
                raise OwnedServerError(f"--server-command ended with {code}: {self._last_line()}")
            if time.monotonic() > end:
                self.stop()
                raise OwnedServerError(
                    f"--server-command: nothing listens at {self._url} after {START_SECONDS:.0f} s"
                )
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL to what is left of its group after 5 s."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def restart(self) -> None:
        """Stop it and start it again, as a deployment does. Raises OwnedServerError."""
        self.stop()
        self.start()

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(self._address, timeout=1.0):
                return True
        except OSError:
            return False

    def _last_line(self) -> str:
        self._output.seek(0)
        lines = [line for line in self._output.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it said nothing"
