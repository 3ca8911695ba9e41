"""What each section of a profile has in common: its table, its arms, its transports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.bench import Bench
from load.comparing.sections.task import START_SECONDS, Task
from sioprobe.results.comparison import SectionName
from sioprobe.results.primitives import Transport

__all__ = ["AboveZero", "Numbers", "Seconds", "SectionPlan", "Transports"]

AboveZero = Annotated[int, msgspec.Meta(ge=1)]
Numbers = Annotated[tuple[AboveZero, ...], msgspec.Meta(min_length=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0.2)]
Transports = Annotated[tuple[Transport, ...], msgspec.Meta(min_length=1)]


class SectionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The table of a section; its other keys are those of the subclass.

    `arms` names those that it measures. Without it, it measures all that the profile loads, have one process,
    and know the events.
    """

    name: ClassVar[SectionName]
    needs: ClassVar[tuple[SectionName, ...]] = ()
    contract: ClassVar[bool] = False
    """Whether it plays events of the contract, which an application of one's own need not have."""

    arms: tuple[str, ...] = ()
    transports: Transports = ("websocket",)

    def check(self, load: LoadPlan) -> None:
        """Raise ValueError for a value that its type allows, or that does not go with the profile's load."""

    def chosen(self, arms: Sequence[ArmPlan]) -> list[ArmPlan]:
        """Those of these arms that the section measures."""
        if self.arms:
            return [arm for arm in arms if arm.id in self.arms]
        return [
            arm
            for arm in arms
            if arm.load and arm.workers == 1 and not arm.queue and not (arm.own and self.contract)
        ]

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """The measurements on these arms."""
        raise NotImplementedError

    def block(
        self,
        arm: ArmPlan,
        transport: Transport,
        situation: dict[str, Any],
        request: dict[str, Any],
        *,
        options: Sequence[str] = (),
        more: float = 0.0,
    ) -> Task:
        """A block of `Bench.block`. It takes `more` seconds beside its window."""
        measure = partial(Bench.block, arm=arm, transport=transport, request=request, options=options)
        seconds = request["seconds"] + START_SECONDS + more
        return Task(self.name, arm, transport, situation, "block", seconds, measure)
