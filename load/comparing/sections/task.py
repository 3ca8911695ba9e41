"""A measurement that is planned, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from load.comparing.arms import ArmPlan
from load.comparing.sections.bench import Bench
from sioprobe.results.comparison import SectionName
from sioprobe.results.primitives import Transport

__all__ = ["START_SECONDS", "Task", "key_of"]

START_SECONDS = 3.5
"""For starting and ending a server, connecting and closing. Only the estimate of the whole uses it."""


def key_of(section: str, arm: str, transport: str | None, situation: Mapping[str, Any]) -> str:
    """What tells a measurement from all others of a folder."""
    parts: Iterable[str] = (f"{name}={value}" for name, value in situation.items())
    return "/".join((section, arm, transport or "-", *parts))


@dataclass(frozen=True, slots=True)
class Task:
    """One arm in one situation. `seconds` is an estimate.

    `measure` gets the bench, and returns what it asked for and the result. It raises
    ChildError or NotMeasured.
    """

    section: SectionName
    arm: ArmPlan
    transport: Transport | None
    situation: dict[str, Any]
    kind: Literal["block", "load", "capacity", "doctor"]
    seconds: float
    measure: Callable[[Bench], tuple[dict[str, Any], dict[str, Any]]]

    @property
    def key(self) -> str:
        """See `key_of`."""
        return key_of(self.section, self.arm.id, self.transport, self.situation)

    def __str__(self) -> str:
        words = [f"{name.replace('_', ' ')} {value}" for name, value in self.situation.items()]
        return ", ".join([self.arm.title, *([self.transport] if self.transport else []), *words])
