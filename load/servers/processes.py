"""Child processes: servers, the judge, the load generator.

Each has a session of its own, so that Ctrl-C reaches only the parent, which then ends its children. On Linux
the kernel ends them if the parent is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import IO, Any

import msgspec

from sioprobe.harness import harness_environment, module_command
from sioprobe.results.loads import Block

__all__ = [
    "BlockGenerator",
    "ChildError",
    "Server",
    "cpu_sets",
    "die_with_parent",
    "end_all",
    "known_servers",
    "run_child",
]

START_SECONDS = 60.0  # a JVM or a busy two-core machine; Python needs one
STOP_SECONDS = 8.0

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_children: set[subprocess.Popen[bytes]] = set()
_children_lock = threading.Lock()


class ChildError(RuntimeError):
    """A child failed. One line."""


def cpu_sets() -> tuple[set[int], set[int]]:
    """Cores for the servers and for the generator: the same set twice if there is only one core."""
    if not hasattr(os, "sched_getaffinity"):
        every = set(range(os.cpu_count() or 1))
        return every, every
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return set(cores), set(cores)
    return set(cores[:-1]), {cores[-1]}


# The name of a child in its error lines, and in commands that repeat a case.
_PROGRAMS = {
    "conformance": "sioprobe conform",
    "load.blocks": "load generator",
    "reports": "sioprobe report",
    "server_under_test": "sioprobe serve",
}


def _start(
    module: str,
    arguments: Sequence[str] = (),
    *,
    stdin: int = subprocess.DEVNULL,
    cores: set[int] | None = None,
    stderr: IO[bytes],
) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        module_command(module, *arguments),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=harness_environment(SIOPROBE_PROG=_PROGRAMS[module]),
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    with _children_lock:
        _children.add(child)
    if cores and hasattr(os, "sched_setaffinity"):
        # Before the child has threads or children, which inherit it.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(child.pid, cores)
    return child


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel ends this child if its parent is killed. Linux only."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to the child, then SIGKILL to what is left of its group."""
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    with _children_lock:
        _children.discard(child)


def end_all() -> None:
    """End all children."""
    with _children_lock:
        children = list(_children)
    for child in children:
        _end(child)


def _last_line(file: IO[bytes]) -> str:
    file.flush()
    file.seek(0)
    lines = [line for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"


def known_servers() -> tuple[list[str], list[str]]:
    """The async modes and the foreign servers that `sioprobe serve` knows. Raises ChildError."""
    done = subprocess.run(
        module_command("server_under_test", "--list", "--json"),
        env=harness_environment(SIOPROBE_PROG=_PROGRAMS["server_under_test"]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ChildError(f"sioprobe serve --list failed: {done.stderr.decode(errors='replace').strip()}")
    listed = json.loads(done.stdout)
    foreign: list[str] = listed["foreign"]
    return [name for name in listed["missing"] if name not in foreign], foreign


class Server:
    """A server, from its READY line to its end. A context manager."""

    def __init__(self, *options: str, cores: set[int] | None = None) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        self._child = _start("server_under_test", ("--port", "0", *options), cores=cores, stderr=self._stderr)
        try:
            self.about = self._ready()
        except BaseException:
            self.close()
            raise

    def _ready(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        with _killed_after(self._child, START_SECONDS):
            for line in self._child.stdout:
                if line.startswith(b"READY "):
                    # What the server prints later must not fill the pipe, which would stop it.
                    threading.Thread(target=_drain, args=(self._child.stdout,), daemon=True).start()
                    about: dict[str, Any] = json.loads(line[6:])
                    return about
        code = self._child.wait()
        if code == -signal.SIGKILL:
            raise ChildError(f"did not say READY within {START_SECONDS:.0f} s")
        raise ChildError(_last_line(self._stderr))

    @property
    def urls(self) -> list[str]:
        return list(self.about["urls"])

    @property
    def pids(self) -> list[int]:
        return list(self.about["pids"])

    def close(self) -> None:
        """End it and its children. Takes up to 8 s."""
        _end(self._child)
        self._stderr.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def _killed_after(child: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, child.kill)
    # Daemonic: if Ctrl-C arrives just here, the interpreter must not wait for it.
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _drain(stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):  # closed by _end while we read
        for _ in stream:
            pass


class BlockGenerator:
    """The load generator: a process that measures block after block. A context manager."""

    def __init__(self, cores: set[int] | None = None) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        self._child = _start("load.blocks", stdin=subprocess.PIPE, cores=cores, stderr=self._stderr)

    def measure(self, request: dict[str, Any], deadline: float) -> Block:
        """The result of one block. Raises ChildError if it fails or takes more than `deadline` seconds."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            with _killed_after(self._child, deadline):
                self._child.stdin.write(json.dumps(request).encode() + b"\n")
                self._child.stdin.flush()
                line = self._child.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line and self._child.wait() == -signal.SIGKILL:
            raise ChildError(f"no result within {deadline:.0f} s")
        if not line:
            raise ChildError(f"load generator ended: {_last_line(self._stderr)}")
        result: dict[str, Any] = json.loads(line)
        if "error" in result:
            raise ChildError(str(result["error"]))
        return msgspec.convert(result, Block)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def close(self) -> None:
        _end(self._child)
        self._stderr.close()

    def __enter__(self) -> BlockGenerator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_child(module: str, *arguments: str, deadline: float) -> tuple[int, str]:
    """Run a module to its end; its exit code and its last error line. Raises ChildError past the deadline."""
    with tempfile.TemporaryFile() as stderr:
        child = _start(module, arguments, stderr=stderr)
        started = time.monotonic()
        try:
            with _killed_after(child, deadline):
                assert child.stdout is not None
                _drain(child.stdout)
                code = child.wait()
        finally:
            _end(child)
        if code == -signal.SIGKILL and time.monotonic() - started >= deadline:
            raise ChildError(f"{module} took more than {deadline:.0f} s")
        return code, _last_line(stderr)
