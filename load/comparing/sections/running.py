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
from sioprobe.results.files import MEASUREMENTS_FILE, append_measurement

__all__ = ["measure_sections", "planned"]

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


def measure_sections(
    tasks: Mapping[SectionName, Iterable[Task]],
    bench: Bench,
    results: dict[str, Measurement],
    folder: Path,
    progress: Progress,
) -> None:
    """Make the measurements that are not among the results yet. One that fails has its problem written."""
    left = {name: [task for task in each if task.key not in results] for name, each in tasks.items()}
    for name, each in tasks.items():
        here, more = (
            sum(task.seconds for of in names for task in left[of]) / 60 for names in ([name], list(left))
        )
        bar = progress.task(name, len(list(each)))
        done = bar.total - len(left[name])
        bar.advance(f"about {max(1, here):.0f} min, and {max(1, more):.0f} min for all sections", done)
        while left[name]:
            task = left[name].pop(0)
            measurement = _measure(task, bench)
            append_measurement(folder / MEASUREMENTS_FILE, measurement)
            results[task.key] = measurement
            problem = measurement["problem"]
            bar.advance(f"{task}" + (f": not measured: {problem}" if problem else ""))
        bar.advance(None, 0)


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
