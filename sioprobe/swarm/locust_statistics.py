"""Carries what the recorder counted into Locust, and from Locust's workers to its master.

Once a second, and before every report to the master, each series becomes a `StatsEntry` that extends
Locust's own: console, CSV, HTML, web page and history all work, and their counts are ours.
Durations travel to the master as sparse histograms too, because Locust rounds them to milliseconds.
"""

from __future__ import annotations

import atexit
import csv
import io
import time
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import (
    PERCENTILES_TO_REPORT,
    RequestStats,
    StatsCSV,
    StatsEntry,
    StatsError,
    bucket_response_time,
)

from sioprobe.results.histogram import Histogram, bucket_index, bucket_middle
from sioprobe.swarm.collector import spare_collector
from sioprobe.swarm.engine import Engine
from sioprobe.swarm.ledger import Ledger
from sioprobe.swarm.recorder import Recorder, Sample
from sioprobe.swarm.request_events import RequestEvents

__all__ = ["LocustStatistics"]

REPORT_KEY = "sioprobe"
HALT, HALTED = "sioprobe_halt", "sioprobe_halted"
HALT_DEADLINE = 8.0
"""How long the master waits for its workers to end what is under way, in seconds."""


class LocustStatistics:
    """One for each Locust environment: `LocustStatistics.of(environment)`.

    `ledger` and `halt` are set by a scenario: its account of deliveries, and what lets it come to rest
    before users are stopped (it may block).
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
        self.halt: Callable[[], None] | None = None
        self.started = self.ended = 0.0
        # On a worker: what its master does not know yet.
        self._untold: dict[tuple[str, str], Sample] = {}
        # On a master: what came from its workers, the latest state of each.
        self._workers: dict[str, dict[str, Any]] = {}
        self._halted: set[str] = set()
        self._all_halted = Event()
        self._csv: dict[str, str] = {}
        self._environment = environment
        events = environment.events
        # In front of Locust's own listener, which takes the statistics away.
        events.report_to_master._handlers.insert(0, self._report)
        events.worker_report.add_listener(self._take_report)
        events.test_start.add_listener(self._test_start)
        events.test_stopping.add_listener(self._test_stopping)
        events.test_stop.add_listener(self._flush_event)
        events.quitting.add_listener(self._flush_event)
        events.reset_stats.add_listener(self._reset_event)
        events.spawning_complete.add_listener(self._spawning_complete)
        self._flusher = gevent.spawn(self._flush_each_second)
        if environment.runner is not None:
            self.register_messages()
        else:
            events.init.add_listener(self._init)

    @property
    def recorder(self) -> Recorder:
        """Where the connections of this process record."""
        return self.engine.recorder

    @property
    def stats(self) -> RequestStats:
        """Locust's statistics; a worker's environment exchanges them, hence no copy is kept."""
        return self._environment.stats

    def _init(self, environment: Environment, **_: Any) -> None:
        self.register_messages()

    def register_messages(self) -> None:
        """Let master and workers speak of coming to rest; needs a runner, and happens once."""
        runner = self._environment.runner
        if isinstance(runner, MasterRunner) and HALTED not in runner.custom_messages:
            runner.register_message(HALTED, self._worker_halted)
        elif isinstance(runner, WorkerRunner) and HALT not in runner.custom_messages:
            runner.register_message(HALT, self._halt_for_master, concurrent=True)

    # Into Locust

    def flush(self, at: float | None = None) -> None:
        """Bring Locust's statistics up to date; `at` is the time to which the counts belong."""
        at = time.time() if at is None else at
        for series, sample in self.recorder.take():
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

    def _flush_event(self, environment: Environment, **_: Any) -> None:
        self.request_events.drain()
        self.flush()
        self._keep_csv()
        self.ended = self.ended or time.monotonic()

    def _keep_csv(self) -> None:
        """Locust writes its CSV files each second and not at the end: have the last state written then."""
        prefix = getattr(self._environment.parsed_options, "csv_prefix", None)
        if not prefix or isinstance(self._environment.runner, WorkerRunner):
            return
        if not self._csv:
            # After Locust has closed its files, which writes what it held back.
            atexit.register(self._write_csv)
        table = StatsCSV(self._environment, PERCENTILES_TO_REPORT)
        # Texts, because Locust empties its statistics when it prints them as JSON.
        for name, write in (("stats", table.requests_csv), ("failures", table.failures_csv)):
            text = io.StringIO()
            write(csv.writer(text))
            self._csv[f"{prefix}_{name}.csv"] = text.getvalue()

    def _write_csv(self) -> None:
        for path, text in self._csv.items():
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)

    # Life of a test

    def _test_start(self, environment: Environment, **_: Any) -> None:
        self.reset()
        self.request_events.start()
        spare_collector()
        self.engine.start()
        self.engine.reset_pulse()

    def _test_stopping(self, environment: Environment, **_: Any) -> None:
        runner = self._environment.runner
        if isinstance(runner, MasterRunner):
            self._halt_workers(runner)
        else:
            self._come_to_rest()
        self.ended = time.monotonic()

    def _come_to_rest(self) -> None:
        halt, self.halt = self.halt, None
        if halt is not None:
            halt()
        self.flush()

    def _halt_workers(self, runner: MasterRunner) -> None:
        self._halted.clear()
        self._all_halted.clear()
        if runner.worker_count and HALTED in runner.custom_messages:
            runner.send_message(HALT)
            self._all_halted.wait(HALT_DEADLINE)

    def _halt_for_master(self, environment: Environment, msg: Any, **_: Any) -> None:
        runner = self._environment.runner
        assert isinstance(runner, WorkerRunner)
        self._come_to_rest()
        # Now, because Locust's master takes reports for half a second only after telling workers to quit.
        runner._send_stats()
        runner.send_message(HALTED, {"client": runner.client_id})

    def _worker_halted(self, environment: Environment, msg: Any, **_: Any) -> None:
        runner = self._environment.runner
        assert isinstance(runner, MasterRunner)
        self._halted.add(msg.data["client"])
        if len(self._halted) >= runner.worker_count:
            self._all_halted.set()

    def reset(self) -> None:
        """Forget everything counted so far, as Locust does at the same moments."""
        self.recorder.reset()
        self._untold.clear()
        self._workers.clear()
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
        """How this process fares, in plain values: CPU share, hub and send lag, ledger."""
        engine = self.engine
        return {
            "max_cpu_share": engine.max_cpu_share,
            "hub_lag": Sample(engine.hub_lag).to_json(),
            "send_lag": Sample(engine.send_lag).to_json(),
            "ledger": self.ledger.to_json() if self.ledger is not None else None,
        }

    def states(self) -> list[dict[str, Any]]:
        """The state of each process that generates load: the workers', or this one's."""
        if isinstance(self._environment.runner, MasterRunner):
            return list(self._workers.values())
        return [self.own_state()]

    def _take_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        report = data.get(REPORT_KEY)
        if report is None:
            return
        for type, name, sample in report["series"]:
            # Straight into the total: Locust's own listener has the counts already.
            self.recorder.series(type, name).add(Sample.from_json(sample))
        self._workers[client_id] = report["state"]


