"""Processes: how much more several processes behind Redis carry than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.plan import AboveZero, Numbers, Seconds, SectionPlan
from load.comparing.sections.task import Task
from sioprobe.results.comparison import SectionName

__all__ = ["ProcessesPlan"]


class ProcessesPlan(SectionPlan, frozen=True, kw_only=True):
    """Acks, which no other process hears of, and a room whose members are spread over all processes."""

    name: ClassVar[SectionName] = "processes"
    contract: ClassVar[bool] = True

    workers: Numbers = (1, 2, 4)
    connections: AboveZero = 60
    room_size: AboveZero = 60
    seconds: Seconds = 3.0

    def chosen(self, arms: Sequence[ArmPlan]) -> list[ArmPlan]:
        """The async modes: only the reference server can have several processes."""
        return [arm for arm in SectionPlan.chosen(self, arms) if arm.mode and not arm.own]

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block for each number of processes and each scenario."""
        scenarios: dict[str, dict[str, Any]] = {
            "ack": {"connections": self.connections},
            "fanout": {"connections": self.room_size, "room_size": self.room_size},
        }
        for arm in self.chosen(arms):
            for transport in self.transports:
                for scenario, more in scenarios.items():
                    for workers in self.workers:
                        request = {"scenario": scenario, "seconds": self.seconds, **more}
                        cluster = replace(arm, workers=workers, queue="redis")
                        situation = {"scenario": scenario, "processes": workers}
                        yield self.block(cluster, transport, situation, request, more=workers)
