"""Read and write the result files of one output folder.

Every document is checked against its schema both ways, so a writer learns of its own mistake at once.
Left out: statistics and pages (`reports`), and where the numbers come from.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from sioprobe.results.across import Against, History
from sioprobe.results.comparison import Measurement
from sioprobe.results.errors import ResultFileError
from sioprobe.results.faults import Faults
from sioprobe.results.gate import Gate
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import RoundsLine, RunResult, to_json
from sioprobe.results.types import Conformance, Results, Run
from sioprobe.results.validate import validate

RUN_FILE = "run.json"
ROUNDS_FILE = "rounds.jsonl"
RESULTS_FILE = "results.json"
GATE_FILE = "gate.json"
FAULTS_FILE = "faults.json"
LIVES_FILE = "lives.jsonl"
MEASUREMENTS_FILE = "measurements.jsonl"

_CONFORMANCE_NAME = re.compile(r"conformance-(.+)\.json")


@dataclass(frozen=True, slots=True)
class Rounds:
    """The blocks of a rounds.jsonl, and a note when its last line was cut off."""

    blocks: list[RoundsLine]
    note: str | None = None


def read_run(path: Path) -> Run:
    """The run.json at `path`; ResultFileError when it cannot be used."""
    return cast(Run, _read(path, "run"))


def write_run(path: Path, run: Run) -> None:
    """Write `run` in one step: a reader sees the old file or the new one."""
    _write(path, run, "run")


def read_conformance(path: Path) -> Conformance:
    """The conformance result at `path`; ResultFileError when it cannot be used."""
    return cast(Conformance, _read(path, "conformance"))


def write_conformance(path: Path, conformance: Conformance) -> None:
    """Write one server's conformance result in one step."""
    _write(path, conformance, "conformance")


def read_results(path: Path) -> Results:
    """The results.json at `path`; ResultFileError when it cannot be used."""
    return cast(Results, _read(path, "results"))


def write_results(path: Path, results: Results) -> None:
    """Write the derived results in one step."""
    _write(path, results, "results")


def read_capacity(path: Path) -> dict[str, Any]:
    """The result of a search for the highest rate; ResultFileError when it cannot be used."""
    return cast(dict[str, Any], _read(path, "capacity"))


def write_capacity(path: Path, capacity: Mapping[str, Any]) -> None:
    """Write the result of a search for the highest rate in one step."""
    _write(path, capacity, "capacity")


def read_load(path: Path) -> RunResult:
    """What a run of the load measured; ResultFileError when it cannot be used."""
    return cast(RunResult, _read(path, "load"))


def write_load(path: Path, result: RunResult) -> None:
    """Write what a run of the load measured in one step."""
    _write(path, to_json(result), "load")


def read_gate(path: Path) -> Gate:
    """The gate.json at `path`; ResultFileError when it cannot be used."""
    return cast(Gate, _read(path, "gate"))


def write_gate(path: Path, gate: Gate) -> None:
    """Write what a gate found in one step."""
    _write(path, gate, "gate")


def read_faults(path: Path) -> Faults:
    """The faults.json at `path`; ResultFileError when it cannot be used."""
    return cast(Faults, _read(path, "faults"))


def write_faults(path: Path, faults: Faults) -> None:
    """Write what faults did to clusters in one step."""
    _write(path, faults, "faults")


def write_against(path: Path, against: Against) -> None:
    """Write two folders side by side in one step."""
    _write(path, against, "against")


def write_history(path: Path, history: History) -> None:
    """Write figures over time in one step."""
    _write(path, history, "history")


def append_life(path: Path, life: Mapping[str, object]) -> None:
    """Append one life to lives.jsonl with a single write: a crash loses this one at most."""
    _append(path, life)


def read_lives(path: Path) -> list[dict[str, Any]]:
    """The lives at `path`; a cut-off last line is left out."""
    return [document for _, document in _read_lines(path)[0]]


def append_measurement(path: Path, measurement: Measurement) -> None:
    """Append one measurement to measurements.jsonl with a single write: a crash loses this one at most."""
    validate(measurement, "measurement", path.name)
    _append(path, measurement)


def read_measurements(path: Path) -> list[Measurement]:
    """The measurements at `path`, none when there is no such file; a cut-off last line is left out."""
    if not path.exists():
        return []
    return [validate(document, "measurement", where) for where, document in _read_lines(path)[0]]


def conformance_path(folder: Path, arm: str) -> Path:
    """Where the conformance result of `arm` lies in `folder`."""
    return folder / f"conformance-{arm}.json"


