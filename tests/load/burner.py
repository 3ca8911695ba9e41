"""A second locustfile: a task of Python's own that wants all of the core, as a heavy `@task` does."""

from __future__ import annotations

import time
from typing import Any

import gevent
import locust

TURN_SECONDS = 0.05


@locust.events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(**_: Any) -> None:
    gevent.spawn(burn)


def burn() -> None:
    while True:
        end = time.perf_counter() + TURN_SECONDS
        while time.perf_counter() < end:
            pass
        gevent.sleep(0)
