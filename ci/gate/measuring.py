"""The half that measures: lives of base, head and base again, cell by cell, until the rule decides.

Every round measures one life of each cell that is not decided, in random order. After the rounds that the
rule names it looks. The budget ends between two lives; a last look then takes what is there.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci.gate.settings import Cell, GateError, Settings
from ci.gate.sides import BuiltSide
from load.servers.processes import ChildError, Driver, NoAnswer
from reports.gate.rule import Decision, Measured, change_of, decide, lives_for
from reports.statistics.lives import CPU, P50, log_change, per_message
from reports.statistics.signed_rank import fewest_for, hodges_lehmann, standard_deviation
from sioprobe.results.files import append_life
from sioprobe.results.gate import Cell as CellResult
from sioprobe.results.gate import Change

__all__ = ["CellLives", "Measuring", "played"]

LIFE_SECONDS = 150.0
"""Deadline of one life."""
LAST_LIFE_SECONDS = 20.0
"""By so much a life may exceed the budget; it is given up then."""
START_SECONDS = 40.0
FAILURES = 2
"""Lives of one cell that may fail. One that fails first, or whose server has ended, is the server's fault."""
NO_DECISION = Decision("INCONCLUSIVE", False, "nothing was measured")
BASE, HEAD, AGAIN = "base", "head", "base'"


@dataclass(slots=True)
class CellLives:
    """What one cell has measured so far."""

    cell: Cell
    lives: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[str, list[float]] = field(
        default_factory=lambda: {"cpu": [], "cpu_again": [], "p50": [], "p50_again": []}
    )
    decision: Decision = NO_DECISION
    looks: list[int] = field(default_factory=list)
    failures: int = 0
    problem: str | None = None

    @property
    def decided(self) -> bool:
        return self.problem is not None or self.decision.verdict != "INCONCLUSIVE"

    @property
    def measured(self) -> Measured:
        return Measured(**self.logs)

    def add(self, life: dict[str, Any]) -> None:
        """Take a life in. Raises ValueError for one in which no clock moved."""
        logs = {
            "cpu": log_change(life, HEAD, BASE, CPU),
            "cpu_again": log_change(life, AGAIN, BASE, CPU),
            "p50": log_change(life, HEAD, BASE, P50),
            "p50_again": log_change(life, AGAIN, BASE, P50),
        }
        for name, value in logs.items():
            self.logs[name].append(value)
        self.lives.append(life)

    def to_json(self, settings: Settings) -> CellResult:
        """As it stands in gate.json."""
        limits = settings.thresholds
        changes = {name: change_of(logs, limits) for name, logs in self.logs.items()}
        seconds = statistics.mean(life["seconds"] for life in self.lives) if self.lives else None

        def middle(side: str, column: int) -> float | None:
            values = [per_message(life, side, column) for life in self.lives]
            return statistics.median(values) if values else None

        return {
            "id": self.cell.id,
            "mode": self.cell.mode,
            "transport": self.cell.transport,
            "scenario": self.cell.scenario,
            "verdict": "ERROR" if self.problem else self.decision.verdict,  # type: ignore[typeddict-item]
            "improved": self.decision.improved,
            "why": self.problem or self.decision.why,
            "help": self._help(settings, seconds),
            "lives": len(self.lives),
            "looks": self.looks,
            "cpu": changes["cpu"],
            "cpu_again": changes["cpu_again"],
            "p50": changes["p50"],
            "p50_again": changes["p50_again"],
            "base_cpu_us": middle(BASE, CPU),
            "head_cpu_us": middle(HEAD, CPU),
            "base_p50_us": middle(BASE, P50),
            "head_p50_us": middle(HEAD, P50),
            "seconds_a_life": seconds,
        }

    def _help(self, settings: Settings, seconds: float | None) -> str | None:
        """What would make an inconclusive cell conclusive."""
        if self.problem or self.decision.verdict != "INCONCLUSIVE" or seconds is None:
            return None
        limits = settings.thresholds
        sd = max(standard_deviation(self.logs["cpu"]), standard_deviation(self.logs["cpu_again"]), 0.005)
        estimate = math.expm1(hodges_lehmann(self.logs["cpu"]))
        wanted = lives_for(sd, limits)
        minutes = max(1, math.ceil((wanted - len(self.lives)) * seconds / 60))
        if wanted > limits.looks[-1]:
            said = f"a quieter machine: lives vary by {sd * 100:.1f} %"
            return said if self.lives[-1]["realtime"] else f"{said}; SCHED_RR, which needs root, halves that"
        if wanted <= len(self.lives) and len(self.lives) >= fewest_for(limits.alpha):
            near = f"the change ({estimate * 100:+.1f} %) is near the limits of {limits.smallest * 100:g} and"
            return f"{near} {limits.tolerance * 100:g} %; another --tolerance decides, more lives hardly do"
        return f"about {minutes} more minute{'s' if minutes > 1 else ''} for this cell (--budget)"


