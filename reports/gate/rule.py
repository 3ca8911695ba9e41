"""The gate's rule: from the changes of some lives to PASS, REGRESSION or INCONCLUSIVE.

It looks after a few fixed numbers of lives and stops at the first look that decides. Each look may err with
the same small chance `alpha`; six lives are the fewest that can decide at that chance.

* REGRESSION: the change of CPU per message is above `floor` for sure, and the estimate is `smallest` or more.
* PASS: the change is below `tolerance` for sure.
* The p50 condemns by itself, with wider limits: a sleep or a lock costs no CPU.
* The base measured against itself, in the same lives, must show nothing. If it does, nothing is believed.

Several cells: a regression of one must hold by Holm's rule beside the others. The mean over all cells (the
suite) is a test of its own. PASS needs no such care, because all cells must pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from reports.statistics.signed_rank import (
    fewest_for,
    hodges_lehmann,
    holm,
    lower_bound,
    p_above,
    standard_deviation,
    upper_bound,
)
from sioprobe.results.gate import Change

__all__ = [
    "LOOKS",
    "Decision",
    "Measured",
    "Thresholds",
    "change_of",
    "decide",
    "lives_for",
    "percent",
    "smallest_visible",
]

LOOKS = (6, 9, 12, 16, 20, 26)
POWER = 0.8
_EFFICIENCY = 0.955
"""Of the signed rank, where differences are normal: so many values of a mean are worth one of it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All are shares of the base."""

    tolerance: float = 0.05
    smallest: float = 0.03
    floor: float = 0.01
    alpha: float = 0.0157
    looks: tuple[int, ...] = LOOKS
    p50_floor: float = 0.05
    p50_smallest: float = 0.25
    p50_smallest_realtime: float = 0.10
    again_sd: float = 0.08

    def with_tolerance(self, tolerance: float) -> Thresholds:
        """The other limits of CPU in the same proportion."""
        share = tolerance / self.tolerance
        return replace(self, tolerance=tolerance, smallest=self.smallest * share, floor=self.floor * share)

    def to_json(self) -> dict[str, Any]:
        """As it stands in gate.json."""
        return {name: getattr(self, name) for name in self.__slots__} | {"looks": list(self.looks)}


@dataclass(frozen=True, slots=True)
class Decision:
    """What one look says of one cell."""

    verdict: str
    improved: bool
    why: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The logarithms of a cell's changes, one a life."""

    cpu: Sequence[float]
    cpu_again: Sequence[float]
    p50: Sequence[float]
    p50_again: Sequence[float]


def share(log: float) -> float:
    """A change as a share."""
    return math.expm1(log)


def percent(value: float | None) -> str:
    """`+4.6 %`."""
    return "unknown" if value is None else f"{value * 100:+.1f} %"


def change_of(logs: Sequence[float], thresholds: Thresholds) -> Change | None:
    """The estimate with its interval; None where there is no life."""
    if not logs:
        return None
    low, high = lower_bound(logs, thresholds.alpha), upper_bound(logs, thresholds.alpha)
    return {
        "estimate": share(hodges_lehmann(logs)),
        "low": share(low) if math.isfinite(low) else None,
        "high": share(high) if math.isfinite(high) else None,
        "sd": standard_deviation(logs),
        "lives": len(logs),
        "smallest_visible": smallest_visible(standard_deviation(logs), len(logs), thresholds),
    }


def smallest_visible(sd: float, lives: int, thresholds: Thresholds) -> float | None:
    """The change that this many lives with this noise call REGRESSION four times in five."""
    if lives < fewest_for(thresholds.alpha):
        return None
    error = sd / math.sqrt(_EFFICIENCY * lives)
    sure = NormalDist().inv_cdf(1 - thresholds.alpha)
    likely = NormalDist().inv_cdf(POWER)
    return share(
        max(
            math.log1p(thresholds.floor) + (sure + likely) * error,
            math.log1p(thresholds.smallest) + likely * error,
        )
    )


def lives_for(sd: float, thresholds: Thresholds) -> int:
    """How many lives would see a change of the tolerance four times in five."""
    lives = fewest_for(thresholds.alpha)
    while (smallest_visible(sd, lives, thresholds) or 0) > thresholds.tolerance and lives < 1000:
        lives += 1
    return lives


def decide(
    cells: Sequence[Measured],
    suite: Sequence[float],
    thresholds: Thresholds,
    *,
    realtime: bool,
    unit: str = "message",
) -> tuple[list[Decision], bool]:
    """One look at all cells together, and whether the suite's mean is a regression by itself."""
    floor = math.log1p(thresholds.floor)
    holds = holm([p_above(cell.cpu, floor) for cell in cells], thresholds.alpha)
    worse_suite = (
        len(cells) > 1
        and lower_bound(suite, thresholds.alpha) > floor
        and share(hodges_lehmann(suite)) >= thresholds.smallest
    )
    decisions = [
        _decide_cell(cell, thresholds, holds=hold, realtime=realtime, unit=unit)
        for cell, hold in zip(cells, holds, strict=True)
    ]
    return decisions, worse_suite


def _decide_cell(
    cell: Measured, thresholds: Thresholds, *, holds: bool, realtime: bool, unit: str
) -> Decision:
    if len(cell.cpu) < fewest_for(thresholds.alpha):
        return Decision(
            "INCONCLUSIVE", False, f"{len(cell.cpu)} lives, and {fewest_for(thresholds.alpha)} are needed"
        )
    sd = standard_deviation(cell.cpu_again)
    if sd > thresholds.again_sd:
        return Decision(
            "INCONCLUSIVE", False, f"the base against itself varies by {sd * 100:.1f} % from life to life"
        )
    if _differs(cell.cpu_again, thresholds):
        return Decision(
            "INCONCLUSIVE", False, "the base against itself shows a change, so nothing is believed"
        )
    estimate = share(hodges_lehmann(cell.cpu))
    if holds and estimate >= thresholds.smallest:
        return Decision("REGRESSION", False, f"CPU per {unit} {percent(estimate)}")
    p50 = _worse_p50(cell.p50, thresholds, realtime=realtime)
    if p50 is not None and _worse_p50(cell.p50_again, thresholds, realtime=realtime) is None:
        return Decision("REGRESSION", False, f"p50 {percent(p50)}")
    high = upper_bound(cell.cpu, thresholds.alpha)
    if high < math.log1p(thresholds.tolerance):
        improved = estimate <= -thresholds.smallest and high < -math.log1p(thresholds.floor)
        said = f"CPU per {unit} {percent(estimate)}, below {percent(share(high))} for sure"
        return Decision("PASS", improved, said)
    return Decision(
        "INCONCLUSIVE", False, f"CPU per {unit} {percent(estimate)}, but it may be {percent(share(high))}"
    )


def _differs(again: Sequence[float], thresholds: Thresholds) -> bool:
    """Whether the base against itself says regression or improvement."""
    floor = math.log1p(thresholds.floor)
    if abs(share(hodges_lehmann(again))) < thresholds.smallest:
        return False
    return lower_bound(again, thresholds.alpha) > floor or upper_bound(again, thresholds.alpha) < -floor


def _worse_p50(logs: Sequence[float], thresholds: Thresholds, *, realtime: bool) -> float | None:
    """The p50's change where it condemns."""
    estimate = share(hodges_lehmann(logs))
    smallest = thresholds.p50_smallest_realtime if realtime else thresholds.p50_smallest
    sure = lower_bound(logs, thresholds.alpha) > math.log1p(thresholds.p50_floor)
    return estimate if sure and estimate >= smallest else None
