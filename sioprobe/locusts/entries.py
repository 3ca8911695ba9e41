"""Samples of the recorder in the words of Locust's statistics: entries, errors, CSV rows."""

from __future__ import annotations

import csv
import io
from typing import Any

from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

from sioprobe.locusts.private_parts import create_error, csv_tables, response_time_bucket
from sioprobe.measured.recorder import Sample
from sioprobe.results.histogram import Histogram, bucket_index, bucket_middle

__all__ = ["add_errors", "csv_texts", "entry_of", "without_counts"]

UNTIMED = "N/A"
"""Locust's own CSV writes this if there is no figure."""


def entry_of(sample: Sample, stats: RequestStats, name: str, type: str, at: float) -> StatsEntry:
    """A sample as Locust's entry. Untimed counts and errors have no response time there either."""
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
            bucket = response_time_bucket(_milliseconds(sample.histogram, low))
            entry.response_times[bucket] += count
    return entry


def _milliseconds(histogram: Histogram, low: int) -> float:
    """The time that a bucket stands for."""
    return min(bucket_middle(bucket_index(low)), histogram.max) / 1000


def add_errors(stats: RequestStats, type: str, name: str, kind: str, count: int, at: float) -> None:
    """Count errors in Locust's table of failures."""
    error = create_error(stats.errors, type, name, kind, at)
    error.occurrences += count
    error.last_seen = at


def without_counts(report: dict[str, Any], stats: RequestStats) -> None:
    """Take everything counted out of a worker's report, before Locust adds it up."""
    report["stats"] = []
    report["errors"] = {}
    report["stats_total"] = StatsEntry(stats, "Aggregated", "").serialize()


def csv_texts(environment: Environment) -> dict[str, str]:
    """The text of Locust's CSV files `stats` and `failures`. What was not timed has no times there."""
    entries = environment.stats.entries
    untimed = {
        (entry.method, entry.name)
        for entry in entries.values()
        if entry.num_requests and entry.num_none_requests == entry.num_requests
    }
    texts = {}
    for name, write in csv_tables(environment).items():
        text = io.StringIO()
        write(csv.writer(text))
        texts[name] = text.getvalue()
    rows = list(csv.reader(io.StringIO(texts["stats"])))
    times = [index for index, title in enumerate(rows[0]) if "Time" in title or title.endswith("%")]
    for row in rows[1:]:
        if (row[0], row[1]) in untimed:
            for index in times:
                row[index] = UNTIMED
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    texts["stats"] = text.getvalue()
    return texts
