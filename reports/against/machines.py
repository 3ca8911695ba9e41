"""One page about folders of several machines: a part for each machine, and no ranking across them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.statistics.kept_results import (
    Kept,
    blocks_of,
    machine_differences,
    machine_words,
    read_kept,
    short_names,
)
from reports.statistics.metrics import IN_MATRIX, METRICS
from reports.writing import wording
from reports.writing.rendering import page_of
from sioprobe.results.files import write_text
from sioprobe.results.types import CellResult, Results

__all__ = ["Machine", "lines_of", "write_machines"]


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine, as far as the folders tell machines apart, and the folders that it measured."""

    title: str
    environment: dict[str, Any]
    folders: list[Kept]


def write_machines(folders: Sequence[Path], out: Path) -> list[Machine]:
    """Write machines.html into `out`. ResultFileError where a folder has no results of a comparison."""
    kept = [read_kept(folder, name) for folder, name in zip(folders, short_names(folders), strict=True)]
    machines = machines_of(kept)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "machines.html", render_page(machines))
    return machines


def lines_of(machines: Sequence[Machine]) -> list[str]:
    """The headline of each folder, for a console."""
    return [
        f"{machine.title}: {kept.name}: {kept.results['findings'][0]}"
        for machine in machines
        for kept in machine.folders
    ]


def machines_of(kept: Sequence[Kept]) -> list[Machine]:
    """The folders by machine, in the order in which they were given."""
    machines: list[Machine] = []
    for one in kept:
        found = one.results["environment"]
        for machine in machines:
            if not machine_differences(machine.environment, found):
                machine.folders.append(one)
                break
        else:
            machines.append(Machine(machine_words(found), found, [one]))
    return machines


def render_page(machines: Sequence[Machine]) -> str:
    """machines.html: one file that fetches nothing."""
    raw = {
        f"{kept.name.replace('/', '-')}-results.json": json.dumps(kept.results, indent=1).encode()
        for machine in machines
        for kept in machine.folders
    }
    figures = [f"{METRICS[name].label}, {METRICS[name].shown_unit}" for name in IN_MATRIX]
    context = {
        "machines": machines,
        "columns": ["Server", "Transport", *figures],
        "tables": _tables,
        "blocks_of": blocks_of,
        "wording": wording,
        "data_note": ".",
    }
    return page_of("machines.html.jinja", raw, context)


def _tables(results: Results) -> list[tuple[str, list[list[str]]]]:
    """For each workload its name and the rows of its table."""
    by_workload: dict[str, list[list[str]]] = {}
    for cell in results["cells"]:
        workload = f"{cell['scenario']} at {wording.counted(cell['connections'], 'connection')}"
        by_workload.setdefault(workload, []).append(_row(cell))
    return list(by_workload.items())


def _row(cell: CellResult) -> list[str]:
    figures = []
    for name in IN_MATRIX:
        metric, scale = cell["metrics"][name], METRICS[name].scale
        estimate, low, high = (
            None if value is None else value * scale
            for value in (metric["estimate"], metric["low"], metric["high"])
        )
        between = f" ({wording.interval(low, high)})" if low is not None else ""
        figures.append(f"{wording.number(estimate)}{between}")
    if cell["status"] != "measured":
        figures[0] = f"not measured: {cell['reason'] or 'no reason was recorded'}"
    return [cell["arm"], wording.TRANSPORTS[cell["transport"]], *figures]
