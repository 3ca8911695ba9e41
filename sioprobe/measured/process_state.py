"""What a process that generates load says of itself. A worker sends it to its master with each report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sioprobe.measured.arrivals import ArrivalFigures
from sioprobe.measured.vitals import Vitals
from sioprobe.results.loads import LedgerFigures, ScheduleFigures

__all__ = ["ProcessState"]


@dataclass(frozen=True, slots=True)
class ProcessState:
    """Two processes with the same `clock` may compare their times; `timed_between` says that they did.

    `run` names the test. `rested` says that nothing is under way and the users are still there, `final` that
    everything is counted, and `left` that the process quit by itself.
    `ledgers` are the parts of `ledger` by the URL of the server, where there are several. `connections` are
    open now. `unanswered` operations had no answer when the run had come to rest. `scenario` holds what else
    the scenario found, as plain values.
    """

    clock: str
    host: str = ""
    pid: int = 0
    run: str = ""
    rested: bool = False
    final: bool = False
    left: bool = False
    users: int = 0
    connections: int = 0
    arrivals: ArrivalFigures = field(default_factory=ArrivalFigures)
    counted: int = 0
    unanswered: int = 0
    timed_between: bool = False
    cpu_share: float = 0.0
    vitals: Vitals = field(default_factory=Vitals)
    ledger: LedgerFigures | None = None
    ledgers: dict[str, LedgerFigures] = field(default_factory=dict)
    schedule: ScheduleFigures | None = None
    scenario: dict[str, Any] | None = None
