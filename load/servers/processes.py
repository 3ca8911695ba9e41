"""The children of a comparison that are ours: servers of `sioprobe serve`, the judge, the generator."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple, Self

import msgspec

from load.servers.children import (
    ChildError,
    end_all,
    end_child,
    last_lines,
    scratch_file,
    start_child,
    written,
)
from load.servers.command import ServerCommand
from load.servers.started import START_SECONDS, StartedServer
from sioprobe.harness import harness_environment, harness_variables, module_command
from sioprobe.results.loads import Block

__all__ = [
    "BlockGenerator",
    "ChildError",
    "Driver",
    "NoAnswer",
    "NullServer",
    "Server",
    "ask_child",
    "check_locustfile",
    "cpu_sets",
    "end_all",
    "known_servers",
    "run_child",
    "server_command",
]


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
    "load.capacity": "sioprobe capacity",
    "load.doctor": "sioprobe doctor",
    "load.playing.locustfile": "locustfile",
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
    return start_child(
        module_command(module, *arguments),
        cores=cores,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=harness_environment(SIOPROBE_PROG=_PROGRAMS.get(module, module)),
    )


class Known(NamedTuple):
    """The names that `sioprobe serve` knows."""

    modes: list[str]
    servers: list[str]
    """Those on other libraries and in other languages."""
    queues: dict[str, str]
    """With the reason why nothing goes through it from one process to another; empty if it does."""
    proxies: list[str]


def known_servers() -> Known:
    """What can be served, whether it runs here or not. Raises ChildError."""
    code, told, complaint = ask_child("server_under_test", "--list", "--json", deadline=START_SECONDS)
    if code:
        raise ChildError(f"sioprobe serve --list failed: {complaint}")
    listed = json.loads(told)
    foreign: list[str] = listed["foreign"]
    modes = [name for name in listed["missing"] if name not in foreign]
    queues = {name: row["reason"] if row["works"] == "no" else "" for name, row in listed["queues"].items()}
    return Known(modes, foreign, queues, list(listed["proxies"]))


def server_command(*options: str) -> ServerCommand:
    """The command of `sioprobe serve` with these options, on a port that it chooses."""
    return ServerCommand(
        command=tuple(module_command("server_under_test", "--port", "0", *options)),
        environment=harness_variables(SIOPROBE_PROG=_PROGRAMS["server_under_test"]),
    )


class Server(StartedServer):
    """A server of `sioprobe serve`, from its READY line to its end."""

    def __init__(self, *options: str, cores: set[int] | None = None) -> None:
        super().__init__(server_command(*options), cores=cores)
        self.wait()

    def _ended(self, code: int) -> str:
        return self.last_line()


class NullServer(StartedServer):
    """A server that does next to nothing, from its READY line to its end; `words` start another than ours."""

    def __init__(self, words: Sequence[str] | None = None) -> None:
        words = words or module_command("load.blocks.null_server", "--port", "0")
        super().__init__(ServerCommand(command=tuple(words), environment=harness_variables()))
        self.wait()


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


class NoAnswer(ChildError):
    """A driver did not answer in time, and was killed."""


class Driver:
    """A process that answers each request, a JSON line, by a JSON line. A context manager."""

    def __init__(self, module: str, cores: set[int] | None = None) -> None:
        self._program = _PROGRAMS.get(module, module)
        self._stderr = scratch_file()
        self._child = _start(module, stdin=subprocess.PIPE, cores=cores, stderr=self._stderr)

    def ask(self, request: dict[str, Any], deadline: float) -> dict[str, Any]:
        """The answer. Raises NoAnswer if none comes within `deadline` seconds, ChildError at its end."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        started, line = time.monotonic(), b""
        with _killed_after(self._child, deadline), contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self._child.wait()
        if code == -signal.SIGKILL and time.monotonic() - started >= deadline:
            raise NoAnswer(f"{self._program}: no answer within {deadline:.0f} s")
        raise ChildError(f"{self._program} ended with {code}: {last_lines(written(self._stderr))}")

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def close(self) -> None:
        """End it and what it started."""
        end_child(self._child)
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BlockGenerator(Driver):
    """The load generator: a process that measures block after block."""

    def __init__(self, cores: set[int] | None = None) -> None:
        super().__init__("load.blocks", cores)

    def measure(self, request: dict[str, Any], deadline: float) -> Block:
        """The result of one block. Raises ChildError if it fails or takes more than `deadline` seconds."""
        result = self.ask(request, deadline)
        if "error" in result:
            raise ChildError(str(result["error"]))
        return msgspec.convert(result, Block)


def run_child(module: str, *arguments: str, deadline: float) -> tuple[int, str]:
    """Run a module to its end; its exit code and its last error line. Raises ChildError past the deadline."""
    code, _, complaint = ask_child(module, *arguments, deadline=deadline)
    return code, complaint


def ask_child(
    module: str, *arguments: str, deadline: float, cores: set[int] | None = None
) -> tuple[int, bytes, str]:
    """As `run_child`, on these cores; what it wrote to standard output is the second value."""
    with tempfile.TemporaryFile() as stderr:
        child = _start(module, arguments, cores=cores, stderr=stderr)
        started = time.monotonic()
        try:
            with _killed_after(child, deadline):
                assert child.stdout is not None
                told = child.stdout.read()
                code = child.wait()
        finally:
            end_child(child)
        if code == -signal.SIGKILL and time.monotonic() - started >= deadline:
            raise ChildError(f"{module} took more than {deadline:.0f} s")
        return code, told, last_lines(written(stderr))


def check_locustfile(path: str) -> None:
    """Raise ChildError for a locustfile that cannot be played; the line begins with its name."""
    code, complaint = run_child("load.playing.locustfile", path, deadline=START_SECONDS)
    if code:
        raise ChildError(complaint)
