"""Payload: what a message costs when it is larger, as text and as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.plan import AboveZero, Numbers, Seconds, SectionPlan
from load.comparing.sections.task import Task
from sioprobe.results.comparison import SectionName

__all__ = ["PayloadPlan"]

CONTENTS: dict[str, dict[str, Any]] = {
    "text": {"scenario": "ack"},
    "binary": {"scenario": "binary", "attachments": 1},
}


class PayloadPlan(SectionPlan, frozen=True, kw_only=True):
    """A closed loop of few connections for each size and content. An equal message answers each."""

    name: ClassVar[SectionName] = "payload"
    contract: ClassVar[bool] = True

    payload_bytes: Numbers = (32, 1024, 65_536)
    connections: AboveZero = 10
    seconds: Seconds = 2.0

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block each."""
        for arm in self.chosen(arms):
            for transport in self.transports:
                for size in self.payload_bytes:
                    for content, scenario in CONTENTS.items():
                        request = {
                            **scenario,
                            "payload_bytes": size,
                            "connections": self.connections,
                            "seconds": self.seconds,
                        }
                        situation = {"payload_bytes": size, "content": content}
                        yield self.block(arm, transport, situation, request)
