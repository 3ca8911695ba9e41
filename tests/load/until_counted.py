"""A locustfile beside `load/swarm.py` that ends the run as soon as there is enough of each kind.

UNTIL_COUNTED is JSON: the least number of requests by type, such as `{"SIO connect": 10, "SIO ack": 1}`.
"""

from __future__ import annotations

import json
import os
from typing import Any

import gevent
from locust import events
from locust.runners import WorkerRunner


@events.test_start.add_listener
def _begin(environment: Any, **_: Any) -> None:
    if not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(_end_when_counted, environment)


def _end_when_counted(environment: Any) -> None:
    wanted: dict[str, int] = json.loads(os.environ["UNTIL_COUNTED"])
    while any(_count(environment, kind) < least for kind, least in wanted.items()):
        gevent.sleep(0.05)
    environment.runner.quit()


def _count(environment: Any, kind: str) -> int:
    entries = environment.runner.stats.entries.values()
    return sum(entry.num_requests for entry in entries if entry.method == kind)
