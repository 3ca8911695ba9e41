"""What a process that generates load says of itself. A worker sends it to its master with each report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sioprobe.measured.vitals import Vitals
from sioprobe.results.loads import LedgerFigures, ScheduleFigures

__all__ = ["ProcessState"]


@dataclass(frozen=True, slots=True)
class ProcessState:
    """Two processes with the same `clock` may compare their times; `timed_between` says that they did.

    `run` names the test. `final` says that everything is counted, and `left` that the process quit by itself.
    `scenario` holds what else the scenario found, as plain values.
    """

    clock: str
    host: str = ""
    pid: int = 0
    run: str = ""
    final: bool = False
    left: bool = False
    users: int = 0
    counted: int = 0
    timed_between: bool = False
    cpu_share: float = 0.0
    vitals: Vitals = field(default_factory=Vitals)
    ledger: LedgerFigures | None = None
    schedule: ScheduleFigures | None = None
    scenario: dict[str, Any] | None = None
