"""The server's CPU share while a test runs, from what it tells at `/metrics`, for Locust's web page.

Asked once in two seconds and URL, and only where there is a page to show it on, and where the server's
processes are not seen from here: those that are seen are sampled (`load.watching.sampling`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gevent

from load.watching.metrics import server_metrics

__all__ = ["ReportedCpu"]

INTERVAL = 2.0


class ReportedCpu:
    """`share` is the sum of the cores' shares that the servers used lately; None while unknown."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)
        self._last: dict[str, tuple[float, float]] = {}
        self._shares: dict[str, float] = {}
        self._asking: Any = gevent.spawn(self._ask)

    def close(self) -> None:
        """Ask no more; what was told last stays."""
        self._asking.kill(block=False)

    def share(self) -> float | None:
        """1.0 is one core; None unless every server told."""
        return sum(self._shares.values()) if len(self._shares) == len(self._urls) else None

    def _ask(self) -> None:
        while True:
            for url in self._urls:
                told = server_metrics(url)
                if told is None or not isinstance(told.get("cpu_seconds"), (int, float)):
                    # It will not tell the next time either.
                    self._shares.pop(url, None)
                    return
                self.take(url, time.monotonic(), told["cpu_seconds"])
            gevent.sleep(INTERVAL)

    def take(self, url: str, at: float, cpu_seconds: float) -> None:
        """Enter that the server at `url` had used so much when the monotonic clock stood at `at`."""
        before = self._last.get(url)
        self._last[url] = (at, cpu_seconds)
        # A server that was started again counts from the beginning.
        if before is not None and at > before[0] and cpu_seconds >= before[1]:
            self._shares[url] = (cpu_seconds - before[1]) / (at - before[0])
