"""The whole gate: builds, the three halves in their order, the answer, and the files that keep it."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ci.gate.children import sweep, workshop
from ci.gate.conformance import judge_sides
from ci.gate.counting import WIRE, count_cells
from ci.gate.measuring import Measuring
from ci.gate.settings import GateError, Settings
from ci.gate.sides import BuiltSide, build_sides
from ci.gate.telling import Teller
from reports.gate.rule import percent
from reports.gate.writing import write_pages
from sioprobe import __version__
from sioprobe.results.environment import fingerprint
from sioprobe.results.files import GATE_FILE, LIVES_FILE, write_gate
from sioprobe.results.gate import Conformance, Counted, Gate, Verdict

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
    conformance: list[Conformance] = field(default_factory=list)
    counters: list[Counted] = field(default_factory=list)

    def run(self) -> Gate:
        """All of it. GateError and Ctrl-C end it early and are part of the answer."""
        try:
            with workshop() as folder:
                self._run(folder)
        except GateError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = ": ".join(filter(None, (error.filename, error.strerror or str(error))))
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
            # On a busy machine the judge takes long; the other half of the budget is there for lives.
            self._judge_and_count((base, head), folder, started + settings.budget / 2)
            self.measuring = Measuring(settings, base, head, settings.out / LIVES_FILE, self.teller.life)
            self.measuring.run(started + settings.budget)
        finally:
            self.measured_seconds = time.monotonic() - started

    def _judge_and_count(self, sides: tuple[BuiltSide, BuiltSide], folder: Path, end: float) -> None:
        """At the same time: a judge mostly waits, and no count depends on how busy the machine is."""
        settings = self.settings
        if settings.conformance:
            self.teller.say("judging both sides")
        if settings.counters:
            self.teller.say(f"counting what both sides do for a {settings.unit}")
        with ThreadPoolExecutor(2) as pool:
            judging = pool.submit(judge_sides, settings, sides, folder, end) if settings.conformance else None
            counting = pool.submit(count_cells, settings, sides, end) if settings.counters else None
            try:
                self.conformance = judging.result() if judging else []
                self.counters = counting.result() if counting else []
            except BaseException:
                # The threads wait for children: without those they end.
                sweep(folder)
                raise

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
            "unit": settings.unit,
            "realtime": measuring.realtime if measuring else False,
            "budget_seconds": settings.budget,
            "measured_seconds": round(self.measured_seconds, 1),
            "thresholds": settings.thresholds.to_json(),
            "base": self.sides[0].to_json() if self.sides else empty,  # type: ignore[typeddict-item]
            "head": self.sides[1].to_json() if self.sides else empty,  # type: ignore[typeddict-item]
            "cells": cells,
            "suite": measuring.suite_change() if measuring else None,
            "conformance": self.conformance,
            "counters": self.counters,
        }

    def _verdict(self, verdicts: list[str]) -> Verdict:
        if self.problem is not None:
            return "ERROR"
        if "REGRESSION" in verdicts or (self.measuring and self.measuring.worse_suite):
            return "REGRESSION"
        if self._broken() or self._wire():
            return "REGRESSION"
        if self.interrupted or "INCONCLUSIVE" in verdicts or not verdicts or self._unknown():
            return "INCONCLUSIVE"
        return "PASS"

    def _unknown(self) -> list[str]:
        """What was to be known beside the cells' figures, and is not."""
        late = [entry["problem"] for entry in self.conformance if entry["problem"]]
        if "wire" not in self.settings.exact:
            return late
        counted = {
            entry["cell"]
            for entry in self.counters
            if all(metric["equal"] is not None for metric in entry["metrics"] if metric["name"] in WIRE)
            and any(metric["name"] in WIRE for metric in entry["metrics"])
        }
        missing = [cell.id for cell in self.settings.cells if cell.id not in counted]
        return [*late, *(f"{cell}: packets and bytes were not counted" for cell in missing)]

    def _broken(self) -> list[str]:
        """The requirements that head breaks."""
        said = [
            f"{entry['mode'] + ': ' if entry['mode'] else ''}{case['id']} "
            + ("is broken" if case["head"] == "fail" else "is a known deviation that no longer occurs")
            for entry in self.conformance
            for case in entry["broken"]
        ]
        return list(dict.fromkeys(said))

    def _wire(self) -> list[str]:
        """With `--exact wire`, what the server sends more or less of."""
        return [
            f"{counted['cell']}: {metric['name']} {metric['base']:g} -> {metric['head']:g}"
            for counted in self.counters
            for metric in counted["metrics"]
            if "wire" in self.settings.exact and metric["name"] in WIRE and metric["equal"] is False
        ]

    def _exit_code(self, verdict: Verdict) -> int:
        if self.interrupted:
            return INTERRUPTED
        forgiven = {
            "never": ("REGRESSION", "INCONCLUSIVE"),
            "regression": ("INCONCLUSIVE",),
            "inconclusive": (),
        }
        return 0 if verdict in forgiven[self.settings.fail_on] else EXIT_CODES[verdict]

    def _sentence(self, verdict: Verdict, cells: list) -> str:  # type: ignore[type-arg]
        if verdict == "ERROR":
            return str(self.problem)
        worse = [f"{cell['id']}: {cell['why']}" for cell in cells if cell["verdict"] == "REGRESSION"]
        if worse or self._broken() or self._wire():
            return "; ".join([*self._broken(), *self._wire(), *worse])
        if verdict == "REGRESSION":
            suite = self.measuring.suite_change() if self.measuring else None
            mean = percent(suite["estimate"] if suite else None)
            return f"CPU per {self.settings.unit}, mean over all cells {mean}"
        if self.interrupted:
            return "the gate was stopped before it had an answer"
        unclear = [f"{cell['id']}: {cell['why']}" for cell in cells if cell["verdict"] == "INCONCLUSIVE"]
        if unclear or self._unknown():
            return "; ".join([*self._unknown(), *unclear])
        better = [cell for cell in cells if cell["improved"]]
        if better:
            return "improved: " + "; ".join(
                f"{cell['id']} {percent(cell['cpu']['estimate'])}" for cell in better
            )
        tolerance = self.settings.thresholds.tolerance
        return f"no cell costs {tolerance * 100:g} % more CPU per {self.settings.unit}"


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
    write_pages(settings.out, gate)
    return gate


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
