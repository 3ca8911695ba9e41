"""Settings: what `sioprobe doctor` finds of each arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.bench import Bench
from load.comparing.sections.plan import SectionPlan
from load.comparing.sections.task import START_SECONDS, Task
from sioprobe.results.comparison import SectionName

__all__ = ["SettingsPlan"]

EXAMINED_SECONDS = 30.0


class SettingsPlan(SectionPlan, frozen=True, kw_only=True):
    """Every examination, with up to `max_connections` at once."""

    name: ClassVar[SectionName] = "settings"

    max_connections: Annotated[int, Meta(ge=0, le=50_000)] = 1200

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One examination of each arm."""
        for arm in self.chosen(arms):
            measure = partial(self._examine, arm)
            yield Task("settings", arm, None, {}, "doctor", EXAMINED_SECONDS + START_SECONDS, measure)

    def _examine(self, arm: ArmPlan, bench: Bench) -> tuple[dict[str, Any], dict[str, Any]]:
        asked = {"max_connections": self.max_connections}
        return asked, bench.doctor(arm, "--max-connections", str(self.max_connections))
