"""The named faults of the strict client: `faults*.toml`, by the requirement that each of them breaks."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FAULTS", "Fault", "Faults"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be wrong."""

    name: str
    requirement: str
    text: str


FAULTS = [
    Fault(name, requirement, text)
    for file in ("faults.toml", "faults3.toml")
    for requirement, faults in tomllib.loads(Path(__file__).with_name(file).read_text("utf-8")).items()
    for name, text in faults.items()
]
NAMES = {fault.name for fault in FAULTS}


class Faults:
    """What one client does wrong: nothing, or one thing."""

    def __init__(self, name: str | None) -> None:
        assert name is None or name in NAMES, name
        self._name = name

    def __call__(self, name: str) -> bool:
        assert name in NAMES, name
        return name == self._name