def conformance_paths(folder: Path) -> dict[str, Path]:
    """Arm id to file, for every conformance result in `folder`, in the order of their names."""
    found = {}
    for path in sorted(folder.iterdir()):
        match = _CONFORMANCE_NAME.fullmatch(path.name)
        if match:
            found[match[1]] = path
    return found


def append_block(path: Path, block: RoundsLine) -> None:
    """Append one line to rounds.jsonl with a single write, so that a crash loses at most this block.

    A last line that an earlier crash cut off is removed first.
    """
    document = to_json(block)
    _block(document, path.name)
    _append(path, document)


def read_rounds(path: Path) -> Rounds:
    """The blocks at `path`, none when there is no such file; a cut-off last line is left out and noted."""
    if not path.exists():
        return Rounds([])
    lines, cut_off = _read_lines(path)
    note = f"{cut_off} is cut off (the run ended while writing it) and left out" if cut_off else None
    return Rounds([_block(document, where) for where, document in lines], note)


def _block(document: object, where: str) -> RoundsLine:
    """The block in this document, checked; its histogram too."""
    block = cast(RoundsLine, validate(document, "block", where))
    try:
        count = Histogram.from_latency(block.latency).count
    except ValueError as error:
        raise ResultFileError(f"{where}: latency.histogram: {error}") from None
    if count != block.latency.count:
        raise ResultFileError(f"{where}: latency.count is {block.latency.count}, its histogram holds {count}")
    return block


def _read_lines(path: Path) -> tuple[list[tuple[str, Any]], str | None]:
    """The JSON of each line with its place, and the place of a cut-off last line."""
    found = []
    lines = _read_text(path).split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path.name}: line {number}"
        try:
            found.append((where, _parse(line)))
        except ValueError as error:
            if number == len(lines):
                return found, where
            raise ResultFileError(f"{where} is not JSON: {error}") from None
    return found, None


def _append(path: Path, document: Mapping[str, object]) -> None:
    """Append one line with a single write, after a last line that was cut off is removed."""
    line = _json(document, path, separators=(",", ":")).encode() + b"\n"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _remove_cut_off_line(file)
            os.write(file, line)
        finally:
            os.close(file)
    except OSError as error:
        raise ResultFileError(f"{path.name}: cannot be written: {error.strerror}") from None


def _parse(text: str) -> Any:
    """The JSON in `text`. ValueError if it is none; NaN, which Python's parser takes, is none either."""
    try:
        return json.loads(text, parse_constant=_not_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _not_finite(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ResultFileError(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        # A run killed amid a multi-byte character cuts the last line there.
        text = path.read_bytes()
        if path.suffix == ".jsonl" and error.start > text.rfind(b"\n"):
            return text.decode("utf-8", "ignore")
        raise ResultFileError(f"{path.name}: not UTF-8 at byte {error.start}") from None


def _read(path: Path, kind: str) -> Any:
    try:
        document = _parse(_read_text(path))
    except ValueError as error:
        raise ResultFileError(f"{path.name}: not JSON: {error}") from None
    if isinstance(document, dict) and document.get("kind") == "maximum":
        # The name of this kind in files of `sioprobe load --find-max`.
        document["kind"] = "capacity"
    return validate(document, kind, path.name)


def _write(path: Path, document: Mapping[str, Any], kind: str) -> None:
    validate(document, kind, path.name)
    write_text(path, _json(document, path, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old one or the new one, whole.

    A link, a device or a pipe (`/dev/stdout`) is written, not replaced. ResultFileError when it cannot be
    written.
    """
    beside = path.with_name(path.name + ".new")
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_text(text, "utf-8")
            return
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        raise ResultFileError(f"{path}: cannot be written: {error.strerror}") from None


def _json(document: Mapping[str, Any], path: Path, **layout: Any) -> str:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, **layout)
        # A server may send a lone surrogate as an escape. It has no UTF-8 form, so it stays an escape.
        return json.dumps(document, **layout) if _has_surrogate(text) else text
    except ValueError:
        raise ResultFileError(f"{path.name}: a number in it is not finite, which JSON cannot hold") from None


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False


def _remove_cut_off_line(file: int) -> None:
    size = os.fstat(file).st_size
    if size == 0 or os.pread(file, 1, size - 1) == b"\n":
        return
    text = os.pread(file, size, 0)
    os.ftruncate(file, text.rfind(b"\n") + 1)
