"""Where the level of a series changed, by binary segmentation on ranks.

Of all stretches of the series, the one whose ranks differ most from the rest (the rank sum, in standard
deviations) is cut out if it differs by more than chance allows. Then each piece is searched in the same way.
A stretch that begins or ends with the series is one step. One in the middle is two: there and back again.
At last a step must hold by itself, between the levels beside it.

Ranks make it robust: one wild point counts no more than the largest. The limits were found by drawing orders
at random, 400 to 4000 for each of nine lengths from 10 to 365. Of series without a step, about 1 in 100
passes the first limit, and 1 in 200 the second. They hold where points are independent: a machine that gets
slower over weeks makes steps, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from reports.statistics.rank_sum import relative_change

__all__ = ["COVERAGE", "FEWEST", "SMALLEST", "cuts_of"]

FEWEST = 30
"""Shorter series are not searched."""

SHORTEST = 5
"""No level is shorter."""

SMALLEST = 0.03
"""Smaller steps are not marked."""

COVERAGE = 0.95
"""Of the interval of a step."""


def cuts_of(values: Sequence[float]) -> list[int]:
    """The places of the first points of new levels, in order. None if there are fewer than FEWEST values.

    The values are above 0.
    """
    return _holding(values, sorted(_cuts(values))) if len(values) >= FEWEST else []


def _cuts(values: Sequence[float]) -> list[int]:
    count = len(values)
    if count < 2 * SHORTEST:
        return []
    sums = [0.0, *accumulate(rank - (count + 1) / 2 for rank in _ranks(values))]
    variance = sum((after - before) ** 2 for before, after in pairwise(sums)) / count
    if variance == 0:
        return []
    best, place = 1.0, (0, count)
    for start in (0, *range(SHORTEST, count - SHORTEST + 1)):
        for end in (*range(start + SHORTEST, count - SHORTEST + 1), count):
            length = end - start
            if not SHORTEST <= length <= count - SHORTEST:
                continue
            z = abs(sums[end] - sums[start]) / math.sqrt(variance * length * (count - length) / (count - 1))
            beyond = z / _limit(count, at_an_end=start == 0 or end == count)
            if beyond > best:
                best, place = beyond, (start, end)
    found = [cut for cut in place if 0 < cut < count]
    if not found:
        return []
    inner = [start + cut for start, end in pairwise([0, *found, count]) for cut in _cuts(values[start:end])]
    return [*found, *inner]


def _limit(count: int, *, at_an_end: bool) -> float:
    """So many standard deviations are chance; there are more stretches in the middle than at the ends."""
    return 2.5 + math.log(count) / (5 if at_an_end else 3)


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of their ranks."""
    places: dict[float, list[int]] = {}
    for rank, value in enumerate(sorted(values), start=1):
        places.setdefault(value, []).append(rank)
    return [sum(places[value]) / len(places[value]) for value in values]


def _holding(values: Sequence[float], cuts: list[int]) -> list[int]:
    """The cuts whose step holds by itself. The weakest goes first, since levels change with it."""
    while cuts:
        levels = [values[start:end] for start, end in pairwise([0, *cuts, len(values)])]
        strengths = [_strength(before, after) for before, after in pairwise(levels)]
        weakest = min(strengths)
        if weakest >= math.log1p(SMALLEST):
            break
        del cuts[strengths.index(weakest)]
    return cuts


def _strength(before: Sequence[float], after: Sequence[float]) -> float:
    """The size of a step as a logarithm; 0 where its interval holds "no change"."""
    step = relative_change(before, after, COVERAGE)
    if step is None or step.low is None or step.high is None or step.low <= 0 <= step.high:
        return 0.0
    return abs(math.log1p(step.estimate))
