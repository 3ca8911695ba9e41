"""Connections: what an idle one costs, how many there can be, and how fast clients connect and upgrade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.bench import Bench, NotMeasured
from load.comparing.sections.plan import AboveZero, Numbers, Seconds, SectionPlan, Transports
from load.comparing.sections.task import START_SECONDS, Task, key_of
from sioprobe.results.comparison import SectionName

__all__ = ["ConnectionsPlan"]

MOST_THREADS = 8000
"""More threads of one server would hold up the whole machine, and measure that."""
IDLE_SECONDS = 1.0
IDLE_TRANSPORT: Final = "websocket"


class ConnectionsPlan(SectionPlan, frozen=True, kw_only=True):
    """`idle` connections that do nothing; over `transports`, `users` that connect, leave and come again."""

    name: ClassVar[SectionName] = "connections"

    transports: Transports = ("polling", "websocket", "upgrade")
    idle: Numbers = (100, 1000, 10_000)
    users: AboveZero = 20
    seconds: Seconds = 3.0

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block for each number of idle connections, and one for each transport."""
        for arm in self.chosen(arms):
            for number in sorted(self.idle):
                idle = partial(self._idle, arm, number)
                seconds = IDLE_SECONDS + START_SECONDS + number / 200
                yield Task("connections", arm, IDLE_TRANSPORT, {"idle": number}, "block", seconds, idle)
            for transport in self.transports:
                request = {
                    "scenario": "churn",
                    "acks": 0,
                    "cool_down": 0.0,
                    "connections": self.users,
                    "seconds": self.seconds,
                }
                yield self.block(arm, transport, {"connecting": self.users}, request)

    def _idle(self, arm: ArmPlan, number: int, bench: Bench) -> tuple[dict[str, Any], dict[str, Any]]:
        self._check_threads(arm, number, bench)
        request = {"scenario": "idle", "connections": number, "seconds": IDLE_SECONDS}
        return bench.block(arm, IDLE_TRANSPORT, request)

    def _check_threads(self, arm: ArmPlan, number: int, bench: Bench) -> None:
        """Raise NotMeasured if fewer connections showed that these would need too many threads."""
        for fewer in self.idle:
            found = bench.results.get(key_of("connections", arm.id, IDLE_TRANSPORT, {"idle": fewer}))
            if fewer >= number or found is None or found["result"] is None:
                continue
            threads = (found["result"]["found"] or {}).get("server_threads_per_connection") or 0.0
            if threads * number > MOST_THREADS:
                raise NotMeasured(
                    f"not tried: {fewer:,} connections had {threads:.1f} threads each,"
                    f" so {number:,} would need {threads * number:,.0f} threads"
                )
