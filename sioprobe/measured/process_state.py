"""What one process that generates load says of itself; a worker's travels to its master with each report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sioprobe.measured.vitals import Vitals
from sioprobe.results.loads import LedgerFigures, ScheduleFigures

__all__ = ["ProcessState"]


@dataclass(frozen=True, slots=True)
class ProcessState:
    """`clock` is equal in two processes whose times may be subtracted; `timed_between` says that some were.

    `run` names the test, `final` says that all of it was counted, and `left` that the process ended of its
    own. `scenario` is what else the scenario found, in plain values of its own.
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
