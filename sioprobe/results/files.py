"""Read and write the result files of one output folder.

Every document is checked against its schema both ways, so a writer learns of its own mistake at once.
Left out: statistics and pages (`reports`), and where the numbers come from.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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


# All of them raise ResultFileError. A file is written in one step: a reader sees the old one or the new one.
read_run: Callable[[Path], Run] = partial(_read, kind="run")
write_run: Callable[[Path, Run], None] = partial(_write, kind="run")
read_conformance: Callable[[Path], Conformance] = partial(_read, kind="conformance")
write_conformance: Callable[[Path, Conformance], None] = partial(_write, kind="conformance")
read_results: Callable[[Path], Results] = partial(_read, kind="results")
write_results: Callable[[Path, Results], None] = partial(_write, kind="results")
read_capacity: Callable[[Path], dict[str, Any]] = partial(_read, kind="capacity")
write_capacity: Callable[[Path, Mapping[str, Any]], None] = partial(_write, kind="capacity")
read_load: Callable[[Path], RunResult] = partial(_read, kind="load")
read_gate: Callable[[Path], Gate] = partial(_read, kind="gate")
write_gate: Callable[[Path, Gate], None] = partial(_write, kind="gate")
read_faults: Callable[[Path], Faults] = partial(_read, kind="faults")
write_faults: Callable[[Path, Faults], None] = partial(_write, kind="faults")
write_against: Callable[[Path, Against], None] = partial(_write, kind="against")
write_history: Callable[[Path, History], None] = partial(_write, kind="history")


def write_load(path: Path, result: RunResult) -> None:
    """What a run of the load measured."""
    _write(path, to_json(result), "load")
