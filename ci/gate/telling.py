"""What the console shows: what goes on, on standard error; the answer, on standard output."""

from __future__ import annotations

import math
import sys
import time

from rich.console import Console
from rich.status import Status

from ci.gate.measuring import CellLives
from reports.gate.rule import percent
from reports.gate.words import lines_of
from reports.statistics.signed_rank import hodges_lehmann, lower_bound, upper_bound
from sioprobe.results.gate import Gate

__all__ = ["Teller"]


class Teller:
    """Lines; on a terminal also one that moves."""

    def __init__(self, *, quiet: bool = False, alpha: float = 0.0157, unit: str = "message") -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)
        self._alpha = alpha
        self._unit = unit
        self._status: Status | None = None

    def say(self, line: str) -> None:
        """A line that stays."""
        self._console.print(line, markup=False)

    def life(self, cell: CellLives, end: float) -> None:
        """A life has ended: where its cell stands."""
        logs = cell.logs["cpu"]
        if cell.problem or not logs:
            self.say(f"  {cell.cell.id}: a life failed: {cell.problem or 'it is tried again'}")
            return
        low, high = lower_bound(logs, self._alpha), upper_bound(logs, self._alpha)
        sure = f" [{percent(math.expm1(low))}, {percent(math.expm1(high))}]" if math.isfinite(low) else ""
        left = max(0, end - time.monotonic())
        line = (
            f"{cell.cell.id}: {len(logs)} lives, CPU per {self._unit} "
            f"{percent(math.expm1(hodges_lehmann(logs)))}{sure}; {left / 60:.1f} minutes left"
        )
        if self._console.is_terminal:
            if self._status is None:
                self._status = self._console.status(line)
                self._status.start()
            self._status.update(line)
        else:
            self.say(f"  {line}")

    def done(self, gate: Gate) -> None:
        """The answer."""
        if self._status is not None:
            self._status.stop()
        for line in lines_of(gate):
            sys.stdout.write(line + "\n")
