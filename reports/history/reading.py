"""Finds the results of comparisons and of gates below some folders, and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reports.statistics.kept_results import kind_of, short_names
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import GATE_FILE, RESULTS_FILE, RUN_FILE, read_gate, read_results
from sioprobe.results.gate import Gate
from sioprobe.results.types import Results

__all__ = ["ReadRun", "read_runs"]


@dataclass(frozen=True, slots=True)
class ReadRun:
    """One result: either of a comparison or of a gate. `at` has a time zone."""

    name: str
    at: datetime
    result: Results | Gate


def read_runs(folders: Sequence[Path]) -> tuple[list[ReadRun], list[str]]:
    """The runs in the order of time, and notes about files that were left out.

    ResultFileError where a folder does not exist, or where nothing can be used.
    """
    found = list(dict.fromkeys(file for folder in folders for file in _files(folder)))
    files = [file for file in found if file.name != RUN_FILE]
    runs: dict[tuple[str, str, str], ReadRun] = {}
    notes = []
    for file in found:
        if file.name == RUN_FILE and not file.with_name(RESULTS_FILE).exists():
            notes.append(f"{file.parent.name}: left out: no {RESULTS_FILE}, which `sioprobe report` writes")
    twice = 0
    for file, name in zip(files, short_names([_named(file) for file in files]), strict=True):
        try:
            result: Results | Gate = read_gate(file) if kind_of(file) == "gate" else read_results(file)
        except ResultFileError as error:
            notes.append(f"{name}: left out: {error}")
            continue
        at = _moment(result["started_at"])
        if at is None:
            notes.append(f"{name}: left out: {file.name} does not say when it was measured")
            continue
        key = result["kind"], str(result["started_at"]), str(result["command"])
        twice += key in runs
        runs.setdefault(key, ReadRun(name, at, result))
    if twice:
        notes.append(f"{twice} of the files hold a run that another one holds, too")
    if not runs:
        where = ", ".join(str(folder) for folder in folders)
        raise ResultFileError(
            f"{where}: " + (notes[0] if notes else f"no {RESULTS_FILE} or {GATE_FILE} in it")
        )
    return sorted(runs.values(), key=lambda run: run.at), notes


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ResultFileError(f"{folder}: not a folder (there is none)")
    return sorted(file for name in (RESULTS_FILE, GATE_FILE, RUN_FILE) for file in folder.rglob(name))


def _named(file: Path) -> Path:
    """What a reader calls a result: its folder, or the file if that has a name of its own."""
    return file.parent if file.name in (RESULTS_FILE, GATE_FILE) else file


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
