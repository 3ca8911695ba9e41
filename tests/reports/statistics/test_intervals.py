"""The interval of the median, against hand-computed numbers and against its own promise."""

from __future__ import annotations

import itertools
import random

import pytest

from reports.statistics.intervals import coverage_of_rank, median, median_with_interval, rank_for


@pytest.mark.parametrize(
    ("values", "middle"),
    [([3.0], 3.0), ([1.0, 2.0], 1.5), ([9.0, 1.0, 5.0], 5.0), ([4.0, 1.0, 3.0, 2.0], 2.5)],
)
def test_median(values: list[float], middle: float) -> None:
    assert median(values) == middle


@pytest.mark.parametrize(
    ("n", "k", "coverage"),
    [
        (3, 1, 0.75),  # 1 - 2/8
        (5, 1, 0.9375),  # 1 - 2/32
        (8, 2, 0.9296875),  # 1 - 2 (1 + 8)/256
        (10, 2, 0.978515625),  # 1 - 2 (1 + 10)/1024
        (11, 3, 0.9345703125),  # 1 - 2 (1 + 11 + 55)/2048
    ],
)
def test_coverage_of_the_order_statistics(n: int, k: int, coverage: float) -> None:
    assert coverage_of_rank(n, k) == coverage


@pytest.mark.parametrize(
    ("n", "k"), [(1, None), (4, None), (5, 1), (7, 1), (8, 2), (10, 2), (11, 3), (20, 6)]
)
def test_the_narrowest_interval_that_still_covers_is_taken(n: int, k: int | None) -> None:
    assert rank_for(n) == k


@pytest.mark.parametrize("n", [5, 6, 7])
def test_the_promised_coverage_is_that_of_every_order_of_signs(n: int) -> None:
    """Each value lies below or above the true median with equal chance: count all the ways."""
    k = rank_for(n)
    assert k is not None
    covered = sum(k <= sum(below) <= n - k for below in itertools.product((0, 1), repeat=n))
    assert covered / 2**n == coverage_of_rank(n, k)


def test_the_interval_covers_a_known_median_as_often_as_it_says() -> None:
    rng = random.Random(3)
    hits = 0
    for _ in range(2000):
        interval = median_with_interval([rng.expovariate(1.0) for _ in range(8)])
        assert interval.low is not None
        assert interval.high is not None
        hits += interval.low <= 0.6931471805599453 <= interval.high
    # 0.9297 ± four standard errors of a share over 2000 draws.
    assert 0.907 < hits / 2000 < 0.953


def test_eight_blocks_give_the_second_and_the_seventh_value() -> None:
    interval = median_with_interval([8.0, 1.0, 7.0, 2.0, 6.0, 3.0, 5.0, 4.0])
    assert (interval.estimate, interval.low, interval.high) == (4.5, 2.0, 7.0)
    assert interval.words == "92 % interval of 8 blocks"


def test_too_few_blocks_give_their_range_and_no_promise() -> None:
    interval = median_with_interval([3.0, 1.0, 2.0])
    assert (interval.estimate, interval.low, interval.high) == (2.0, 1.0, 3.0)
    assert interval.coverage is None
    assert interval.words == "range of 3 blocks"


def test_one_block_and_none() -> None:
    assert median_with_interval([2.0]).words == "one block"
    assert median_with_interval([]).words == "not measured"
    assert median_with_interval([]).estimate is None
