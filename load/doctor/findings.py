"""The types of the results of an examination."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "CPU",
    "INFERRED",
    "LATENCY",
    "LIMITS",
    "LOSES",
    "MEASURED",
    "NOTE",
    "Examined",
    "Finding",
    "NotExamined",
]

LATENCY, CPU, LIMITS, NOTE = "costs latency", "costs CPU", "limits connections", "note"
LOSES = "loses messages"
MEASURED, INFERRED = "measured", "inferred"


class NotExamined(RuntimeError):
    """An examination could not be made. The text is one line with the reason."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    `seen` is a sentence with the figures, `means` says what follows from it. `mend` has the setting for each
    known server. `certainty` says whether `means` was measured or inferred.
    """

    id: str
    severity: str
    seen: str
    means: str
    mend: tuple[tuple[str, str], ...] = ()
    certainty: str = MEASURED
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def costs(self) -> bool:
        """Whether it is more than a note."""
        return self.severity != NOTE

    def to_json(self) -> dict[str, Any]:
        """Plain values. `mend` is a list of objects with `server` and `setting`."""
        return {
            "id": self.id,
            "severity": self.severity,
            "seen": self.seen,
            "means": self.means,
            "mend": [{"server": server, "setting": setting} for server, setting in self.mend],
            "certainty": self.certainty,
            "figures": self.figures,
        }


@dataclass(slots=True)
class Examined:
    """The result of one examination: a line for a reader, figures for a program, findings."""

    saw: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """The reasons why parts of it could not be examined."""
