"""The median over blocks, and an interval that assumes nothing about how blocks are distributed.

The interval runs between two order statistics. With n independent blocks the true median lies between the
k-th smallest and the k-th largest with probability 1 - 2 P(B < k), B binomial (n, 1/2).
At least five blocks are needed for 90 %; their range covers 93.75 %. With fewer blocks the report shows the
range, calls it a range, and promises nothing.

This module does not compare two revisions of the same code, which needs their blocks in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WANTED_COVERAGE = 0.90


@dataclass(frozen=True, slots=True)
class Interval:
    """A median with its interval. `coverage` is None when low and high are only a range."""

    estimate: float | None
    low: float | None
    high: float | None
    coverage: float | None
    words: str


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two middle ones."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def coverage_of_rank(n: int, k: int) -> float:
    """The probability that the median lies between the k-th smallest and the k-th largest of n values."""
    below = sum(math.comb(n, j) for j in range(k))
    share: float = 2 * below / 2**n
    return 1 - share


def rank_for(n: int, wanted: float = WANTED_COVERAGE) -> int | None:
    """The largest k whose interval covers the median with at least `wanted`. None if no k does."""
    best = None
    for k in range(1, n // 2 + 1):
        if coverage_of_rank(n, k) >= wanted:
            best = k
    return best


def median_with_interval(values: Sequence[float]) -> Interval:
    """The median of `values`, one for each block, with its interval, or their range if they are too few."""
    n = len(values)
    if n == 0:
        return Interval(None, None, None, None, "not measured")
    ordered = sorted(values)
    k = rank_for(n)
    if k is None:
        words = "one block" if n == 1 else f"range of {n} blocks"
        return Interval(median(values), ordered[0], ordered[-1], None, words)
    coverage = coverage_of_rank(n, k)
    # Rounded down: 93.75 % must not become 94 %.
    words = f"{math.floor(coverage * 100)} % interval of {n} blocks"
    return Interval(median(values), ordered[k - 1], ordered[n - k], coverage, words)
