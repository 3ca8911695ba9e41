"""Carries what the recorder counted into Locust's statistics.

Once a second, and before every report to the master, each series becomes a `StatsEntry` that extends Locust's
own. So console, CSV, HTML, web page and history work, and show our counts.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from sioprobe.locusts.entries import add_errors, csv_texts, entry_of
from sioprobe.measured.recorder import Recorder, Sample, Series

__all__ = ["LocustStatistics"]


class LocustStatistics:
    """Of one environment. `heard` is called with everything that is counted.

    On a worker, `untold` holds what its master does not know yet.
    """

    def __init__(self, environment: Environment, recorder: Recorder) -> None:
        self._environment = environment
        self._recorder = recorder
        self._csv: dict[str, str] = {}
        self.heard: Callable[[Series, Sample], None] | None = None
        self.untold: dict[tuple[str, str], Sample] = {}
        gevent.spawn(self._flush_each_second)

    def _flush_each_second(self) -> None:
        while True:
            gevent.sleep(1.0 - time.time() % 1.0)
            # The second that just ended. Otherwise a chart shows no count in one second, and two in the next.
            self.flush(time.time() - 0.1)

    def flush(self, at: float | None = None) -> None:
        """Bring Locust's statistics up to date. The counts belong to the time `at`."""
        runner, options = self._environment.runner, self._environment.parsed_options
        if runner is None and getattr(options, "worker", False):
            # A worker that joins a running test may have users before it has a runner. Their counts wait.
            return
        at = time.time() if at is None else at
        # A worker's environment gets new statistics now and then, so no copy is kept here.
        stats = self._environment.stats
        for series, sample in self._recorder.take():
            if self.heard is not None:
                self.heard(series, sample)
            entry = entry_of(sample, stats, series.name, series.type, at)
            stats.entries[series.name, series.type].extend(entry)
            stats.total.extend(entry)
            for kind, count in sample.errors.items():
                add_errors(stats, series.type, series.name, kind, count, at)
            if isinstance(runner, WorkerRunner):
                self.untold.setdefault((series.type, series.name), Sample()).merge(sample)

    def reset(self) -> None:
        """Forget everything counted so far."""
        self._recorder.reset()
        self.untold.clear()

    def keep_csv(self) -> None:
        """Keep the state of Locust's CSV files, and write it at the end. Locust writes only each second."""
        prefix = getattr(self._environment.parsed_options, "csv_prefix", None)
        if not prefix or isinstance(self._environment.runner, WorkerRunner):
            return
        if not self._csv:
            # Locust still writes when it closes its files; ours come after that.
            atexit.register(self._write_csv)
        # As texts, because Locust empties its statistics when it prints them as JSON.
        for name, text in csv_texts(self._environment).items():
            self._csv[f"{prefix}_{name}.csv"] = text

    def _write_csv(self) -> None:
        for path, text in self._csv.items():
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
