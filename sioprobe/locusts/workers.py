"""What a master knows of its workers in one test: what each reported last, and who is missing.

A worker stops its users, and then sends its final report. If there is no final report when the test is over,
the worker was lost, and so is what it counted after its last report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from sioprobe.measured.process_state import ProcessState
from sioprobe.measured.summary import Remark
from sioprobe.results.loads import Finding, GeneratorProcess

__all__ = ["Worker", "Workers", "generator"]

SILENT_SECONDS = 5.0
"""A worker reports once a second, and Locust calls it missing after three."""

TOGETHER_SECONDS = 2.0


Status = Literal["running", "done", "left", "lost"]


@dataclass(slots=True)
class Worker:
    """One worker. Times are those of the master's monotonic clock; `state` is what it reported last."""

    client_id: str
    index: int
    since: float
    late: bool
    last_report: float
    state: ProcessState
    longest_silence: float = 0.0

    @property
    def final(self) -> bool:
        """Whether everything it counted has come."""
        return self.state.final

    @property
    def name(self) -> str:
        """For people: `worker 1 (host, pid 4711)`."""
        return f"worker {self.index} ({self.state.host}, pid {self.state.pid})"


class Workers:
    """The workers of one test. `present` gives, by client id, the index of each that is there at the start.

    `run` names the test, as the reports of its workers do. Before the first test it is None, which no report
    has. The master sets `stopping` (a monotonic time) when it tells them to stop, and `over` when it waits no
    more.
    """

    def __init__(self, run: str | None = None, present: dict[str, int] | None = None) -> None:
        self.run = run
        self.started = time.monotonic()
        self.stopping = 0.0
        self.over = False
        self._present = present or {}
        self._workers: dict[str, Worker] = {}

    def take(self, client_id: str, index: int, state: ProcessState) -> bool:
        """Enter a report. False if it belongs to another test."""
        if state.run != self.run:
            return False
        now = time.monotonic()
        worker = self._workers.get(client_id)
        if worker is None:
            late = client_id not in self._present
            worker = self._workers[client_id] = Worker(client_id, index, now, late, now, state)
        worker.longest_silence = max(worker.longest_silence, now - worker.last_report)
        worker.last_report = now
        worker.state = state
        return True

    def __iter__(self) -> Iterator[Worker]:
        return iter(sorted(self._workers.values(), key=lambda worker: worker.index))

    def __len__(self) -> int:
        return len(self._workers)

    def rested(self, present: list[str]) -> bool:
        """Whether each worker that is `present` and takes part is at rest. Its users are still there."""
        return self._each(present, lambda state: state.rested or state.final)

    def halted(self, present: list[str]) -> bool:
        """Whether each worker that is `present` and takes part has sent its final report."""
        return self._each(present, lambda state: state.final)

    def _each(self, present: list[str], holds: Callable[[ProcessState], bool]) -> bool:
        return all(
            client_id in self._workers and holds(self._workers[client_id].state)
            for client_id in present
            if client_id in self._workers or client_id in self._present
        )

    def _left_early(self, worker: Worker) -> bool:
        """Whether it quit by itself. After Ctrl-C it quits together with its master, which does not count."""
        if not worker.state.left:
            return False
        return not self.stopping or self.stopping - worker.last_report > TOGETHER_SECONDS

    def remarks(self, missing: set[str]) -> list[Remark]:
        """Who joined late, left, was silent, or was lost.

        `missing` holds the client ids that do not answer the master now. When the test is `over`, there must
        be a final report of everybody.
        """
        remarks: list[Remark] = [
            _lost(f"worker {index} was lost before its first report: what it counted is missing")
            for client_id, index in self._present.items()
            if self.over and client_id not in self._workers
        ]
        for worker in self:
            last = f"{worker.last_report - self.started:.1f} s after the start"
            counted = worker.state.counted
            if worker.final and self._left_early(worker):
                reason = f"{worker.name} left {last}; its {counted} counts are complete"
                remarks.append(Finding(verdict="SUSPECT", reason=reason))
            elif not worker.final and (self.over or worker.client_id in missing):
                remarks.append(
                    _lost(
                        f"{worker.name} was lost: its last report came {last} and covers {counted} counts of"
                        f" {worker.state.users} users; what it counted later is missing"
                    )
                )
            if worker.longest_silence >= SILENT_SECONDS:
                reason = f"{worker.name} was silent for {worker.longest_silence:.1f} s"
                remarks.append(Finding(verdict="SUSPECT", reason=reason))
            if worker.late:
                remarks.append(f"{worker.name} joined {worker.since - self.started:.1f} s after the start")
        return remarks

    @property
    def incomplete(self) -> bool:
        """After the test: whether a worker was lost, or left before the end."""
        return any(client_id not in self._workers for client_id in self._present) or any(
            not worker.final or self._left_early(worker) for worker in self
        )

    def generators(self, missing: set[str]) -> list[GeneratorProcess]:
        """Each worker, for the result; times in seconds since the start."""
        return [
            replace(
                generator(worker.state),
                worker=worker.name,
                state=self._status(worker, missing),
                late=worker.late,
                first_report=worker.since - self.started,
                last_report=worker.last_report - self.started,
                longest_silence=worker.longest_silence,
            )
            for worker in self
        ]

    def _status(self, worker: Worker, missing: set[str]) -> Status:
        if worker.final:
            return "left" if self._left_early(worker) else "done"
        return "lost" if worker.client_id in missing or self.over else "running"


def _lost(reason: str) -> Finding:
    return Finding(verdict="INVALID", reason=reason)


def generator(state: ProcessState) -> GeneratorProcess:
    """One process that generates load, for the result, made of what it says of itself."""
    return GeneratorProcess(
        worker=f"this process ({state.host}, pid {state.pid})",
        state="done" if state.final else "running",
        late=False,
        host=state.host,
        pid=state.pid,
        users=state.users,
        counted=state.counted,
        cpu_share=state.cpu_share,
        max_cpu_share=state.vitals.busiest_share,
        hub_lag_p99_us=state.vitals.hub_lag.percentile(99),
        send_lag_p99_us=state.vitals.send_lag.percentile(99),
    )
