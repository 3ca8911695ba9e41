"""What a master knows of its workers in one test: what each reported last, and who is missing.

A worker's last report is final when its users were stopped before it. One whose last report is not final
when the test is over was lost: what it counted after that report is nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Worker", "Workers"]

SILENT_SECONDS = 5.0
"""A worker reports once a second, and Locust calls it missing after three."""

TOGETHER_SECONDS = 2.0


@dataclass(slots=True)
class Worker:
    """One worker. Times are `monotonic` of the master; `state` is what it reported last."""

    client_id: str
    index: int
    since: float
    late: bool
    last_report: float
    longest_silence: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether everything it counted has come."""
        return bool(self.state["final"])

    @property
    def name(self) -> str:
        """For people: `worker 1 (host, pid 4711)`."""
        return f"worker {self.index} ({self.state['host']}, pid {self.state['pid']})"


class Workers:
    """The workers of one test; `present` are the index of each that is there when it starts, by client id."""

    def __init__(self, run: str = "", present: dict[str, int] | None = None) -> None:
        self.run = run
        self.started = time.monotonic()
        self.stopping = 0.0
        self._present = present or {}
        self._workers: dict[str, Worker] = {}

    def take(self, client_id: str, index: int, state: dict[str, Any]) -> bool:
        """Enter a report; False for one of another test."""
        if state["run"] != self.run:
            return False
        now = time.monotonic()
        worker = self._workers.get(client_id)
        if worker is None:
            late = client_id not in self._present
            worker = self._workers[client_id] = Worker(client_id, index, now, late, now)
        worker.longest_silence = max(worker.longest_silence, now - worker.last_report)
        worker.last_report = now
        worker.state = state
        return True

    def __iter__(self) -> Iterator[Worker]:
        return iter(sorted(self._workers.values(), key=lambda worker: worker.index))

    def __len__(self) -> int:
        return len(self._workers)

    def halted(self, present: list[str]) -> bool:
        """Whether each of those that are `present` and take part has sent its final report."""
        return all(
            client_id in self._workers and self._workers[client_id].final
            for client_id in present
            if client_id in self._workers or client_id in self._present
        )

    def _left_early(self, worker: Worker) -> bool:
        """Whether it ended of its own, and not because Ctrl-C reached it together with the master."""
        if not worker.state["left"]:
            return False
        return not self.stopping or self.stopping - worker.last_report > TOGETHER_SECONDS

    def remarks(self, missing: set[str], over: bool) -> list[tuple[bool, str]]:
        """`(doubtful, sentence)`: who joined late, left, was silent, or was lost; doubtful ones lower the verdict.

        `missing` are the client ids that do not answer the master now; `over` tells that the test has
        ended, when everybody's final report must be there.
        """
        remarks = [
            (True, f"worker {index} was lost before its first report; what it counted is missing")
            for client_id, index in self._present.items()
            if over and client_id not in self._workers
        ]
        for worker in self:
            last = f"{worker.last_report - self.started:.1f} s after the start"
            counted = worker.state["counted"]
            if worker.final and self._left_early(worker):
                remarks.append((True, f"{worker.name} left {last}; its {counted} counts are complete"))
            elif not worker.final and (over or worker.client_id in missing):
                remarks.append(
                    (
                        True,
                        f"{worker.name} was lost: its last report came {last} and covers {counted} counts of"
                        f" {worker.state['users']} users; what it counted later is missing",
                    )
                )
            if worker.longest_silence >= SILENT_SECONDS:
                remarks.append((True, f"{worker.name} was silent for {worker.longest_silence:.1f} s"))
            if worker.late:
                remarks.append(
                    (False, f"{worker.name} joined {worker.since - self.started:.1f} s after the start")
                )
        return remarks

    @property
    def incomplete(self) -> bool:
        """After the test: whether one was lost, or left before the end."""
        return any(client_id not in self._workers for client_id in self._present) or any(
            not worker.final or self._left_early(worker) for worker in self
        )

    def to_json(self, missing: set[str]) -> list[dict[str, Any]]:
        """Each worker as it stands in a summary; times in seconds since the start."""
        return [
            {
                "index": worker.index,
                "host": worker.state["host"],
                "pid": worker.state["pid"],
                "final": worker.final,
                "left": self._left_early(worker),
                "missing": worker.client_id in missing,
                "joined_late": worker.late,
                "first_report": worker.since - self.started,
                "last_report": worker.last_report - self.started,
                "longest_silence": worker.longest_silence,
                "counted": worker.state["counted"],
                "users": worker.state["users"],
                "cpu_share": worker.state["cpu_share"],
                "max_cpu_share": worker.state["max_cpu_share"],
            }
            for worker in self
        ]
