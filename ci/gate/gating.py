"""The whole gate: builds, the three halves in their order, the answer, and the files that keep it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ci.gate.children import workshop
from ci.gate.measuring import Measuring
from ci.gate.settings import GateError, Settings
from ci.gate.sides import BuiltSide, build_sides
from ci.gate.telling import Teller
from reports.gate.rule import percent
from sioprobe import __version__
from sioprobe.results.environment import fingerprint
from sioprobe.results.gate import GATE_FILE, LIVES_FILE, Gate, Verdict, write_gate

__all__ = ["Gating", "run_gate"]

EXIT_CODES = {"PASS": 0, "REGRESSION": 1, "ERROR": 2, "INCONCLUSIVE": 3}
INTERRUPTED = 130


@dataclass(slots=True)
class Gating:
    """One gate, from its settings to its document."""

    settings: Settings
    teller: Teller
    started_at: str = field(default_factory=lambda: _now())
    environment: dict[str, object] = field(default_factory=fingerprint)
    sides: tuple[BuiltSide, BuiltSide] | None = None
    measuring: Measuring | None = None
    measured_seconds: float = 0.0
    problem: str | None = None
    interrupted: bool = False
    notes: list[str] = field(default_factory=list)

    def run(self) -> Gate:
        """All of it. GateError and Ctrl-C end it early and are part of the answer."""
        try:
            with workshop() as folder:
                self._run(folder)
        except GateError as error:
            self.problem = str(error)
        except KeyboardInterrupt:
            self.interrupted = True
        return self._document()

    def _run(self, folder: Path) -> None:
        settings = self.settings
        self.teller.say(f"building base and head ({settings.plan.kind})")
        base, head = self.sides = build_sides(settings.plan, folder)
        self.teller.say(f"base: {base.title}")
        self.teller.say(f"head: {head.title}")
        started = time.monotonic()
        try:
            self.measuring = Measuring(
                settings, base, head, settings.out / LIVES_FILE, self.teller.life
            )
            self.measuring.run(started + settings.budget)
        finally:
            self.measured_seconds = time.monotonic() - started

    def _document(self) -> Gate:
        settings = self.settings
        measuring = self.measuring
        cells = [cell.to_json(settings) for cell in measuring.cells] if measuring else []
        problems = [cell["why"] for cell in cells if cell["verdict"] == "ERROR"]
        if self.problem is None and problems:
            self.problem = problems[0]
        if self.problem is None and not self.interrupted and not any(cell["lives"] for cell in cells):
            self.problem = "nothing was measured"
        verdict = self._verdict([cell["verdict"] for cell in cells])
        empty = {"title": "", "versions": {}}
        return {
            "schema": 1,
            "kind": "gate",
            "sioprobe": __version__,
            "command": settings.command_line,
            "environment": self.environment,
            "started_at": self.started_at,
            "finished_at": _now(),
            "interrupted": self.interrupted,
            "verdict": verdict,
            "improved": verdict == "PASS" and any(cell["improved"] for cell in cells),
            "sentence": self._sentence(verdict, cells),
            "fail_on": settings.fail_on,  # type: ignore[typeddict-item]
            "exit_code": self._exit_code(verdict),
            "problem": self.problem,
            "realtime": measuring.realtime if measuring else False,
            "budget_seconds": settings.budget,
            "measured_seconds": round(self.measured_seconds, 1),
            "thresholds": settings.thresholds.to_json(),
            "base": self.sides[0].to_json() if self.sides else empty,  # type: ignore[typeddict-item]
            "head": self.sides[1].to_json() if self.sides else empty,  # type: ignore[typeddict-item]
            "cells": cells,
            "suite": measuring.suite_change() if measuring else None,
            "conformance": [],
            "counters": [],
            "notes": self.notes,
        }

    def _verdict(self, verdicts: list[str]) -> Verdict:
        if self.problem is not None:
            return "ERROR"
        if "REGRESSION" in verdicts or (self.measuring and self.measuring.worse_suite):
            return "REGRESSION"
        if self.interrupted or "INCONCLUSIVE" in verdicts or not verdicts:
            return "INCONCLUSIVE"
        return "PASS"

    def _exit_code(self, verdict: Verdict) -> int:
        if self.interrupted:
            return INTERRUPTED
        code = EXIT_CODES[verdict]
        fail_on = self.settings.fail_on
        if code == 3 and fail_on == "regression":
            return 3
        return 0 if fail_on == "never" and code in (1, 3) else code

    def _sentence(self, verdict: Verdict, cells: list) -> str:  # type: ignore[type-arg]
        if verdict == "ERROR":
            return str(self.problem)
        worse = [cell for cell in cells if cell["verdict"] == "REGRESSION"]
        if worse:
            return "; ".join(f"{cell['id']}: {cell['why']}" for cell in worse)
        if verdict == "REGRESSION":
            suite = self.measuring.suite_change() if self.measuring else None
            return f"CPU per message, mean over all cells {percent(suite['estimate'] if suite else None)}"
        if self.interrupted:
            return "the gate was stopped before it had an answer"
        unclear = [cell for cell in cells if cell["verdict"] == "INCONCLUSIVE"]
        if unclear:
            return "; ".join(f"{cell['id']}: {cell['why']}" for cell in unclear)
        better = [cell for cell in cells if cell["improved"]]
        if better:
            return "improved: " + "; ".join(f"{cell['id']} {percent(cell['cpu']['estimate'])}" for cell in better)
        tolerance = self.settings.thresholds.tolerance
        return f"no cell costs {tolerance * 100:g} % more CPU per message"


def run_gate(settings: Settings, teller: Teller) -> Gate:
    """Run it and write gate.json; `lives.jsonl` is written meanwhile. Raises GateError."""
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (settings.out / LIVES_FILE).unlink()
    except OSError as error:
        raise GateError(f"{settings.out}: {error.strerror}") from None
    gate = Gating(settings, teller).run()
    write_gate(settings.out / GATE_FILE, gate)
    return gate


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
