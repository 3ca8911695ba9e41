"""One contender against a null server of its own, measured from outside.

Operations are counted by the server, CPU is read from the clocks of the contender's process tree: the same
for a Python program, a Node program and one in C, none of which needs to know that it is measured.
"""

from __future__ import annotations

import json
import resource
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load.bench.compiled import NotCompiled, compiled
from load.servers.children import end_child, start_child
from load.servers.processes import NullServer
from load.watching.process_trees import sample_trees
from sioprobe.harness import harness_environment

__all__ = ["Failed", "Plan", "Window", "measure"]

READY_SECONDS = 90.0
SETTLE_SECONDS = 2.0
STOP_SECONDS = 20.0
STEP_SECONDS = 0.05
SPARE_FILES = 100
"""Open files of a process beside its connections."""


class Failed(Exception):
    """The contender could not be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. `operation` is what the server counts: acks, deliveries, connects; or None.

    `rate` is that of all users in an open loop; without one each begins its next operation at once.
    """

    operation: str | None
    transport: str
    users: int
    seconds: float
    payload_bytes: int = 32
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What the window held. CPU in seconds, memory of the process tree at its end in bytes."""

    operations: int
    cpu_seconds: float
    server_cpu_seconds: float
    seconds: float
    rss_bytes: int
    sessions: int
    failures: int | None

    @property
    def us_per_operation(self) -> float | None:
        """CPU of the contender per operation in µs; None where nothing was done."""
        return self.cpu_seconds / self.operations * 1e6 if self.operations else None

    def to_json(self) -> dict[str, Any]:
        """As it stands in the JSON of a run."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "us_per_operation": self.us_per_operation,
        }


Start = Callable[[str, Plan, Path], "tuple[list[str], dict[str, str]]"]
"""The command and the additional environment, of a URL, a plan, and a folder for files of the run."""

CountFailures = Callable[[Path], "int | None"]
"""How many operations failed, from the run's folder (`stdout` holds what it printed); None: not known."""


def measure(start: Start, count_failures: CountFailures, plan: Plan) -> Window:
    """The window of one contender. Raises Failed, and ChildError without a null server."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < plan.users + SPARE_FILES:
        raise Failed(f"{plan.users} connections are more than the open files allowed here, {allowed}")
    with (
        NullServer(server_command(plan)) as server,
        tempfile.TemporaryDirectory(prefix="sioprobe-bench-") as name,
    ):
        folder, url = Path(name), server.url
        command, extra = start(url, plan, folder)
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = start_child(command, env=harness_environment(**extra), stdout=out, stderr=err)
        try:
            wait_until_ready(process, url, plan, folder)
            time.sleep(SETTLE_SECONDS)
            window = take_window(process.pid, server.pid, url, plan)
            if process.poll() is not None:
                raise Failed(f"ended during the measurement: {last_line(folder)}")
        finally:
            # It is asked to end first, and says what it counted.
            end_child(process, STOP_SECONDS)
        return Window(*window, count_failures(folder))


def server_command(plan: Plan) -> list[str] | None:
    """The null server in C for acks over WebSocket, because the usual one could set the pace; else None."""
    if (plan.operation, plan.transport) == ("acks", "websocket"):
        with suppress(NotCompiled):
            return [str(compiled("null_server"))]
    return None


def counts(url: str) -> dict[str, int]:
    """What the null server has counted since it started."""
    with urllib.request.urlopen(url + "/counts", timeout=STOP_SECONDS) as answer:
        found: dict[str, int] = json.load(answer)
    return found


def wait_until_ready(process: subprocess.Popen[bytes], url: str, plan: Plan, folder: Path) -> None:
    """Wait until all users have connected, and each has done an operation on average."""
    end = time.monotonic() + READY_SECONDS + plan.users / 200
    while True:
        if process.poll() is not None:
            raise Failed(f"ended before it was measured: {last_line(folder)}")
        now = counts(url)
        # Clients that come and go are never all there.
        there = now["connects"] if plan.operation == "connects" else now["sessions"]
        done = now[plan.operation] if plan.operation else plan.users
        if there >= plan.users and done >= plan.users:
            return
        if time.monotonic() > end:
            raise Failed(f"{there} of {plan.users} users connected, {done} operations: {last_line(folder)}")
        time.sleep(STEP_SECONDS)


def take_window(pid: int, server_pid: int, url: str, plan: Plan) -> tuple[int, float, float, float, int, int]:
    """Operations, CPU of both, wall time, memory and sessions at the end."""
    before, cpu, server_cpu, wall = counts(url), sample_trees([pid]), sample_trees([server_pid]), _now()
    time.sleep(plan.seconds)
    after, cpu_after, server_after, wall_after = (
        counts(url),
        sample_trees([pid]),
        sample_trees([server_pid]),
        _now(),
    )
    operations = after[plan.operation] - before[plan.operation] if plan.operation else 0
    return (
        operations,
        (cpu_after.cpu_ns - cpu.cpu_ns) / 1e9,
        (server_after.cpu_ns - server_cpu.cpu_ns) / 1e9,
        wall_after - wall,
        cpu_after.rss_bytes,
        after["sessions"],
    )


def _now() -> float:
    return time.monotonic()


def last_line(folder: Path) -> str:
    """What it said last."""
    for name in ("stderr", "stdout"):
        lines = (folder / name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            return lines[-1].strip()
    return "nothing was said"
