"""A server that a command started: awaited until it is ready, asked what it said, and ended.

Whatever it started ends with it, and all of it ends when this process does. Waiting is done by the standard
library's calls, so that it serves processes with and without a gevent hub.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import tempfile
import time
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

from load.servers.children import STOP_SECONDS, ChildError, end_child, last_lines, start_child, written
from load.servers.command import PORT, ServerCommand
from sioprobe.commandline.own_limits import advice_on, lacking_now
from sioprobe.harness import user_environment

__all__ = ["START_SECONDS", "StartedServer", "accepts", "free_port"]

START_SECONDS = 60.0  # a JVM or a busy two-core machine; Python needs one
LOOK_SECONDS = 0.02

_given: set[int] = set()


def free_port() -> int:
    """A port that is free now, and that this process has not given to another server before."""
    while True:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            port: int = holder.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def accepts(address: tuple[str, int]) -> bool:
    """Whether somebody accepts connections there. Raises ChildError if we cannot open one."""
    try:
        with socket.create_connection(address, timeout=1.0):
            return True
    except OSError:
        _blame_ourselves()
        return False


def _blame_ourselves() -> None:
    """Raise ChildError if a connection failed because this process may open no more files."""
    lacking = lacking_now()
    if lacking is not None:
        raise ChildError(f"{lacking}; {advice_on(lacking)}")


class StartedServer:
    """Its processes. `ready` must be called before `url`. A context manager that ends it.

    With `url` the server is to listen there; else at a port of 127.0.0.1 that is chosen for it, or that it
    names in its READY line. Raises ChildError where the program is not there.
    """

    def __init__(
        self, command: ServerCommand, *, url: str | None = None, cores: set[int] | None = None
    ) -> None:
        self.command = command
        self.url = ""
        self.about: dict[str, Any] = {}
        """What it said behind READY."""
        if url is not None:
            parts = urlsplit(url if "//" in url else f"//{url}")
            self._at, self._address = url, (parts.hostname or "127.0.0.1", parts.port or 80)
        else:
            port = free_port() if command.wants_port else 0
            self._at, self._address = f"http://127.0.0.1:{port}", ("127.0.0.1", port)
        port_word = str(self._address[1])
        words = [word.replace(PORT, port_word) for word in command.command]
        given = {name: value.replace(PORT, port_word) for name, value in command.environment.items()}
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the server
        try:
            self._child = start_child(
                words,
                cores=cores,
                cwd=command.folder,
                env={**user_environment(), **given},
                stdout=self._output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            self._output.close()
            self._fail(f"{error.filename or words[0]}: {error.strerror}")

    def _fail(self, problem: str) -> NoReturn:
        raise ChildError(problem) from None

    @property
    def pid(self) -> int:
        """Of the process that the command started."""
        return self._child.pid

    @property
    def urls(self) -> list[str]:
        """Where it listens: several, if it said so."""
        return list(self.about.get("urls") or [self.url])

    @property
    def pids(self) -> list[int]:
        """The roots of its process trees: those that it named, or the process that the command started."""
        return list(self.about.get("pids") or [self.pid])

    @property
    def partners(self) -> dict[str, list[int]]:
        """The processes of its queue and its proxy, as far as it named them."""
        told = {role: self.about.get(f"{role}_pids") for role in ("queue", "proxy")}
        return {role: list(pids) for role, pids in told.items() if pids}

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 80

    def wait(self) -> None:
        """Wait until it is ready, for a minute at most. Raises ChildError, and ends it then."""
        try:
            self.ready(time.monotonic() + START_SECONDS)
        except BaseException:
            self.close()
            raise

    def ready(self, end: float) -> None:
        """Wait until it says that it is ready, at most until `end` (monotonic). Raises ChildError."""
        while not self._is_ready():
            self.check()
            if time.monotonic() > end:
                self._fail(f"not ready in time ({self._awaited()}); its last line: {self.last_line()}")
            time.sleep(LOOK_SECONDS)

    def check(self) -> None:
        """Raise ChildError if the process has ended."""
        code = self._child.poll()
        if code is not None:
            self._fail(self._ended(code))

    def _ended(self, code: int) -> str:
        return f"the server ended with {code}: {self.last_line()}"

    def _awaited(self) -> str:
        port, wanted = self._address[1], self.command.ready
        if wanted == "READY":
            return "no line that begins with READY"
        return (
            f"nothing accepts at port {port}" if wanted == "port" else f"no 2xx from {wanted} at port {port}"
        )

    def _is_ready(self) -> bool:
        wanted = self.command.ready
        if wanted == "READY":
            return self._said_ready()
        if not (accepts(self._address) if wanted == "port" else self._answers(wanted)):
            return False
        self.url = self._at
        return True

    def _answers(self, path: str) -> bool:
        asking = http.client.HTTPConnection(*self._address, timeout=1.0)
        try:
            asking.request("GET", path)
            return asking.getresponse().status // 100 == 2
        except (OSError, http.client.HTTPException):
            _blame_ourselves()
            return False
        finally:
            asking.close()

    def _said_ready(self) -> bool:
        for line in self._said().splitlines(keepends=True):
            if not line.startswith("READY ") or not line.endswith("\n"):
                continue
            try:
                about = json.loads(line[6:])
                self.url = str(about["urls"][0])
            except (ValueError, KeyError, IndexError, TypeError):
                self._fail('READY is not followed by {"urls": ["http://..."]}')
            self.about = about
            return True
        return False

    def _said(self) -> str:
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), min(size, 1 << 20), 0).decode("utf-8", "replace")

    def last_line(self) -> str:
        """Of what it printed."""
        return last_lines(written(self._output))

    def stop(self) -> None:
        """Ask it to end; `ended` makes sure."""
        with contextlib.suppress(ProcessLookupError):
            self._child.terminate()

    def ended(self, seconds: float = STOP_SECONDS) -> None:
        """SIGKILL to whatever of it is left after these seconds; blocks for it."""
        end_child(self._child, seconds)
        self._output.close()

    def close(self) -> None:
        """End it and what it started. Takes up to 8 s."""
        self.ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
