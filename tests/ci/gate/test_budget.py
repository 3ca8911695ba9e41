"""The budget bounds a gate, and what there was no time for is said and is no pass."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from ci.gate import measuring as measuring_module
from ci.gate.conformance import judge_sides
from ci.gate.counting import count_cells
from ci.gate.gating import Gating
from ci.gate.measuring import LAST_LIFE_SECONDS, Measuring
from ci.gate.settings import Cell, GateError, Plan, Settings
from ci.gate.sides import BuiltSide
from ci.gate.telling import Teller
from load.servers.processes import NoAnswer

SIDES = (BuiltSide("base", ("no-such-program",)), BuiltSide("head", ("no-such-program",)))


def settings(**more: Any) -> Settings:
    return Settings(Plan("commands", (), ()), (Cell(None, "websocket", "event"),), **more)


def test_nothing_is_judged_or_counted_when_its_time_is_over(tmp_path: Path) -> None:
    (judged,) = judge_sides(settings(), SIDES, tmp_path, time.monotonic())
    (counted,) = count_cells(settings(), SIDES, time.monotonic())

    assert judged["problem"] == (
        "base-application was not judged in half of --budget; a longer one helps, or --no-conformance"
    )
    assert counted["notes"] == ["not counted: half of --budget was over"]


def test_a_server_that_cannot_be_judged_ends_the_gate_at_once(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"could not be judged: .*no-such-program"):
        judge_sides(settings(), SIDES, tmp_path / "folder", time.monotonic() + 60)


PASS = SimpleNamespace(
    to_json=lambda _settings: {"id": "websocket", "verdict": "PASS", "why": "", "improved": False, "lives": 6}
)
WIRE = [
    {"name": "packets from the server", "base": 1, "head": 1, "equal": True},
    {"name": "bytes from the server", "base": 9, "head": 9, "equal": True},
]


def answer_of(conformance: list[Any], counters: list[Any], **more: Any) -> tuple[str, str, int]:
    """Of a gate whose cell passed: verdict, sentence, exit code."""
    gating = Gating(settings(fail_on="inconclusive", **more), Teller(quiet=True))
    measured: Any = SimpleNamespace(
        cells=[PASS], realtime=False, worse_suite=False, suite_change=lambda: None
    )
    gating.measuring = measured
    gating.conformance, gating.counters = conformance, counters
    found = gating._document()
    return found["verdict"], found["sentence"], found["exit_code"]


def test_what_was_not_judged_in_time_is_inconclusive() -> None:
    late = {"mode": None, "judged": 0, "broken": [], "mended": [], "problem": "head was not judged"}

    assert answer_of([late], []) == ("INCONCLUSIVE", "head was not judged", 3)
    assert answer_of([{**late, "problem": None}], [])[0] == "PASS"


def test_exact_wire_without_its_counts_is_inconclusive() -> None:
    counted = {"cell": "websocket", "messages": 300, "metrics": WIRE, "functions": [], "notes": []}

    assert answer_of([], [counted], exact=("wire",))[0] == "PASS"
    assert answer_of([], [{**counted, "metrics": []}])[0] == "PASS"
    assert answer_of([], [{**counted, "metrics": []}], exact=("wire",)) == (
        "INCONCLUSIVE", "websocket: packets and bytes were not counted", 3,
    )  # fmt: skip


class Asked:
    """A driver that answers nothing, and the seconds that it was given."""

    seconds: list[float]

    def __init__(self, _module: str) -> None:
        Asked.seconds = []

    def ask(self, _request: dict[str, Any], seconds: float) -> dict[str, Any]:
        Asked.seconds.append(seconds)
        raise NoAnswer("no answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


def test_a_life_that_exceeds_the_budget_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring_module, "Driver", Asked)
    told: list[object] = []
    measuring = Measuring(settings(), *SIDES, tmp_path / "lives.jsonl", lambda *words: told.append(words))

    # It was asked before the end, and has not answered after it.
    now = time.monotonic()
    moments = iter([now, now, now + 1000])
    monkeypatch.setattr(measuring_module.time, "monotonic", lambda: next(moments, now + 1000))
    measuring.run(now + 5)

    assert Asked.seconds == [pytest.approx(5 + LAST_LIFE_SECONDS)]
    assert told == []


def test_a_life_without_an_answer_before_that_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring_module, "Driver", Asked)
    measuring = Measuring(settings(), *SIDES, tmp_path / "lives.jsonl", lambda *_: None)

    with pytest.raises(GateError, match="websocket: no answer"):
        measuring.run(time.monotonic() + 1000)
