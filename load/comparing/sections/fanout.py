"""Fan-out: one publisher, and rooms of different sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.plan import Numbers, Seconds, SectionPlan
from load.comparing.sections.task import Task
from sioprobe.results.comparison import SectionName

__all__ = ["FanoutPlan"]


class FanoutPlan(SectionPlan, frozen=True, kw_only=True):
    """One room in a closed loop: the next message goes out when every member has the last one."""

    name: ClassVar[SectionName] = "fanout"
    contract: ClassVar[bool] = True

    room_sizes: Numbers = (10, 100, 1000)
    seconds: Seconds = 3.0

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block for each size."""
        for arm in self.chosen(arms):
            for transport in self.transports:
                for size in self.room_sizes:
                    request = {
                        "scenario": "fanout",
                        "room_size": size,
                        "connections": size,
                        "seconds": self.seconds,
                    }
                    yield self.block(arm, transport, {"room_size": size}, request, more=size / 100)
