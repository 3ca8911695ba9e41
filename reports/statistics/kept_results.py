"""The results of a folder that was measured before, and what may be compared with what.

Figures of two folders say something about the servers only if machine, load and sioprobe are the same. What
runs on them may differ: that is what people compare.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.statistics.derivation import derive
from reports.statistics.result_folder import read_folder
from reports.writing.wording import number
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import GATE_FILE, RESULTS_FILE, RUN_FILE, read_results
from sioprobe.results.types import Arm, Results

__all__ = [
    "Kept",
    "blocks_of",
    "kind_of",
    "load_differences",
    "load_of",
    "machine_differences",
    "machine_words",
    "read_kept",
    "short_names",
]

SAME_MEMORY = 0.05
"""A kernel takes a little of the memory for itself, and another kernel takes more."""

NOT_OF_A_BLOCK = (
    "transports",
    "rounds",
    "minimum_rounds",
    "budget_seconds",
    "seed",
    "scenario",
    "connections",
)
"""Keys of a plan's `[load]` that say which blocks there are and how many, not what a block is."""

OTHER_KINDS = {
    "gate": "the result of a gate: `sioprobe gate` compares the two sides itself, and --history draws gates "
    "over time",
    "capacity": "a result of `sioprobe capacity`: `sioprobe compare` measures several servers in turns, and "
    "--against compares two of its folders",
    "load": "the result of a load: `sioprobe compare` measures servers in blocks, and --against compares two "
    "of its folders",
    "conformance": "a conformance result: `sioprobe conform --diff OLD NEW` compares two",
}
"""Other kinds of result files, and the command that compares each."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The results of one folder; `name` tells it from the others of this command."""

    name: str
    folder: Path
    results: Results

    @property
    def arms(self) -> dict[str, Arm]:
        return {arm["id"]: arm for arm in self.results["arms"]}


def load_of(results: Results) -> dict[str, Any]:
    """The plan of a block, as far as the results say it. Empty if they do not."""
    load = results.get("profile", {}).get("load") or {}
    return {key: value for key, value in load.items() if key not in NOT_OF_A_BLOCK}


def read_kept(folder: Path, name: str) -> Kept:
    """The results in `folder`, from results.json or, where that is missing or old, from the raw files.

    ResultFileError where there are none, or where these are results that another command compares.
    """
    other = _other_kind(folder)
    if other:
        raise ResultFileError(f"{folder}: {OTHER_KINDS[other]}")
    path = folder / RESULTS_FILE
    try:
        results = read_results(path) if path.exists() else None
        if results is None or ("profile" not in results and (folder / RUN_FILE).exists()):
            results = derive(read_folder(folder))
    except ResultFileError as error:
        # An error of `read_folder` names the folder already.
        raise ResultFileError(str(error) if str(folder) in str(error) else f"{folder}: {error}") from None
    return Kept(name, folder, results)


def _other_kind(path: Path) -> str | None:
    if (path / GATE_FILE).exists():
        return "gate"
    if path.is_file():
        files = [path]
    elif path.is_dir() and not any((path / name).exists() for name in (RESULTS_FILE, RUN_FILE)):
        files = [file for file in sorted(path.glob("*.json")) if not file.name.startswith("conformance-")]
    else:
        return None
    return next((kind for file in files if (kind := kind_of(file)) in OTHER_KINDS), None)


def kind_of(file: Path) -> str | None:
    """The kind of document in a file; None where it is no document of ours."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    kind = document.get("kind") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else None


def short_names(folders: Sequence[Path]) -> list[str]:
    """The last parts of each path, as many as tell the folders apart. A page says no more of a machine."""
    parts = [folder.resolve().parts for folder in folders]
    length = 1
    while len({part[-length:] for part in parts}) < len(set(parts)):
        length += 1
    return ["/".join(part[-length:]) for part in parts]


def blocks_of(results: Results) -> dict[str, int]:
    """The blocks of all cells by validity."""
    sums: dict[str, int] = {}
    for cell in results["cells"]:
        for verdict, count in cell["blocks"].items():
            sums[verdict] = sums.get(verdict, 0) + count
    return sums


def machine_words(environment: Mapping[str, Any]) -> str:
    """`AMD EPYC 7B13, 2 cores, 8 GiB`."""
    if not environment.get("cpu_model") and not environment.get("cores"):
        return "unknown machine"
    return ", ".join(
        (
            environment.get("cpu_model") or "unknown processor",
            f"{environment.get('cores') or 'unknown'} cores",
            _memory(environment.get("memory_bytes")),
        )
    )


def _memory(size: float | None) -> str:
    return f"{number(size / 2**30, 2)} GiB" if size else "unknown memory"


def machine_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why the two are not the same machine, as far as one can know. Empty if they may be."""
    if old.get("cores") is None and new.get("cores") is None:
        return ["the machine is unknown"]
    found = [
        f"another {what} ({old.get(key) or 'unknown'}, then {new.get(key) or 'unknown'})"
        for key, what in (("cpu_model", "processor"), ("cores", "number of cores"))
        if old.get(key) != new.get(key)
    ]
    memory, other = old.get("memory_bytes"), new.get("memory_bytes")
    if memory and other and abs(other / memory - 1) > SAME_MEMORY:
        found.append(f"another size of memory ({_memory(memory)}, then {_memory(other)})")
    return found


def load_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """In what a block of the one is not a block of the other."""
    if bool(old) != bool(new):
        return ["the plan of one of them is unknown"]
    return [
        f"another load ({key} = {_value(old[key])}, then {_value(new[key])})"
        for key in old
        if key in new and old[key] != new[key]
    ]


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
