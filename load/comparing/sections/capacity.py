"""Capacity: the highest rate at which an arm meets an objective, over each transport."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.bench import Bench, NotMeasured
from load.comparing.sections.plan import AboveZero, SectionPlan, Transports
from load.comparing.sections.task import START_SECONDS, Task, key_of
from load.running.fail_if import Condition
from load.scenarios import scenarios_with
from sioprobe.results.comparison import Measurement, SectionName

__all__ = ["CapacityPlan", "open_loop", "rate_of"]


class CapacityPlan(SectionPlan, frozen=True, kw_only=True):
    """A search of `budget_seconds` for each arm and transport, by probes of `probe_seconds`."""

    name: ClassVar[SectionName] = "capacity"

    transports: Transports = ("polling", "websocket")
    objective: Annotated[tuple[str, ...], Meta(min_length=1)] = ("p99<100ms", "errors<=0")
    connections: AboveZero = 50
    budget_seconds: Annotated[float, Meta(ge=5)] = 70.0
    probe_seconds: Annotated[float, Meta(ge=0.5)] = 1.5
    start_rate: AboveZero = 200

    def check(self, load: LoadPlan) -> None:
        """Every condition can be read, and the load has a rate."""
        for text in self.objective:
            problem = Condition.parse(text).problem_with(load.scenario)
            if problem is not None:
                raise ValueError(problem)
        if load.locustfile:
            raise ValueError("tasks of a locustfile have no rate to search for")
        if load.scenario not in scenarios_with("total_rate"):
            able = ", ".join(scenarios_with("total_rate"))
            raise ValueError(f"scenario {load.scenario} has no rate to search for; valid are {able}")

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One search each."""
        for arm in self.chosen(arms):
            for transport in self.transports:
                measure = partial(self._search, arm, transport, load)
                seconds = self.budget_seconds + START_SECONDS
                yield Task("capacity", arm, transport, {}, "capacity", seconds, measure)

    def _search(
        self, arm: ArmPlan, transport: str, load: LoadPlan, bench: Bench
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        asked = {**open_loop(load), "connections": self.connections}
        objective = [f"--objective={text}" for text in self.objective]
        pace = [f"--probe-seconds={self.probe_seconds:g}", f"--start-rate={self.start_rate}"]
        found = bench.capacity(
            arm, transport, asked, self.budget_seconds, *objective, *pace, "--no-calibrate"
        )
        return {**asked, "objective": list(self.objective)}, found


def open_loop(load: LoadPlan) -> dict[str, Any]:
    """Scenario and parameters of the profile's load, without its rates."""
    paced = ("rate", "total_rate")
    given = {name: value for name, value in load.parameters.items() if name not in paced}
    return {"scenario": load.scenario, **given}


def rate_of(results: Mapping[str, Measurement], arm: str, transport: str) -> float:
    """The capacity of an arm that was found before. Raises NotMeasured."""
    found = results.get(key_of("capacity", arm, transport, {}))
    if found is None:
        raise NotMeasured("its capacity was not measured")
    if found["result"] is None:
        raise NotMeasured(f"its capacity is not known: {found['problem']}")
    if found["result"]["knee"] is None:
        raise NotMeasured(f"its capacity is not known: {found['result']['statement']}")
    return float(found["result"]["knee"]["rate"])
