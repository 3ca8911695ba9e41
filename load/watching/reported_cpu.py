"""The CPU share of a server that it reports at `/metrics`, for Locust's web page.

Each URL is asked every two seconds. This is only used if there is a web page, and if the processes of the
server are not seen from here; otherwise they are sampled (`load.watching.sampling`).
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
    """Asks the servers from now on. `share` is what they used lately, in cores."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)
        self._last: dict[str, tuple[float, float]] = {}
        self._shares: dict[str, float] = {}
        self._asking: Any = gevent.spawn(self._ask)

    def close(self) -> None:
        """Ask no more. The last shares stay."""
        self._asking.kill(block=False)

    def share(self) -> float | None:
        """The sum over all servers; 1.0 is one core. None unless every server reports it."""
        return sum(self._shares.values()) if len(self._shares) == len(self._urls) else None

    def _ask(self) -> None:
        while True:
            for url in self._urls:
                told = server_metrics(url)
                if told is None or not isinstance(told.get("cpu_seconds"), (int, float)):
                    # It will not report it the next time either.
                    self._shares.pop(url, None)
                    return
                self.take(url, time.monotonic(), told["cpu_seconds"])
            gevent.sleep(INTERVAL)

    def take(self, url: str, at: float, cpu_seconds: float) -> None:
        """Note that the server at `url` had used `cpu_seconds` at the time `at` of the monotonic clock."""
        before = self._last.get(url)
        self._last[url] = (at, cpu_seconds)
        # A server that was started again counts from zero.
        if before is not None and at > before[0] and cpu_seconds >= before[1]:
            self._shares[url] = (cpu_seconds - before[1]) / (at - before[0])
