"""What Locust's workers report to their master: counts, and how each process is doing.

Durations travel as sparse histograms beside Locust's own report, because Locust rounds them to milliseconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from sioprobe.engine.hub import Engine
from sioprobe.locusts.clock import clock_id, host_name
from sioprobe.locusts.entries import without_counts
from sioprobe.locusts.statistics import LocustStatistics
from sioprobe.locusts.workers import Workers, generator
from sioprobe.measured.arrivals import ArrivalFigures
from sioprobe.measured.ledger import Ledger
from sioprobe.measured.process_state import ProcessState
from sioprobe.measured.recorder import Sample
from sioprobe.measured.schedule import Schedule
from sioprobe.measured.summary import Remark
from sioprobe.measured.travelling import pack, unpack
from sioprobe.results.loads import GeneratorProcess

__all__ = ["REPORT_SECONDS", "Played", "Reports"]

REPORT_KEY = "sioprobe"
REPORT_SECONDS = 1.0
"""How often a worker reports. If one is lost, at most this much of its counts is missing."""


@dataclass(slots=True)
class Played:
    """What this process plays while a test runs. A locustfile sets what it has.

    `operation` is the type and name of the series that counts its operations. `ledger` is its account of
    deliveries, `schedule` that of its open loop. `timed_between` says that it compares times of two
    processes. `halt` lets it come to rest before the users are stopped, and may block. `unanswered` counts
    the operations that had no answer then. `state` answers what else it found.
    """

    operation: tuple[str, str] | None = None
    ledger: Ledger | None = None
    schedule: Schedule | None = None
    timed_between: bool = False
    halt: Callable[[], None] | None = None
    unanswered: int = 0
    state: Callable[[], dict[str, Any] | None] | None = None


class Reports:
    """The reports of one environment: a worker writes them, and its master reads them."""

    def __init__(self, environment: Environment, engine: Engine, statistics: LocustStatistics) -> None:
        self._environment = environment
        self._engine = engine
        self._statistics = statistics
        self._cpu_at = (time.monotonic(), time.process_time())
        self._cpu_share = 0.0
        self.played = Played()
        self.workers = Workers()
        self.attached: set[str] = set()
        """The client ids of all workers that have ever reported."""
        self.begin()

    def begin(self) -> None:
        """Another test begins."""
        self.rested = self.left = False
        self.users: int | None = None
        self.connections: int | None = None
        """How many users there were before they were stopped, and how many connections."""
        self._last: ProcessState | None = None

    @property
    def run(self) -> str:
        """On a worker: which test this is, as its master named it; empty before the first."""
        # Not kept: a worker that joins a running test gets its options before anybody listens.
        return str(getattr(self._environment.parsed_options, "sioprobe_run", ""))

    @property
    def final(self) -> bool:
        """Whether everything of the test was counted."""
        return self._last is not None

    def end(self) -> None:
        """The test ends here: count to this moment, and keep how the process did until now."""
        self._statistics.flush()
        if self._last is None:
            self._last = self._state(final=True)

    def own_state(self) -> ProcessState:
        """How this process is doing, or did when its test ended."""
        return self._last or self._state(final=False)

    def _state(self, *, final: bool) -> ProcessState:
        runner, played = self._environment.runner, self.played
        users = runner.user_count if runner is not None else 0
        ledger = played.ledger
        wall, cpu = self._cpu_at
        if time.monotonic() - wall >= REPORT_SECONDS / 2:
            self._cpu_at = (time.monotonic(), time.process_time())
            self._cpu_share = (self._cpu_at[1] - cpu) / (self._cpu_at[0] - wall)
        return ProcessState(
            clock=clock_id(),
            host=host_name(),
            pid=os.getpid(),
            run=self.run,
            rested=self.rested,
            final=final,
            left=self.left,
            users=users if self.users is None else self.users,
            connections=self._engine.connected if self.connections is None else self.connections,
            arrivals=self._engine.arrivals.figures(),
            counted=self._engine.recorder.counted,
            unanswered=played.unanswered,
            timed_between=played.timed_between,
            cpu_share=self._cpu_share,
            vitals=self._engine.pulse.vitals(),
            ledger=ledger.figures() if ledger is not None else None,
            ledgers={url: part.figures() for url, part in ledger.parts.items()} if ledger is not None else {},
            schedule=played.schedule.figures() if played.schedule is not None else None,
            scenario=played.state() if played.state is not None else None,
        )

    # On a worker

    def write(self, data: dict[str, Any]) -> None:
        """Add to a report what the master does not know yet."""
        self._statistics.flush()
        untold = self._statistics.untold
        series = [[type, name, pack(sample)] for (type, name), sample in untold.items()]
        untold.clear()
        data[REPORT_KEY] = {"series": series, "state": pack(self.own_state())}

    # On a master

    def read(self, client_id: str, data: dict[str, Any]) -> None:
        """Take a worker's report."""
        report = data.get(REPORT_KEY)
        runner = self._environment.runner
        if report is None or not isinstance(runner, MasterRunner):
            return
        self.attached.add(client_id)
        state = unpack(report["state"], ProcessState)
        if not self.workers.take(client_id, runner.get_worker_index(client_id), state):
            # This report belongs to an earlier test.
            without_counts(data, self._environment.stats)
            return
        for type, name, sample in report["series"]:
            # Only into the total, because Locust's own listener adds the counts.
            self._engine.recorder.series(type, name).add(unpack(sample, Sample))

    def states(self) -> list[ProcessState]:
        """The state of each process that generates load: the workers', or this one's."""
        if isinstance(self._environment.runner, MasterRunner):
            return [worker.state for worker in self.workers]
        return [self.own_state()]

    def arrivals(self) -> ArrivalFigures:
        """The users of all processes, as of now or of the last reports."""
        if isinstance(self._environment.runner, MasterRunner):
            return ArrivalFigures.together(state.arrivals for state in self.states())
        return self._engine.arrivals.figures()

    def generators(self) -> list[GeneratorProcess]:
        """The same processes, for the result."""
        if isinstance(self._environment.runner, MasterRunner):
            return self.workers.generators(self._missing())
        return [generator(self.own_state())]

    def remarks(self) -> list[Remark]:
        """What a master has to say about its workers, see `Workers.remarks`."""
        return self.workers.remarks(self._missing())

    def _missing(self) -> set[str]:
        """The workers that do not answer the master."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return set()
        answering = {client.id for client in runner.clients.all if client.state != STATE_MISSING}
        return {worker.client_id for worker in self.workers if worker.client_id not in answering}
