"""The phases of `slow`, and when each began."""

from __future__ import annotations

import time
from time import monotonic_ns
from typing import Any

from sioprobe.engine.hub import SECOND

__all__ = ["AFTER", "BEFORE", "PHASES", "SLOW", "Phases"]

BEFORE, SLOW, AFTER = PHASES = ("before", "slow", "after")


class Phases:
    """The phases in one process. `now` is the current phase, empty before the first."""

    def __init__(self) -> None:
        self.now = ""
        self._began: dict[str, tuple[int, float]] = {}
        self._ended: tuple[int, float] | None = None

    def begin(self, phase: str) -> None:
        """Begin a phase."""
        self.now = phase
        self._began[phase] = (monotonic_ns(), time.time())

    def end(self) -> None:
        """End the last phase."""
        self._ended = (monotonic_ns(), time.time())

    @property
    def seconds(self) -> float:
        """How long the current phase has lasted."""
        return (monotonic_ns() - self._began[self.now][0]) / SECOND

    def at(self, stamp: int) -> str:
        """The phase at this time (`monotonic_ns`)."""
        return next(
            (name for name in reversed(PHASES) if name in self._began and stamp >= self._began[name][0]),
            BEFORE,
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Each phase that began: `name`, `at` (seconds of the wall clock) and `seconds`."""
        starts = [(name, *self._began[name]) for name in PHASES if name in self._began]
        ends = [*starts[1:], ("", *(self._ended or (monotonic_ns(), time.time())))]
        return [
            {"name": name, "at": at, "seconds": max(0.0, (end[1] - began) / SECOND)}
            for (name, began, at), end in zip(starts, ends, strict=True)
        ]
