"""Which arm costs less: paired ratios of arms that were alive at the same time.

A life gives one ratio of two arms (`lives`). Over the lives there are the Hodges-Lehmann estimate and the
exact interval of Wilcoxon's signed rank (`signed_rank`), with at least 98 %. The page may call two arms
different only if that interval leaves out 1 and the estimate is 3 % or more from it.

Why 98 %: six arms are 15 pairs in each of four tables. A correction for all of them (Holm) wants more lives
than a short run has. But nobody is hurt by one wrong "more" among sixty pairs as much as by two runs that say
the opposite. Where two arms are truly alike, each run errs in each direction with 1 % at most, and then
mostly with less than 3 %, which is no claim; so five runs oppose each other with less than one pair in 500.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import get_args

from reports.statistics.intervals import median
from reports.statistics.lives import CPU, P50, log_change, per_message
from reports.statistics.signed_rank import coverage, fewest_for, hodges_lehmann, lower_bound, upper_bound
from reports.writing.wording import TRANSPORT_ORDER, counted
from sioprobe.results.comparison import Life, LostLife, PairedRatio, Priority, SideBySide

__all__ = ["Claims", "arms_in_order", "over_lowest", "side_by_side"]

ALPHA = 0.01
"""On each side of an interval."""
SMALLEST = 0.03
"""A smaller difference is no difference."""
MESSAGES_EACH = 2
"""An event and its answer, counted as everywhere in a report."""
FIGURES: dict[str, int] = {"cpu_us_per_message": CPU, "p50_us": P50}


def side_by_side(lives: Sequence[Life], lost: Sequence[LostLife] = ()) -> list[SideBySide]:
    """One entry for each transport and figure of these lives, in the order of the page."""
    problem = _problem(lives, lost)
    return [
        _entry([life for life in lives if life["transport"] == transport], figure, problem)
        for transport in TRANSPORT_ORDER
        if any(life["transport"] == transport for life in lives)
        for figure in FIGURES
    ]


def _entry(lives: list[Life], figure: str, problem: str | None) -> SideBySide:
    column = FIGURES[figure]
    medians = {
        arm: median([_figure(life, arm, column) for life in lives if arm in life["sides"]])
        for arm in dict.fromkeys(arm for life in lives for arm in life["sides"])
    }
    logs: dict[tuple[str, str], list[float]] = {}
    for arm, over in combinations(medians, 2):
        if values := _logs(lives, arm, over, column):
            logs[arm, over] = values
            logs[over, arm] = [-value for value in values]

    def height(arm: str) -> float:
        """How far the arm lies above the others, on the average."""
        own = [hodges_lehmann(values) for (one, _), values in logs.items() if one == arm]
        return math.fsum(own) / len(own) if own else math.inf

    order = sorted(medians, key=height)
    pairs = [(arm, over) for n, over in enumerate(order) for arm in order[n + 1 :] if (arm, over) in logs]
    covered = [coverage(len(logs[pair]), ALPHA) for pair in pairs]
    return {
        "transport": lives[0]["transport"],
        "figure": figure,  # type: ignore[typeddict-item]
        "load": _load(lives[0]),
        "lives": len(lives),
        "coverage": min((share for share in covered if share is not None), default=None),
        "priority": _priority(lives),
        "medians": {arm: medians[arm] for arm in order},
        "ratios": [_ratio(arm, over, logs[arm, over]) for arm, over in pairs],
        "problem": problem,
    }


def _figure(life: Life, arm: str, column: int) -> float:
    figure = per_message(life, arm, column)
    return figure / MESSAGES_EACH if column == CPU else figure


def _logs(lives: list[Life], arm: str, over: str, column: int) -> list[float]:
    """One logarithm of a ratio a life in which both were alive and their clocks moved."""
    values = []
    for life in lives:
        if arm in life["sides"] and over in life["sides"]:
            try:
                values.append(log_change(life, arm, over, column))
            except ValueError:
                continue
    return values


def _ratio(arm: str, over: str, logs: list[float]) -> PairedRatio:
    low, high, estimate = lower_bound(logs, ALPHA), upper_bound(logs, ALPHA), hodges_lehmann(logs)
    enough = math.isfinite(low)
    claimed: PairedRatio = {
        "arm": arm,
        "over": over,
        "ratio": math.exp(estimate),
        "low": math.exp(low) if enough else None,
        "high": math.exp(high) if enough else None,
        "claimed": None,
    }
    # The same on both sides of 1: a ratio and its inverse are one claim.
    if enough and abs(estimate) >= math.log1p(SMALLEST):
        claimed["claimed"] = "more" if low > 0 else "less" if high < 0 else None
    return claimed


def _priority(lives: list[Life]) -> Priority:
    """The lowest of any life."""
    order: tuple[Priority, ...] = get_args(get_args(Priority)[0])
    return max((life["priority"] for life in lives), key=order.index)


def _load(life: Life) -> str:
    event, answer = life["message"].get("event"), life["message"].get("answer")
    answered = "its ack" if answer is None else f"the answer {answer}"
    over = counted(life["connections"], "connection")
    return f"the event {event} and {answered}, {counted(life['messages'], 'time')} over {over}"


def _problem(lives: Sequence[Life], lost: Sequence[LostLife]) -> str | None:
    """Why arms or intervals are missing."""
    why = []
    failures: dict[str, list[LostLife]] = {}
    for one in lost:
        failures.setdefault(one["problem"], []).append(one)
    for problem, ones in failures.items():
        numbers = ", ".join(str(one["number"]) for one in ones)
        why.append(f"life {numbers}: {problem}")
    fewest, done = fewest_for(ALPHA), len({life["number"] for life in lives})
    if 0 < done < fewest:
        why.append(f"{counted(done, 'life', 'lives')} only, and an interval needs {fewest}")
    return "; ".join(why) or None


def arms_in_order(part: SideBySide) -> list[str]:
    """The lowest figure first."""
    return list(part["medians"])


def over_lowest(part: SideBySide) -> list[PairedRatio]:
    """Each other arm over the one with the lowest figure, in ascending order."""
    lowest = next(iter(part["medians"]))
    return [ratio for ratio in part["ratios"] if ratio["over"] == lowest]


class Claims:
    """What the page says of two arms."""

    def __init__(self, parts: Sequence[SideBySide]) -> None:
        self._claims: dict[tuple[str, str, str, str], str | None] = {}
        for part in parts:
            for one in part["ratios"]:
                opposite = {"more": "less", "less": "more", None: None}[one["claimed"]]
                place = part["figure"], part["transport"]
                self._claims[*place, one["arm"], one["over"]] = one["claimed"]
                self._claims[*place, one["over"], one["arm"]] = opposite

    def known(self, figure: str, transport: str, arm: str, over: str) -> bool:
        """Whether the two were alive together."""
        return (figure, transport, arm, over) in self._claims

    def claim(self, figure: str, transport: str, arm: str, over: str) -> str | None:
        """ "more" or "less" of `arm` against `over`; None where they cannot be told apart."""
        return self._claims.get((figure, transport, arm, over))
