"""Latency under load: an open loop at shares of the arm's own capacity, and at one rate for all arms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.bench import Bench, NotMeasured
from load.comparing.sections.capacity import open_loop, rate_of
from load.comparing.sections.plan import AboveZero, Seconds, SectionPlan, Transports
from load.comparing.sections.task import START_SECONDS, Task
from sioprobe.results.comparison import SectionName

__all__ = ["COMMON", "LatencyPlan"]

COMMON = "common"
Share = Annotated[float, Meta(ge=0.01, le=1)]


class LatencyPlan(SectionPlan, frozen=True, kw_only=True):
    """Blocks at `shares` of the arm's capacity, and at `common_share` of the lowest capacity of all."""

    name: ClassVar[SectionName] = "latency"
    needs: ClassVar[tuple[SectionName, ...]] = ("capacity",)

    transports: Transports = ("polling", "websocket")
    shares: Annotated[tuple[Share, ...], Meta(min_length=1)] = (0.25, 0.5, 0.75, 0.9)
    common_share: Share = 0.5
    connections: AboveZero = 50
    seconds: Seconds = 4.0

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block for each rate."""
        chosen = self.chosen(arms)
        loads: tuple[float | str, ...] = (*self.shares, COMMON)
        for arm in chosen:
            for transport in self.transports:
                for share in loads:
                    measure = partial(self._block, arm, chosen, transport, share, load)
                    seconds = self.seconds + START_SECONDS
                    yield Task("latency", arm, transport, {"load": share}, "block", seconds, measure)

    def _block(
        self,
        arm: ArmPlan,
        arms: Sequence[ArmPlan],
        transport: str,
        share: float | str,
        load: LoadPlan,
        bench: Bench,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if isinstance(share, float):
            rate = share * rate_of(bench.results, arm.id, transport)
        else:
            rate = self.common_share * _lowest(arms, transport, bench)
        request = {
            **open_loop(load),
            "total_rate": round(rate, 1),
            "connections": self.connections,
            "seconds": self.seconds,
        }
        return bench.block(arm, transport, request)


def _lowest(arms: Sequence[ArmPlan], transport: str, bench: Bench) -> float:
    """The lowest capacity that is known. Raises NotMeasured."""
    known = []
    for arm in arms:
        try:
            known.append(rate_of(bench.results, arm.id, transport))
        except NotMeasured:
            continue
    if not known:
        raise NotMeasured("no capacity is known, so there is no rate for all")
    return min(known)
