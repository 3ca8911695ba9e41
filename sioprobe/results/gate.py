"""The shape of gate.json: what a regression gate compared, what it measured, and what it decided.

`lives.jsonl` beside it keeps every slice, so that all figures here can be computed again.
A change is a share: .05 is 5 % more than the base. Durations are microseconds where a name ends in `_us`,
everywhere else seconds.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

__all__ = ["Cell", "Change", "Conformance", "Counted", "CountedFunction", "CountedMetric", "Gate", "GateSide"]
__all__ += ["BrokenRequirement", "Verdict"]

Verdict = Literal["PASS", "REGRESSION", "INCONCLUSIVE", "ERROR"]


class Change(TypedDict):
    """Head over base, less one; the interval is exact and holds at the gate's alpha on each side."""

    estimate: float
    low: float | None
    high: float | None
    sd: float
    lives: int
    smallest_visible: float | None


class Cell(TypedDict):
    """One way to load both sides, and its verdict. `again` is the base compared with itself."""

    id: str
    mode: str | None
    transport: str
    scenario: str
    verdict: Verdict
    improved: bool
    why: str
    help: str | None
    lives: int
    looks: list[int]
    cpu: Change | None
    cpu_again: Change | None
    p50: Change | None
    p50_again: Change | None
    base_cpu_us: float | None
    head_cpu_us: float | None
    base_p50_us: float | None
    head_p50_us: float | None
    seconds_a_life: float | None


class CountedMetric(TypedDict):
    """One exact count per message or task; None where a side could not be counted."""

    name: str
    base: float | None
    head: float | None
    equal: bool | None


class CountedFunction(TypedDict):
    """A function whose calls per message or task differ."""

    name: str
    place: str
    base: float
    head: float


class Counted(TypedDict):
    """Exact counters of one cell."""

    cell: str
    messages: int
    metrics: list[CountedMetric]
    functions: list[CountedFunction]
    notes: list[str]


class BrokenRequirement(TypedDict):
    """A requirement whose verdict changed from base to head."""

    id: str
    case: str
    base: str
    head: str
    actual: str | None
    reproduce: str | None


class Conformance(TypedDict):
    """Both sides judged, in one async mode or (None) as the application that it is.

    `problem` says that there was no time for it.
    """

    mode: str | None
    judged: int
    broken: list[BrokenRequirement]
    mended: list[BrokenRequirement]
    problem: str | None


class GateSide(TypedDict):
    """What one side is, and the versions of what it runs on."""

    title: str
    versions: dict[str, str]


class Gate(TypedDict):
    """The document. `unit` is what CPU and counts are given for."""

    schema: Literal[1]
    kind: Literal["gate"]
    sioprobe: str
    command: str
    environment: dict[str, Any]
    started_at: str
    finished_at: str | None
    interrupted: bool
    verdict: Verdict
    improved: bool
    sentence: str
    fail_on: Literal["regression", "inconclusive", "never"]
    exit_code: int
    problem: str | None
    unit: Literal["message", "task"]
    realtime: bool
    budget_seconds: float
    measured_seconds: float
    thresholds: dict[str, Any]
    base: GateSide
    head: GateSide
    cells: list[Cell]
    suite: Change | None
    conformance: list[Conformance]
    counters: list[Counted]
