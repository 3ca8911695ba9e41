"""How large a change is, from a few paired differences, and how sure that is: Wilcoxon's signed rank.

The estimate is that of Hodges and Lehmann: the median of all means of two (Walsh averages). The interval is
exact where the differences are spread evenly about the true change, which a random order sees to; it
assumes no other form of their distribution.
Left out: ties need no correction, because a difference of two clocks is hardly ever the same twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from reports.statistics.intervals import median

__all__ = [
    "coverage",
    "fewest_for",
    "hodges_lehmann",
    "holm",
    "lower_bound",
    "p_above",
    "standard_deviation",
    "upper_bound",
]


def walsh_averages(values: Sequence[float]) -> list[float]:
    """The means of every two values, each with itself included, in ascending order."""
    return sorted((a + b) / 2 for i, a in enumerate(values) for b in values[i:])


def hodges_lehmann(values: Sequence[float]) -> float:
    """The median of the Walsh averages. ValueError where there is no value."""
    if not values:
        raise ValueError("no values")
    return median(walsh_averages(values))


@lru_cache(maxsize=256)
def _tail(n: int) -> tuple[float, ...]:
    """P(W <= k) for k = 0, 1, ...: W is the sum of the ranks of n differences that are positive by chance."""
    counts = [1]
    for rank in range(1, n + 1):
        grown = counts + [0] * rank
        for place, count in enumerate(counts):
            grown[place + rank] += count
        counts = grown
    total, sums = 0, []
    for count in counts:
        total += count
        sums.append(total / 2**n)
    return tuple(sums)


def fewest_for(alpha: float) -> int:
    """The fewest differences that can have a bound at this one-sided level."""
    return math.ceil(-math.log2(alpha))


def _place(n: int, alpha: float) -> int | None:
    """How many Walsh averages may lie beyond a bound; None where n differences have no bound."""
    place = None
    for k, chance in enumerate(_tail(n)):
        if chance > alpha:
            break
        place = k
    return place


def lower_bound(values: Sequence[float], alpha: float) -> float:
    """The true change lies above, but for a chance of at most alpha; minus infinity where values are few."""
    place = _place(len(values), alpha)
    return -math.inf if place is None else walsh_averages(values)[place]


def upper_bound(values: Sequence[float], alpha: float) -> float:
    """The true change lies below, but for a chance of at most alpha; infinity where values are few."""
    return -lower_bound([-value for value in values], alpha)


def coverage(n: int, alpha: float) -> float | None:
    """How often n differences have the true change between their bounds; None where they have no bound."""
    place = _place(n, alpha)
    return None if place is None else 1 - 2 * _tail(n)[place]


def p_above(values: Sequence[float], change: float) -> float:
    """The chance of values that speak so strongly for a true change above `change` if there is none."""
    if not values:
        return 1.0
    # The signed-rank statistic is the number of Walsh averages above.
    above = sum(average > change for average in walsh_averages(values))
    # W is as often at least `above` as at most all but `above`.
    return _tail(len(values))[len(values) * (len(values) + 1) // 2 - above]


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which of several claims hold together at level alpha: the smallest p must be below alpha / m, ..."""
    holds = [False] * len(p_values)
    for done, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        if p_values[index] > alpha / (len(p_values) - done):
            break
        holds[index] = True
    return holds


def standard_deviation(values: Sequence[float]) -> float:
    """Of a sample; 0 where there are fewer than two values."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
