"""Carries what the recorder counted into Locust, and from Locust's workers to its master.

Once a second, and before every report to the master, each series becomes a `StatsEntry` that extends
Locust's own: console, CSV, HTML, web page and history all work, and their counts are ours.
Durations travel to the master as sparse histograms too, because Locust rounds them to milliseconds.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
import uuid
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import gevent
import locust.runners
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner
from locust.stats import RequestStats

from sioprobe.engine.hub import Engine
from sioprobe.locusts.clock import clock_id, host_name
from sioprobe.locusts.entries import add_errors, csv_texts, entry_of, without_counts
from sioprobe.locusts.garbage import spare_collector
from sioprobe.locusts.request_events import RequestEvents
from sioprobe.locusts.web_tab import add_tab
from sioprobe.locusts.workers import Workers, generator
from sioprobe.measured.ledger import Ledger
from sioprobe.measured.recorder import Recorder, Sample, Series
from sioprobe.measured.schedule import Schedule
from sioprobe.measured.summary import summarise
from sioprobe.measured.validity import Floor

__all__ = ["LocustStatistics"]

logger = logging.getLogger(__name__)

REPORT_KEY = "sioprobe"
REPORT_SECONDS = 1.0
"""How often a worker reports: what a lost worker's last report does not cover is at most so much."""

HALT = "sioprobe_halt"
HALT_DEADLINE = 15.0
"""How long the master waits for its workers to stop their users, in seconds, beside `--stop-timeout`."""


