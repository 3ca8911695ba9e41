"""A second locustfile beside another: CPU and operations of this process in a window after the ramp.

`SIOPROBE_BENCH` holds JSON: the file to write to, the (type, name) of the operations, and the seconds.
Part of `load/bench.py`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import gevent
import locust
import psutil

SETTLE_SECONDS = 1.0


@locust.events.spawning_complete.add_listener  # type: ignore[untyped-decorator]
def begin(user_count: int, **_: Any) -> None:
    """Measure in a greenlet, then end the run."""
    gevent.spawn(measure)


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def remember(environment: Any, **_: Any) -> None:
    """Events that follow do not name their environment."""
    Run.environment = environment


class Run:
    """The one run of this process."""

    environment: Any = None


def operations(type: str, name: str) -> int:
    """How many of the operations Locust has counted."""
    ours = sys.modules.get("sioprobe.swarm.locust_statistics")
    if ours is not None:
        ours.LocustStatistics.of(Run.environment).flush()
    entry = Run.environment.stats.entries.get((name, type))
    return 0 if entry is None else entry.num_requests - entry.num_failures


def measure() -> None:
    """Write what the window held."""
    plan = json.loads(os.environ["SIOPROBE_BENCH"])
    gevent.sleep(SETTLE_SECONDS)
    count, cpu, wall = operations(*plan["operation"]), time.process_time(), time.monotonic()
    gevent.sleep(plan["seconds"])
    count = operations(*plan["operation"]) - count
    result = {
        "operations": count,
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.monotonic() - wall,
        "rss_bytes": psutil.Process().memory_info().rss,
        "failures": Run.environment.stats.num_failures,
    }
    Path(plan["file"]).write_text(json.dumps(result), encoding="utf-8")
    Run.environment.runner.quit()