class Measuring:
    """All cells. `run` may be left by KeyboardInterrupt: what was measured until then is kept."""

    def __init__(
        self,
        settings: Settings,
        base: BuiltSide,
        head: BuiltSide,
        lives_file: Path,
        tell: Callable[[CellLives, float], None],
    ) -> None:
        self.settings = settings
        self.cells = [CellLives(cell) for cell in settings.cells]
        self.suite: list[float] = []
        self.worse_suite = False
        self.realtime = False
        self._sides = (base, head)
        self._file = lives_file
        self._tell = tell
        self._chance = random.Random(settings.seed)
        self._longest = 0.0

    def run(self, end: float) -> None:
        """Measure until all is decided, the looks are used up, or `end` (monotonic). Raises GateError."""
        looks = self.settings.thresholds.looks
        with Driver("load.side_by_side") as driver:
            for round_number in range(1, looks[-1] + 1):
                open_cells = [cell for cell in self.cells if not cell.decided]
                if not open_cells:
                    return
                for cell in self._chance.sample(open_cells, len(open_cells)):
                    if time.monotonic() + self._longest > end:
                        self._look()
                        return
                    try:
                        self._life(driver, cell, round_number, end)
                    except NoAnswer as error:
                        if time.monotonic() < end:
                            raise GateError(f"{cell.cell.id}: {error}") from None
                        self._look()
                        return
                    self._tell(cell, end)
                self._add_to_suite()
                if round_number in looks:
                    self._look()

    def _life(self, driver: Driver, cell: CellLives, number: int, end: float) -> None:
        started = time.monotonic()
        seconds = min(LIFE_SECONDS, end - started + LAST_LIFE_SECONDS)
        try:
            life = driver.ask(self._request(cell.cell), seconds)
        except NoAnswer:
            raise
        except ChildError as error:
            raise GateError(f"{cell.cell.id}: {error}") from None
        if "error" not in life:
            try:
                cell.add(life)
            except ValueError as error:
                life = {"error": str(error), "side": None}
        if "error" in life:
            cell.failures += 1
            if life.get("ended") or not cell.lives or cell.failures > FAILURES:
                cell.problem = str(life["error"])
            return
        self.realtime = bool(life["realtime"])
        self._longest = max(self._longest, time.monotonic() - started)
        append_life(self._file, {"cell": cell.cell.id, "number": number, **life})

    def _request(self, cell: Cell) -> dict[str, Any]:
        base, head = self._sides
        request = {
            "sides": [base.start(BASE, cell), head.start(HEAD, cell), base.start(AGAIN, cell)],
            **played(self.settings, cell),
            "start_seconds": START_SECONDS,
            "realtime": self.settings.realtime,
            "seed": self._chance.getrandbits(32),
        }
        return request

    def _add_to_suite(self) -> None:
        """The mean of a round over all cells, as long as all of them are measured."""
        done = len(self.suite) + 1
        if all(len(cell.logs["cpu"]) >= done for cell in self.cells):
            self.suite.append(statistics.mean(cell.logs["cpu"][done - 1] for cell in self.cells))

    def _look(self) -> None:
        able = [cell for cell in self.cells if cell.problem is None and cell.lives]
        if not able:
            return
        decisions, worse = decide(
            [cell.measured for cell in able],
            self.suite,
            self.settings.thresholds,
            realtime=self.realtime,
            unit=self.settings.unit,
        )
        self.worse_suite = self.worse_suite or worse
        for cell, decision in zip(able, decisions, strict=True):
            # A look that decided stands; so does one at the same number of lives.
            if not cell.decided and (not cell.looks or cell.looks[-1] != len(cell.lives)):
                cell.decision = decision
                cell.looks.append(len(cell.lives))

    def suite_change(self) -> Change | None:
        """The change of the mean over all cells; None for a single cell."""
        return change_of(self.suite, self.settings.thresholds) if len(self.cells) > 1 else None


def played(settings: Settings, cell: Cell) -> dict[str, Any]:
    """What is played in a cell, as fields of `load.side_by_side.asking.LifeRequest`."""
    shared = {"transport": cell.transport, "connection": settings.connection.to_json()}
    if settings.locustfile is not None:
        return {**shared, "locustfile": str(settings.locustfile)}
    if settings.message is not None:
        message = {**settings.message, "namespace": settings.namespace}
        return {**shared, "message": message, "on_start": settings.on_start}
    if cell.scenario == "echo":
        return {**shared, "message": {"event": "message", "answer": "message-back"}}
    return {**shared, "message": {"event": "message-with-ack", "answer": None}}