class LocustStatistics:
    """One for each Locust environment: `LocustStatistics.of(environment)`.

    A scenario sets `ledger`, its account of deliveries; `schedule`, that of its open loop; `halt`, what lets
    it come to rest before users are stopped (it may block); `operation`, the type and name of the series of
    its operations; `server_cpu`, which answers the share of a core that the server uses; `extras`, what else
    the summary shall hold; and `timed_between`, whether times are taken between two processes. `floor` is
    that of a calibration, `calibration` why there is none, and `heard` is called with all that is counted.
    `scenario_state` answers what else the scenario found.
    """

    _of: ClassVar[WeakKeyDictionary[Environment, LocustStatistics]] = WeakKeyDictionary()

    @classmethod
    def of(cls, environment: Environment) -> LocustStatistics:
        """The statistics of that environment, made and attached at the first call."""
        found = cls._of.get(environment)
        if found is None:
            found = cls._of[environment] = cls(environment)
        return found

    def __init__(self, environment: Environment) -> None:
        self.engine = Engine()
        self.request_events = RequestEvents(environment, self.engine.recorder)
        self.ledger: Ledger | None = None
        self.schedule: Schedule | None = None
        self.halt: Callable[[], None] | None = None
        self.operation: tuple[str, str] | None = None
        self.extras: dict[str, Any] = {}
        self.timed_between = False
        self.floor: Floor | None = None
        self.calibration: str | None = None
        self.heard: Callable[[Series, Sample], None] | None = None
        self.server_cpu: Callable[[], float | None] | None = None
        self.scenario_state: Callable[[], dict[str, Any] | None] | None = None
        self.started = self.ended = 0.0
        # On a worker: what its master does not know yet, and which test this is.
        self._untold: dict[tuple[str, str], Sample] = {}
        self._final = self._left = False
        self._last_state: dict[str, Any] | None = None
        self._cpu_at = (time.monotonic(), time.process_time())
        self._cpu_share = 0.0
        self._users: int | None = None
        # On a master.
        self.workers = Workers()
        self._quits = False
        self.attached: set[str] = set()
        self._csv: dict[str, str] = {}
        self._environment = environment
        events = environment.events
        # In front of Locust's own listeners, which take the statistics away and add them up.
        events.report_to_master._handlers.insert(0, self._report)
        events.worker_report._handlers.insert(0, self._take_report)
        events.test_start.add_listener(self._test_start)
        # In front of a locustfile's listener, which may tell what was counted.
        events.test_stop._handlers.insert(0, self._test_stop)
        events.test_stopping.add_listener(self._test_stopping)
        events.quitting.add_listener(self._quitting)
        # Listeners of `quitting` are called last one first: this is after Locust's own, which stop the test.
        events.quitting._handlers.insert(0, self._at_the_end)
        events.reset_stats.add_listener(self._reset_event)
        events.spawning_complete.add_listener(self._spawning_complete)
        self._flusher = gevent.spawn(self._flush_each_second)
        if environment.runner is not None:
            self._init(environment)
        else:
            events.init.add_listener(self._init)

    @property
    def recorder(self) -> Recorder:
        """Where the connections of this process record."""
        return self.engine.recorder

    @property
    def _is_worker(self) -> bool:
        return bool(getattr(self._environment.parsed_options, "worker", False))

    @property
    def _run(self) -> str:
        """On a worker: which test this is, as its master named it; empty before the first."""
        # Asked for each time: a worker that joins a test hears of it before anybody could be told.
        return str(getattr(self._environment.parsed_options, "sioprobe_run", ""))

    @property
    def stats(self) -> RequestStats:
        """Locust's statistics; a worker's environment exchanges them, hence no copy is kept."""
        return self._environment.stats

    def _init(self, environment: Environment, **_: Any) -> None:
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            locust.runners.WORKER_REPORT_INTERVAL = REPORT_SECONDS
            if HALT not in runner.custom_messages:
                runner.register_message(HALT, self._halt_for_master, concurrent=True)
                # So that the master knows at once that this worker is complete.
                runner._send_stats()
        if environment.web_ui is not None:
            add_tab(environment.web_ui, self.summary)

    # Into Locust

    def flush(self, at: float | None = None) -> None:
        """Bring Locust's statistics up to date; `at` is the time to which the counts belong."""
        if self._environment.runner is None and self._is_worker:
            # A worker that joins a test may have users before it has a runner: they are told later.
            return
        at = time.time() if at is None else at
        for series, sample in self.recorder.take():
            if self.heard is not None:
                self.heard(series, sample)
            stats = self.stats
            entry = entry_of(sample, stats, series.name, series.type, at)
            stats.entries[series.name, series.type].extend(entry)
            stats.total.extend(entry)
            for kind, count in sample.errors.items():
                add_errors(stats, series.type, series.name, kind, count, at)
            if isinstance(self._environment.runner, WorkerRunner):
                self._untold.setdefault((series.type, series.name), Sample()).merge(sample)

    def _flush_each_second(self) -> None:
        while True:
            gevent.sleep(1.0 - time.time() % 1.0)
            # The second that has just ended, or charts show none in one and two in the next.
            self.flush(time.time() - 0.1)

    def _test_stop(self, environment: Environment, **_: Any) -> None:
        if isinstance(environment.runner, WorkerRunner):
            # It ends with its last report, which follows.
            self.flush()
        else:
            self._end()
        self._keep_csv()

    def _keep_csv(self) -> None:
        """Locust writes its CSV files each second and not at the end: have the last state written then."""
        prefix = getattr(self._environment.parsed_options, "csv_prefix", None)
        if not prefix or isinstance(self._environment.runner, WorkerRunner):
            return
        if not self._csv:
            # After Locust has closed its files, which writes what it held back.
            atexit.register(self._write_csv)
        # Texts, because Locust empties its statistics when it prints them as JSON.
        for name, text in csv_texts(self._environment).items():
            self._csv[f"{prefix}_{name}.csv"] = text

    def _write_csv(self) -> None:
        for path, text in self._csv.items():
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)

    # Life of a test

    def _test_start(self, environment: Environment, **_: Any) -> None:
        self.reset()
        spare_collector()
        runner, options = environment.runner, environment.parsed_options
        self._final = self._left = False
        self._last_state = self._users = None
        if isinstance(runner, MasterRunner):
            self.workers = Workers(
                # Without options there is nothing by which a worker could learn of it.
                uuid.uuid4().hex if options is not None else "",
                {client.id: runner.get_worker_index(client.id) for client in runner.clients.all},
            )
            if options is not None:
                # Locust sends the options to every worker, to those that join later as well.
                options.sioprobe_run = self.workers.run
                options.sioprobe_workers = runner.worker_count
        self.engine.start()
        self.engine.reset_pulse()

    def _test_stopping(self, environment: Environment, **_: Any) -> None:
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            self._halt_workers(runner)
        else:
            # Those of the test: soon there will be none.
            self._users = runner.user_count
            halt, self.halt = self.halt, None
            if halt is not None:
                halt()
            self.flush()
        self.ended = time.monotonic()

    def _halt_workers(self, runner: MasterRunner) -> None:
        """Have every worker stop its users and report for the last time, while the master still listens.

        Locust's own master takes reports for half a second only after telling workers to quit.
        """
        if runner.worker_count or self._quits:
            # Else it is the last worker's leaving that ends the test.
            self.workers.stopping = time.monotonic()
        # A worker that is lost meanwhile must not have the others spawn its users.
        runner._users_dispatcher = None
        end = time.monotonic() + HALT_DEADLINE + (self._environment.stop_timeout or 0)
        runner.send_message(HALT)
        while time.monotonic() < end:
            present = [client.id for client in runner.clients.all if client.state != STATE_MISSING]
            if self.workers.halted(present):
                break
            gevent.sleep(0.05)
        self.workers.over = True

    def _halt_for_master(self, environment: Environment, msg: Any, **_: Any) -> None:
        self._report_for_the_last_time(self._environment.runner)

    def _report_for_the_last_time(self, runner: WorkerRunner) -> None:
        runner.stop()
        self._end()
        runner._send_stats()

    def _end(self) -> None:
        """Count to here, and keep how this process fared until now: what follows belongs to no test."""
        self.flush()
        if not self._final:
            self._final = True
            self._last_state = self.own_state()

    def _quitting(self, environment: Environment, **_: Any) -> None:
        runner = environment.runner
        self._quits = True
        if isinstance(runner, WorkerRunner) and self._run and not self._final:
            # Of its own, in the middle of a test: the master shall have all that was counted.
            self._left = True
            self._report_for_the_last_time(runner)

    def _at_the_end(self, environment: Environment, **_: Any) -> None:
        self.flush()
        self._keep_csv()
        if self.workers.incomplete and environment.process_exit_code is None:
            environment.process_exit_code = 1
        for verdict, remark in self.remarks():
            if verdict is not None:
                logger.error(remark)

    def reset(self) -> None:
        """Forget everything counted so far, as Locust does at the same moments."""
        self.recorder.reset()
        self._untold.clear()
        self.started, self.ended = time.monotonic(), 0.0

    def _reset_event(self, **_: Any) -> None:
        self.reset()

    def _spawning_complete(self, user_count: int, **_: Any) -> None:
        if self._environment.reset_stats:
            self.reset()

    # Between workers and master

    def _report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        self.flush()
        untold = [[type, name, sample.to_json()] for (type, name), sample in self._untold.items()]
        self._untold.clear()
        data[REPORT_KEY] = {"series": untold, "state": self.own_state()}

    def own_state(self) -> dict[str, Any]:
        """How this process fares, in plain values: who it is, its vitals, its ledger."""
        if self._last_state is not None:
            return self._last_state
        runner = self._environment.runner
        users = runner.user_count if runner is not None else 0
        wall, cpu = self._cpu_at
        if time.monotonic() - wall >= REPORT_SECONDS / 2:
            self._cpu_at = (time.monotonic(), time.process_time())
            self._cpu_share = (self._cpu_at[1] - cpu) / (self._cpu_at[0] - wall)
        return {
            "run": self._run,
            "final": self._final,
            "left": self._left,
            "host": host_name(),
            "pid": os.getpid(),
            "clock": clock_id(),
            "users": users if self._users is None else self._users,
            "counted": self.recorder.counted,
            "timed_between": self.timed_between,
            "cpu_share": self._cpu_share,
            "vitals": self.engine.pulse.vitals().to_json(),
            "ledger": self.ledger.to_json() if self.ledger is not None else None,
            "schedule": self.schedule.to_json() if self.schedule is not None else None,
            "scenario": self.scenario_state() if self.scenario_state is not None else None,
        }

    def states(self) -> list[dict[str, Any]]:
        """The state of each process that generates load: the workers', or this one's."""
        if isinstance(self._environment.runner, MasterRunner):
            return [worker.state for worker in self.workers]
        return [self.own_state()]

    def _take_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        report = data.get(REPORT_KEY)
        runner = self._environment.runner
        if report is None or not isinstance(runner, MasterRunner):
            return
        self.attached.add(client_id)
        if not self.workers.take(client_id, runner.get_worker_index(client_id), report["state"]):
            # What was left of an earlier test when this one began.
            without_counts(data, self.stats)
            return
        for type, name, sample in report["series"]:
            # Straight into the total: Locust's own listener has the counts already.
            self.recorder.series(type, name).add(Sample.from_json(sample))

    # What comes of it

    def _generators(self) -> list[dict[str, Any]]:
        if isinstance(self._environment.runner, MasterRunner):
            return self.workers.to_json(self._missing())
        return [generator(self.own_state())]

    def _missing(self) -> set[str]:
        """The workers that do not answer the master."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return set()
        answering = {client.id for client in runner.clients.all if client.state != STATE_MISSING}
        return {worker.client_id for worker in self.workers if worker.client_id not in answering}

    def remarks(self) -> list[tuple[str | None, str]]:
        """What a master has to say about its workers, see `Workers.remarks`."""
        return self.workers.remarks(self._missing())

    def summary(self) -> dict[str, Any]:
        """The figures so far; of what Locust knows too, and nothing later."""
        seconds = max(0.0, (self.ended or time.monotonic()) - self.started) if self.started else 0.0
        return summarise(
            self.recorder,
            self.states(),
            seconds,
            self.operation,
            {
                "generators": self._generators(),
                "server_cpu_share": self.server_cpu() if self.server_cpu is not None else None,
                **self.extras,
            },
            floor=self.floor,
            remarks=self.remarks(),
        )
