"""By how much one sample lies above another, independent one: the rank sum of Mann and Whitney.

The estimate is that of Hodges and Lehmann: the median of all differences of a new value and an old one. The
interval runs between two of these differences. It is exact for independent values, whatever their
distribution; with equal values it is a little too wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from reports.statistics.intervals import median

__all__ = ["Shift", "relative_change", "shift"]


@dataclass(frozen=True, slots=True)
class Shift:
    """Without `coverage` there is no interval: the values are too few."""

    estimate: float
    low: float | None = None
    high: float | None = None
    coverage: float | None = None


def shift(old: Sequence[float], new: Sequence[float], wanted: float) -> Shift:
    """New less old, with an interval that covers the true shift with at least `wanted`.

    ValueError where one side has no value.
    """
    if not old or not new:
        raise ValueError("no values")
    differences = sorted(after - before for before in old for after in new)
    tail = _tail(len(old), len(new))
    place = sum(2 * chance <= 1 - wanted for chance in tail) - 1
    if place < 0:
        return Shift(median(differences))
    return Shift(median(differences), differences[place], differences[-1 - place], 1 - 2 * tail[place])


def relative_change(old: Sequence[float], new: Sequence[float], wanted: float) -> Shift | None:
    """New over old, less one: .05 is 5 % more. None where a side has no value, or one of 0 or less."""
    if not old or not new or min(*old, *new) <= 0:
        return None
    logs = shift([math.log(value) for value in old], [math.log(value) for value in new], wanted)
    low, high = (None if end is None else math.expm1(end) for end in (logs.low, logs.high))
    return Shift(math.expm1(logs.estimate), low, high, logs.coverage)


@lru_cache(maxsize=256)
def _tail(m: int, n: int) -> tuple[float, ...]:
    """P(U <= k) for k = 0, 1, ...: of the m * n pairs, U have the larger value on one side, by chance."""
    counts = [1] + [0] * (m * n)
    # The Gaussian binomial coefficient: the product of (1 - x^(n+i)) / (1 - x^i).
    for i in range(1, m + 1):
        for place in range(m * n, n + i - 1, -1):
            counts[place] -= counts[place - n - i]
        for place in range(i, m * n + 1):
            counts[place] += counts[place - i]
    total = math.comb(m + n, m)
    return tuple(sum_ / total for sum_ in accumulate(counts))
