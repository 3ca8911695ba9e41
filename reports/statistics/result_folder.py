"""Reads the result files of one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sioprobe.results.comparison import Life, LostLife, Measurement
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import (
    LIVES_FILE,
    MEASUREMENTS_FILE,
    ROUNDS_FILE,
    RUN_FILE,
    Rounds,
    conformance_paths,
    read_conformance,
    read_lives,
    read_measurements,
    read_rounds,
    read_run,
)
from sioprobe.results.loads import RoundsLine
from sioprobe.results.types import Arm, Cell, Conformance, Run


@dataclass(frozen=True, slots=True)
class FailedBlock:
    """A block that was begun and gave no result. Of an older run `reason` is all that is known."""

    reason: str
    round: int = 0
    arm: str = ""
    transport: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The sources of a report. `run` is None when the folder has no run.json."""

    run: Run | None
    rounds: Rounds
    conformances: dict[str, Conformance]
    measurements: list[Measurement] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    lost: list[LostLife] = field(default_factory=list)

    @property
    def blocks(self) -> list[RoundsLine]:
        return self.rounds.blocks

    @property
    def failed_blocks(self) -> list[FailedBlock]:
        """The blocks that the run began and that gave no result."""
        profile = self.run.get("profile", {}) if self.run else {}
        return [
            FailedBlock(note) if isinstance(note, str) else FailedBlock(**note)
            for note in profile.get("failed_blocks") or []
        ]

    @property
    def arms(self) -> list[Arm]:
        """The arms in the order of the run, then those that only another result names."""
        arms = list(self.run["arms"]) if self.run else []
        known = {arm["id"] for arm in arms}
        alive = dict.fromkeys(side for life in self.lives for side in life["sides"])
        for name in [*(block.arm for block in self.blocks), *alive, *self.conformances]:
            if name not in known:
                known.add(name)
                arms.append(_arm_outside_the_run(name, self.conformances.get(name)))
        return arms

    @property
    def cells(self) -> list[Cell]:
        """The cells in the order of the arms, with those that only a block names."""
        cells: dict[tuple[str, str, str, int], Cell] = {}
        planned = self.run["cells"] if self.run else []
        for one in [*planned, *map(cell_of, self.blocks)]:
            cells.setdefault(cell_key(one), one)
        place = {arm["id"]: index for index, arm in enumerate(self.arms)}
        return sorted(cells.values(), key=lambda cell: place.get(cell["arm"], len(place)))


def cell_of(block: RoundsLine) -> Cell:
    """The cell that a block belongs to."""
    return {
        "arm": block.arm,
        "transport": block.transport,
        "scenario": block.scenario,
        "connections": block.connections,
    }


def cell_key(cell: Cell) -> tuple[str, str, str, int]:
    """What tells a cell from the others."""
    return cell["arm"], cell["transport"], cell["scenario"], cell["connections"]


def read_folder(folder: Path) -> Inputs:
    """The result files in `folder`. ResultFileError when there are none, or when one is unusable."""
    if not folder.is_dir():
        found = "it is a file" if folder.exists() else "there is none"
        raise ResultFileError(f"{folder}: not a folder ({found})")
    run_file, rounds_file = folder / RUN_FILE, folder / ROUNDS_FILE
    paths = conformance_paths(folder)
    if not (run_file.exists() or rounds_file.exists() or paths):
        raise ResultFileError(f"{folder}: no {RUN_FILE}, {ROUNDS_FILE} or conformance-*.json in it")
    lives, lost = _read_lives(folder / LIVES_FILE)
    return Inputs(
        run=read_run(run_file) if run_file.exists() else None,
        rounds=read_rounds(rounds_file),
        conformances={arm: read_conformance(path) for arm, path in paths.items()},
        measurements=read_measurements(folder / MEASUREMENTS_FILE),
        lives=lives,
        lost=lost,
    )


def _read_lives(path: Path) -> tuple[list[Life], list[LostLife]]:
    lives: list[Life] = []
    lost: list[LostLife] = []
    for number, line in enumerate(read_lives(path) if path.exists() else [], start=1):
        try:
            if isinstance(line, dict) and "problem" in line:
                lost.append(msgspec.convert(line, LostLife))
            else:
                lives.append(msgspec.convert(line, Life))
        except msgspec.ValidationError as error:
            raise ResultFileError(f"{path.name}: line {number}: {error}") from None
    return lives, lost


def _arm_outside_the_run(name: str, conformance: Conformance | None) -> Arm:
    title = conformance["target"].get("title") if conformance else None
    return {"id": name, "title": title or name, "status": "measured", "reason": None}
