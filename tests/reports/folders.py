"""Result folders for tests of several folders: as `synthetic` makes them, small, and changed as asked for."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sioprobe.results.files import append_block, write_run
from sioprobe.results.types import Arm
from tests.reports import synthetic

ARMS: dict[str, Arm] = {name: synthetic.ARMS[name] for name in ("eventlet", "gevent", "gevent-simple")}
PROFILE = {"title": "quick", "load": {"seconds": 1.5, "warmup_seconds": 0.5, "rounds": 6, "parameters": {}}}
MACHINE: dict[str, Any] = synthetic.run_document()["environment"]


def environment(**changes: Any) -> dict[str, Any]:
    """The machine of every folder, with other values."""
    return {**copy.deepcopy(MACHINE), **changes}


def write(
    folder: Path,
    seed: int = 1,
    *,
    cpu: Mapping[tuple[str, str], float] | None = None,
    rounds: int = 6,
    arms: dict[str, Arm] | None = None,
    **run: Any,
) -> Path:
    """A folder with raw files. `cpu` multiplies the server's CPU by arm and transport."""
    chosen = ARMS if arms is None else arms
    folder.mkdir(parents=True, exist_ok=True)
    write_run(folder / "run.json", synthetic.run_document(chosen, **{"profile": PROFILE, **run}))
    noise = random.Random(seed)
    for number in range(1, rounds + 1):
        for arm, transport in synthetic.SHAPES:
            if arm not in chosen:
                continue
            block = synthetic.block(arm, transport, number, noise, seconds=0.2)
            factor = (cpu or {}).get((arm, transport), 1.0)
            used = (block.server.cpu_seconds or 0.0) * factor
            append_block(
                folder / "rounds.jsonl", replace(block, server=replace(block.server, cpu_seconds=used))
            )
    return folder
