"""One server of a life: started, awaited, put on its core, its CPU clock, ended.

Whatever it started ends with it, and all of it ends when this process does. Waiting is done by the standard
library's calls, so that it serves processes with and without a gevent hub.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from urllib.parse import urlsplit

from load.servers.processes import die_with_parent
from load.side_by_side.asking import LifeError, Side
from load.watching import proc

__all__ = ["RunningServer", "free_port"]

LOOK_SECONDS = 0.02
STOP_SECONDS = 1.0
SILENCE_SECONDS = 0.0003
SILENCE_READINGS = 100
REALTIME_PRIORITY = 1

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


class RunningServer:
    """The processes of one side. `ready` must be called before `url`."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.url = ""
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the server
        self._port = free_port() if any("{port}" in word for word in side.command) else None
        words = [word.replace("{port}", str(self._port)) for word in side.command]
        self._pids: tuple[int, ...] = ()
        try:
            self._child = subprocess.Popen(
                words,
                cwd=side.folder,
                env={**os.environ, **side.environment},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            what = error.filename or words[0]
            raise LifeError(f"{side.name}: {what}: {error.strerror}", side.name) from None

    @property
    def pid(self) -> int:
        """Of the process that the command started."""
        return self._child.pid

    def ready(self, end: float) -> None:
        """Wait until it says that it is ready, at most until `end` (monotonic). Raises LifeError."""
        while not self._is_ready():
            self.check()
            if time.monotonic() > end:
                problem = f"not ready in time ({self._awaited()}); its last line: {self.last_line()}"
                raise LifeError(f"{self.side.name}: {problem}", self.side.name)
            time.sleep(LOOK_SECONDS)

    def check(self) -> None:
        """Raise LifeError if the process has ended."""
        code = self._child.poll()
        if code is not None:
            raise LifeError(
                f"{self.side.name}: the server ended with {code}: {self.last_line()}", self.side.name
            )

    def _awaited(self) -> str:
        if self.side.ready == "READY":
            return "no line that begins with READY"
        if self.side.ready == "port":
            return f"nothing accepts at port {self._port}"
        return f"no 2xx from {self.side.ready} at port {self._port}"

    def _is_ready(self) -> bool:
        if self.side.ready == "READY":
            return self._said_ready()
        address = ("127.0.0.1", self._port or 0)
        try:
            if self.side.ready == "port":
                with socket.create_connection(address, timeout=1.0):
                    pass
            else:
                asking = http.client.HTTPConnection(*address, timeout=1.0)
                try:
                    asking.request("GET", self.side.ready)
                    if asking.getresponse().status // 100 != 2:
                        return False
                finally:
                    asking.close()
        except (OSError, http.client.HTTPException):
            return False
        self.url = f"http://127.0.0.1:{self._port}"
        return True

    def _said_ready(self) -> bool:
        for line in self._said().splitlines(keepends=True):
            if not line.startswith("READY ") or not line.endswith("\n"):
                continue
            try:
                self.url = str(json.loads(line[6:])["urls"][0])
            except (ValueError, KeyError, IndexError, TypeError):
                raise LifeError(
                    f'{self.side.name}: READY is not followed by {{"urls": ["http://..."]}}', self.side.name
                ) from None
            return True
        return False

    def _said(self) -> str:
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), min(size, 1 << 20), 0).decode("utf-8", "replace")

    def last_line(self) -> str:
        """Of what it printed."""
        size = os.fstat(self._output.fileno()).st_size
        text = os.pread(self._output.fileno(), 8192, max(0, size - 8192)).decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "nothing"

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 80

    def settle_on(self, cores: set[int] | None, *, realtime: bool) -> None:
        """Put all its threads on these cores, and under SCHED_RR; new threads inherit both."""
        self._pids = tuple(sorted(proc.descendants(self._child.pid)))
        for pid in self._pids:
            for thread in _threads(pid):
                with contextlib.suppress(ProcessLookupError):
                    if cores is not None:
                        os.sched_setaffinity(thread, cores)
                    if realtime:
                        os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))

    def cpu_ns(self) -> int:
        """CPU time of its processes. Raises LifeError when one has ended."""
        try:
            return sum(map(proc.process_cpu_ns, self._pids))
        except OSError:
            self.check()
            raise LifeError(f"{self.side.name}: a process of it has ended", self.side.name) from None

    def silent_cpu_ns(self) -> tuple[int, bool]:
        """CPU time once none of its threads runs or waits for a core, and whether that came in time."""
        for _ in range(SILENCE_READINGS):
            if not self._busy():
                return self.cpu_ns(), True
            time.sleep(SILENCE_SECONDS)
        return self.cpu_ns(), False

    def _busy(self) -> bool:
        for pid in self._pids:
            for thread in _threads(pid):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/stat", "rb") as file:
                    # The state stands behind the name, which may hold anything.
                    if file.read().rpartition(b")")[2][1:2] in b"RD":
                        return True
        return False

    @property
    def same_processes(self) -> bool:
        """Whether it still consists of the processes that `settle_on` found."""
        return set(self._pids) == proc.descendants(self._child.pid)

    def stop(self) -> None:
        """Ask it to end; `ended` makes sure."""
        with contextlib.suppress(ProcessLookupError):
            self._child.terminate()

    def ended(self) -> None:
        """SIGKILL to whatever of it is left after a second; blocks for it."""
        family = proc.descendants(self._child.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        for pid in family - {self._child.pid}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self._child.wait()
        self._output.close()


def _threads(pid: int) -> list[int]:
    try:
        return [int(thread) for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []
