"""Measure the sections: one measurement after the other, each written at once."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from load.comparing.plan import Profile
from load.comparing.progress import Progress
from load.comparing.sections.bench import Bench, NotMeasured
from load.comparing.sections.plan import SectionPlan
from load.comparing.sections.task import Task
from load.servers.processes import ChildError
from sioprobe.results.comparison import Measurement, SectionName
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import MEASUREMENTS_FILE, append_measurement, read_measurements

__all__ = ["Sections", "planned"]

EXPECTED = (ChildError, NotMeasured, ResultFileError)
"""What may keep one measurement from being made. Anything else is a mistake of ours, and said so."""


def planned(profile: Profile, plans: Mapping[SectionName, SectionPlan]) -> dict[SectionName, list[Task]]:
    """The measurements of each section. In each situation all arms follow one another, in random order."""
    order = random.Random(profile.load.seed)
    tasks = {}
    for name, plan in plans.items():
        situations: defaultdict[tuple[str | None, str], list[Task]] = defaultdict(list)
        for task in plan.tasks(profile.arms, profile.load):
            situations[task.transport, str(task.situation)].append(task)
        tasks[name] = [task for group in situations.values() for task in order.sample(group, len(group))]
    return tasks


class Sections:
    """The sections of a comparison. `results` has the measurements in its folder by their keys."""

    def __init__(
        self,
        profile: Profile,
        plans: Mapping[SectionName, SectionPlan],
        folder: Path,
        progress: Progress,
    ) -> None:
        self._plans = plans
        self._path = folder / MEASUREMENTS_FILE
        self._progress = progress
        self.results = {each["key"]: each for each in read_measurements(self._path)}
        self.plan(profile)

    def plan(self, profile: Profile) -> dict[str, int]:
        """Plan for the arms of this profile. The number of measurements of each section."""
        self._tasks = planned(profile, self._plans)
        return {name: len(each) for name, each in self._tasks.items()}

    def tell_time(self, others: Mapping[str, float]) -> None:
        """Say how long the whole takes, if there are sections: without them it is a matter of minutes.

        `others` has the seconds of the other phases.
        """
        left = [task.seconds for each in self._tasks.values() for task in self._left(each)]
        if not left:
            return
        parts = {**others, "sections": sum(left)}
        words = ", ".join(f"{name} {seconds / 60:.0f}" for name, seconds in parts.items() if seconds)
        minutes = sum(parts.values()) / 60
        self._progress.say(f"about {minutes:.0f} min: {words} ({len(left)} measurements)")

    def measure(self, bench: Bench) -> None:
        """Make the measurements that are missing. One that fails is written with its problem."""
        left = {name: self._left(each) for name, each in self._tasks.items()}
        for name, each in self._tasks.items():
            here, more = (
                max(1.0, sum(task.seconds for of in names for task in left[of]) / 60)
                for names in ([name], list(left))
            )
            bar = self._progress.task(name, len(each))
            bar.advance(
                f"about {here:.0f} min, and {more:.0f} min for all sections", len(each) - len(left[name])
            )
            while left[name]:
                task = left[name].pop(0)
                measurement = _measure(task, bench)
                append_measurement(self._path, measurement)
                self.results[task.key] = measurement
                problem = measurement["problem"]
                bar.advance(f"{task}" + (f": not measured: {problem}" if problem else ""))
            bar.advance(None, 0)

    def _left(self, tasks: Iterable[Task]) -> list[Task]:
        return [task for task in tasks if task.key not in self.results]


def _measure(task: Task, bench: Bench) -> Measurement:
    started = time.monotonic()
    asked: dict[str, Any] = {}
    result: dict[str, Any] | None = None
    problem = None
    try:
        asked, result = task.measure(bench)
    except EXPECTED as error:
        problem = bench.connection.redact(str(error))
    except Exception as error:
        problem = f"internal error: {type(error).__name__}: {error}".replace("\n", " ")
    return {
        "schema": 1,
        "kind": "measurement",
        "key": task.key,
        "section": task.section,
        "arm": task.arm.id,
        "transport": task.transport,
        "parameters": {**task.situation, **asked},
        "result_kind": task.kind,
        "result": result,
        "problem": problem,
        "seconds": round(time.monotonic() - started, 3),
    }
