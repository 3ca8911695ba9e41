"""Processes: how much more several processes carry than one, behind each queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.plan import AboveZero, Numbers, Seconds, SectionPlan
from load.comparing.sections.task import Task
from sioprobe.results.comparison import SectionName

__all__ = ["ProcessesPlan"]

NO_QUEUE = "none"


class ProcessesPlan(SectionPlan, frozen=True, kw_only=True):
    """Acks, which no other process hears of, and a room whose members are spread over all processes.

    Each number of `workers` is measured behind each `queue`, and one process is measured without any.
    """

    name: ClassVar[SectionName] = "processes"
    contract: ClassVar[bool] = True

    workers: Numbers = (1, 2, 4)
    queue: Annotated[tuple[str, ...], Meta(min_length=1)] = ("redis",)
    connections: AboveZero = 60
    room_size: AboveZero = 60
    seconds: Seconds = 3.0

    def chosen(self, arms: Sequence[ArmPlan]) -> list[ArmPlan]:
        """The async modes: only the reference server can have several processes."""
        return [arm for arm in SectionPlan.chosen(self, arms) if arm.mode and not arm.own]

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block for each scenario, queue and number of processes."""
        scenarios: dict[str, dict[str, Any]] = {
            "ack": {"connections": self.connections},
            "fanout": {"connections": self.room_size, "room_size": self.room_size},
        }
        clusters = [(NO_QUEUE, 1), *((queue, workers) for queue in self.queue for workers in self.workers)]
        for arm in self.chosen(arms):
            for transport in self.transports:
                for scenario, more in scenarios.items():
                    for queue, workers in clusters:
                        request = {"scenario": scenario, "seconds": self.seconds, **more}
                        cluster = replace(arm, workers=workers, queue="" if queue == NO_QUEUE else queue)
                        situation = {"scenario": scenario, "queue": queue, "processes": workers}
                        yield self.block(cluster, transport, situation, request, more=workers)