def entry_of(sample: Sample, stats: RequestStats, name: str, type: str, at: float) -> StatsEntry:
    """A sample as Locust's entry; untimed counts and errors have no response time there either."""
    entry = StatsEntry(stats, name, type)
    failed = sample.failed
    timed = sample.timed
    entry.num_requests = timed + sample.untimed + failed
    entry.num_none_requests = sample.untimed + failed
    entry.num_failures = failed
    entry.start_time = at
    entry.last_request_timestamp = at
    entry.num_reqs_per_sec[int(at)] = entry.num_requests
    if failed:
        entry.num_fail_per_sec[int(at)] = failed
    if timed:
        entry.total_response_time = sample.total_us / 1000
        entry.max_response_time = sample.histogram.max / 1000
        pairs = sample.histogram.to_pairs()
        entry.min_response_time = _milliseconds(sample.histogram, pairs[0][0])
        for low, count in pairs:
            bucket = bucket_response_time(_milliseconds(sample.histogram, low))
            entry.response_times[bucket] += count
    return entry


def _milliseconds(histogram: Histogram, low: int) -> float:
    """What a bucket stands for."""
    return min(bucket_middle(bucket_index(low)), histogram.max) / 1000


def add_errors(stats: RequestStats, type: str, name: str, kind: str, count: int, at: float) -> None:
    """Count errors in Locust's table of failures."""
    key = StatsError.create_key(type, name, kind)
    error = stats.errors.get(key)
    if error is None:
        error = stats.errors[key] = StatsError(type, name, kind)
        error.first_seen = at
    error.occurrences += count
    error.last_seen = at
