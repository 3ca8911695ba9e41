"""Go on with a comparison that was stopped: what of it is there, and whether it is still the same one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import (
    LIVES_FILE,
    MEASUREMENTS_FILE,
    ROUNDS_FILE,
    RUN_FILE,
    conformance_paths,
    read_rounds,
    read_run,
)
from sioprobe.results.types import Run

__all__ = ["blocks_of", "difference", "difference_of", "has_figures", "plain", "unfinished"]

MACHINE = ("cpu_model", "cores", "python", "libraries")
SAME_MEMORY = 0.02
"""A kernel keeps a little more or less of the memory for itself."""

Place = tuple[int, str, str]


def unfinished(folder: Path) -> Run | None:
    """The comparison in the folder, if it was stopped and has any results."""
    try:
        run = read_run(folder / RUN_FILE)
    except ResultFileError:
        return None
    if run["finished_at"] is not None and not run["interrupted"]:
        return None
    return run if has_figures(folder) or conformance_paths(folder) else None


def has_figures(folder: Path) -> bool:
    """Whether anything was measured there. To judge takes minutes, so verdicts alone are soon made again."""
    return any((folder / name).exists() for name in (ROUNDS_FILE, LIVES_FILE, MEASUREMENTS_FILE))


def difference(before: Run, now: Run) -> str | None:
    """Why `now` cannot go on with `before`: the first difference, in one phrase. None if there is none."""
    if before["sioprobe"] != now["sioprobe"]:
        return f"sioprobe was {before['sioprobe']}, it is {now['sioprobe']}"
    old, new = before["environment"], now["environment"]
    for name in MACHINE:
        if found := difference_of(plain(old.get(name)), plain(new.get(name)), name.replace("_", " ")):
            return found
    memory, memory_now = old.get("memory_bytes"), new.get("memory_bytes")
    if memory and memory_now and abs(memory - memory_now) > SAME_MEMORY * memory:
        return f"this machine had {memory / 2**30:.1f} GiB of memory, it has {memory_now / 2**30:.1f}"
    plan, plan_now = (run.get("profile", {}) for run in (before, now))
    # While it runs, a comparison adds what it has found out.
    return difference_of({key: plan.get(key) for key in plan_now}, plan_now)


def plain(value: Any) -> Any:
    """The value as it comes back from JSON."""
    return json.loads(json.dumps(value))


def difference_of(before: Any, now: Any, place: str = "") -> str | None:
    """Where two plain values differ first, and how. None if they are equal."""
    if isinstance(before, dict) and isinstance(now, dict):
        pairs: Iterator[tuple[str, Any, Any]] = (
            (f"{place}.{key}" if place else key, before.get(key), now.get(key)) for key in {**before, **now}
        )
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = ((f"{place}[{n}]", *pair) for n, pair in enumerate(zip(before, now, strict=True)))
    else:
        return None if before == now else f"{place} was {_shown(before)}, it is {_shown(now)}"
    return next((found for pair in pairs if (found := difference_of(pair[1], pair[2], pair[0]))), None)


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def blocks_of(folder: Path, run: Run) -> set[Place]:
    """Round, arm and transport of each block that was made, or that failed."""
    made = {(block.round, block.arm, block.transport) for block in read_rounds(folder / ROUNDS_FILE).blocks}
    failed = run.get("profile", {}).get("failed_blocks") or []
    return made | {(each["round"], each["arm"], each["transport"]) for each in failed}
