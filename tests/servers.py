"""Servers as child processes, for every test that needs one.

`start_server("gevent", ping_interval=1)` runs `python -m server_under_test --mode gevent --ping-interval 1`,
waits for its READY line and answers a `Server`; used as a context manager it stops the whole process group.
`start_command` does the same for any other program that prints a READY line.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]

# A Python server is ready within 1-2 s on an idle machine; a busy one with two cores may need far longer.
# No test waits for the end of these on purpose: they only keep a server that hangs from holding the run.
START_DEADLINE = 90.0
STOP_DEADLINE = 30.0

_held: list[socket.socket] = []


class ServerFailed(AssertionError):
    """The server ended, or stayed silent, before it was ready."""


@dataclass(slots=True)
class Server:
    """A running server: its addresses, its process, and the object after READY."""

    process: subprocess.Popen[bytes]
    about: dict[str, Any]
    stderr_file: IO[bytes]
    start_seconds: float
    stdout_lines: list[str] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        return list(self.about["urls"])

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def stderr(self) -> str:
        """What the server has written to its standard error so far."""
        self.stderr_file.flush()
        return Path(self.stderr_file.name).read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send a signal to the started process alone, as a person or a process manager does."""
        self.process.send_signal(number)

    def wait(self, deadline: float = STOP_DEADLINE) -> int:
        """The exit code; subprocess.TimeoutExpired when the process outlives the deadline (seconds)."""
        return self.process.wait(deadline)

    def stop(self) -> None:
        """End the process and whatever it started: SIGTERM, then SIGKILL to the process group."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_DEADLINE)
        kill_group(self.process.pid)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.stderr_file.close()
        Path(self.stderr_file.name).unlink(missing_ok=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_server(
    mode: str | None,
    *,
    environment: Mapping[str, str] | None = None,
    python: str | None = None,
    **options: Any,
) -> Server:
    """Start the reference server on a free port; `mode` None leaves the choice to Flask-SocketIO.

    An option is a flag of the command line: `ping_interval=1`, `nagle=True`, `transports=["polling"]`.
    """
    command = [python or sys.executable, "-m", "server_under_test"]
    if mode is not None:
        command += ["--mode", mode]
    command += command_line_options({"port": 0, **options})
    return start_command(command, environment=environment)


def start_foreign(name: str, **options: Any) -> Server:
    """Start a foreign server on a free port, as `start_server` does one of the reference's."""
    words = command_line_options({"port": 0, **options})
    return start_command([sys.executable, "-m", "server_under_test", "--server", name, *words])


def command_line_options(options: Mapping[str, Any]) -> list[str]:
    """`{"port": 0, "nagle": True}` -> `["--port", "0", "--nagle"]`; None and False say nothing."""
    words: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is None or value is False:
            continue
        elif isinstance(value, (list, tuple)):
            words += [flag, ",".join(map(str, value))]
        else:
            words += [flag, str(value)]
    return words


def start_command(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    deadline: float = START_DEADLINE,
    cwd: Path = ROOT,
    pass_fds: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
) -> Server:
    """Run a program in a process group of its own and wait for its READY line."""
    started = time.monotonic()
    stderr_file = tempfile.NamedTemporaryFile(prefix="server-", suffix=".stderr", delete=False)  # noqa: SIM115 - closed by Server.stop
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**_own_environment(), "PYTHONUNBUFFERED": "1", **(environment or {})},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr_file,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    lines: list[str] = []
    server = Server(process, {}, stderr_file, 0.0, lines)
    ready: queue.Queue[dict[str, Any] | None] = queue.Queue()
    # The thread goes on reading until the end, so that the server never blocks on a full pipe.
    threading.Thread(target=_read_lines, args=(process.stdout, lines, ready), daemon=True).start()
    try:
        about = ready.get(timeout=deadline)
        if about is None:
            process.wait(STOP_DEADLINE)
            raise ServerFailed(
                f"{' '.join(command)} ended with {process.returncode}:\n{''.join(lines)}{server.stderr}"
            )
    except queue.Empty:
        message = f"{' '.join(command)} was not ready after {deadline} s:\n{''.join(lines)}{server.stderr}"
        server.stop()
        raise ServerFailed(message) from None
    except BaseException:
        server.stop()
        raise
    server.about = about
    server.start_seconds = time.monotonic() - started
    return server


def _own_environment() -> dict[str, str]:
    """A copy. pytest changes the environment while threads of a fixture start servers."""
    return {name: value for name in list(os.environ) if (value := os.environ.get(name)) is not None}


def hide(folder: Path, *modules: str) -> dict[str, str]:
    """An environment in which modules cannot be found, as if they were not installed."""
    lines = ["import sys", *(f"sys.modules[{module!r}] = None" for module in modules)]
    (folder / "sitecustomize.py").write_text("\n".join(lines) + "\n")
    return {"PYTHONPATH": str(folder)}


def handle_events(folder: Path, body: str) -> None:
    """Make servers with this folder on their path handle each event of Flask-SocketIO by this one line.

    It may call `handle(self, *arguments)`, which handles the event as always.
    """
    # It must not be imported before the mode has patched the process.
    (folder / "sitecustomize.py").write_text(f"""
import importlib.abc, importlib.machinery, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "flask_socketio":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            handle = module.SocketIO._handle_event
            def handle_event(self, *arguments):
                {body}
            module.SocketIO._handle_event = handle_event
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Finder())
""")


def kill_group(group: int) -> None:
    """SIGKILL to a process group; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def held_port() -> int:
    """A port of 127.0.0.1 that nobody else is given as long as this process runs.

    It is bound and not listened at. A server that sets SO_REUSEADDR, as all do here, can still listen there.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return int(holder.getsockname()[1])


def _read_lines(stream: IO[bytes], lines: list[str], ready: queue.Queue[dict[str, Any] | None]) -> None:
    with stream:
        for raw in stream:
            line = raw.decode(errors="replace")
            lines.append(line)
            if line.startswith("READY "):
                ready.put(json.loads(line.removeprefix("READY ")))
    ready.put(None)
