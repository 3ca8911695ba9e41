"""The parts of a cluster: the queue, the workers and the proxy, each with its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from server_under_test.cluster.watching import Watch
from server_under_test.queues.registry import Running
from server_under_test.starting.children import family, is_alive, send, start_child, stop_children
from server_under_test.starting.command import command, environment
from server_under_test.starting.listener import bind, hold
from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem
from server_under_test.starting.readiness import parse_line

STOP_SECONDS = 4.5
STEADY_SECONDS = 10.0
"""Who runs so long after its start may end, and is started again at once."""
LONGEST_PAUSE = 30.0


class Part:
    """The queue or the proxy. One of its processes that ends is the end of the part.

    `name` is its name in commands (`queue`), `title` in messages (`the queue (Redis)`).
    """

    def __init__(self, name: str, title: str, running: Running) -> None:
        self.name = name
        self.title = title
        self.url = running.url
        self.processes = running.processes
        self.paused = False
        self.end_is_known = False
        """It was killed on purpose, or a line has said that it ended."""
        self._again = running.again

    @property
    def code(self) -> int | None:
        """The exit code of the first process that has ended. None as long as all run."""
        return next((p.returncode for p in self.processes if p.poll() is not None), None)

    @property
    def state(self) -> str:
        """`running`, `paused` or `ended`; `no process of ours` if it is the user's own, or a folder."""
        if not self.processes:
            return "no process of ours"
        if self.code is not None:
            return "ended"
        return "paused" if self.paused else "running"

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        return [process.pid for process in self.processes if process.poll() is None]

    def start(self) -> None:
        """Start it again at the same address, and wait until it answers. Raises Problem."""
        if self._again is None:
            raise Problem(f"{self.title} cannot be started again")
        stop_children(self.processes, STOP_SECONDS)
        self.processes = self._again().processes
        self.paused = self.end_is_known = False

    def kill(self) -> None:
        """SIGKILL to all of it. Returns when it is gone."""
        members = family(self.processes)
        send(members, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        # A zombie has closed its sockets. Whoever inherited it may take a second to look after it.
        while any(is_alive(member) for member in members):
            time.sleep(0.002)
        self.paused, self.end_is_known = False, True

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, and nobody answers."""
        self._send_to_all(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """SIGCONT."""
        self._send_to_all(signal.SIGCONT)
        self.paused = False

    def _send_to_all(self, number: int) -> None:
        # Not to what a broker has started by itself: if we were killed then, it would stay, stopped for ever.
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


class Worker(Part):
    """A server process with a port of its own, which stays its own while it does not run."""

    def __init__(self, number: int, options: Options) -> None:
        self._held = hold(options.host, options.worker_port(number))
        self._options = replace(options, port=self._held.getsockname()[1])
        self.number = number
        self.about: dict[str, Any] | None = None
        """The object after READY. None until then."""
        title = f"server {number} of {options.workers}"
        super().__init__(f"worker {number}", title, Running(f"http://{options.host}:{self._options.port}"))
        self.due: float | None = None
        """When it is to begin again (`time.monotonic`)."""
        self._began = 0.0
        self._ends = 0
        # Listening from the beginning tells a port in use before anything is started.
        self._listener: socket.socket | None = self._listen()

    @property
    def state(self) -> str:
        state = super().state
        return "starting" if state == "running" and self.about is None else state

    @property
    def pids(self) -> list[int]:
        """gunicorn's and uWSGI's workers too."""
        return [member.pid for member in family(self.processes)]

    def join(self, queue_url: str) -> None:
        """Take this way to the queue from the next start on."""
        self._options = replace(self._options, queue_url=queue_url)

    def begin(self, watch: Watch) -> None:
        """Start it. The watch reads its READY line."""
        listener, self._listener = self._listener or self._listen_again(watch), None
        with listener:
            fd = listener.fileno()
            options = replace(self._options, listen_fd=fd)
            # Ctrl-C goes to the supervisor alone: a server that still imports would print a traceback.
            server = start_child(
                command(options),
                env=environment(options),
                pass_fds=[fd],
                stdout=subprocess.PIPE,
                process_group=0,
            )
        assert server.stdout is not None
        self._began, self.due = time.monotonic(), None
        self.processes, self.about = (server,), None
        self.paused = self.end_is_known = False
        watch.lines(server.stdout, partial(self._take, server))

    def put_off(self) -> float:
        """Let it be due: at once, and after a pause that doubles if it ends early again. Returns seconds."""
        now = time.monotonic()
        self._ends = 0 if now - self._began > STEADY_SECONDS else self._ends + 1
        pause = min(2.0 ** (self._ends - 2), LONGEST_PAUSE) if self._ends > 1 else 0.0
        self.due = now + pause
        return pause

    def _listen(self) -> socket.socket:
        return bind(self._options.host, self._options.port, nagle=self._options.nagle)

    def _listen_again(self, watch: Watch) -> socket.socket:
        """Listen when all processes of the last one have ended: gunicorn's worker ends after its master."""
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            try:
                return self._listen()
            except Problem:
                if time.monotonic() > deadline:
                    raise
            watch.wait(0.01)

    def _take(self, server: subprocess.Popen[bytes], line: str) -> None:
        # One that was killed may have said READY, and nobody has read it yet.
        if server in self.processes:
            self.about = parse_line(line) or self.about
