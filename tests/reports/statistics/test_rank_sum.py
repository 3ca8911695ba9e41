"""The shift of two independent samples and its exact interval, against scipy and by simulation."""

from __future__ import annotations

import math
import random

import pytest
from scipy.stats import mannwhitneyu

from reports.statistics.rank_sum import relative_change, shift

WANTED = 0.95


def drawn(seed: int, count: int, centre: float = 0.0) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(centre, 1.0) for _ in range(count)]


@pytest.mark.parametrize(("m", "n"), [(4, 4), (5, 6), (6, 10), (20, 9), (40, 40)])
def test_the_interval_ends_where_scipy_stops_rejecting(m: int, n: int) -> None:
    for seed in range(8):
        old, new = drawn(seed, m), drawn(100 + seed, n, 0.7)
        found = shift(old, new, WANTED)
        assert found.low is not None
        assert found.high is not None

        def p(by: float, old: list[float] = old, new: list[float] = new) -> float:
            moved = [value - by for value in new]
            return float(mannwhitneyu(moved, old, alternative="two-sided", method="exact").pvalue)

        for inside, outside in ((1e-9, -1e-9), (-1e-9, 1e-9)):
            end = found.low if inside > 0 else found.high
            assert p(end + outside) <= 1 - WANTED < p(end + inside)
            assert p(end + outside) == pytest.approx(1 - (found.coverage or 0), abs=1e-9)


@pytest.mark.parametrize("count", [5, 8])
def test_the_interval_misses_the_truth_no_more_often_than_it_says(count: int) -> None:
    pairs = 1500
    missed = 0
    for seed in range(pairs):
        found = shift(drawn(seed, count), drawn(9999 + seed, count, 3.0), WANTED)
        assert found.low is not None
        assert found.high is not None
        missed += not found.low <= 3.0 <= found.high
    # Three standard deviations above the share that is allowed.
    assert missed / pairs <= (1 - WANTED) + 3 * math.sqrt(WANTED * (1 - WANTED) / pairs)
    assert missed / pairs >= (1 - WANTED) / 4


def test_too_few_values_have_an_estimate_and_no_interval() -> None:
    found = shift([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], WANTED)
    assert (found.estimate, found.low, found.high, found.coverage) == (3.0, None, None, None)
    assert shift(drawn(1, 4), drawn(2, 4), WANTED).coverage == pytest.approx(1 - 2 / 70)
    with pytest.raises(ValueError, match="no values"):
        shift([], [1.0], WANTED)


def test_a_relative_change_does_not_depend_on_the_unit_and_turns_round_with_the_sides() -> None:
    old, new = [math.exp(v) for v in drawn(1, 7)], [math.exp(v) for v in drawn(2, 6, 0.5)]
    found = relative_change(old, new, WANTED)
    scaled = relative_change([1000 * v for v in old], [1000 * v for v in new], WANTED)
    turned = relative_change(new, old, WANTED)
    assert found is not None
    assert scaled is not None
    assert turned is not None
    assert scaled.estimate == pytest.approx(found.estimate)
    assert (1 + turned.estimate) * (1 + found.estimate) == pytest.approx(1)
    assert (1 + (turned.low or 0)) * (1 + (found.high or 0)) == pytest.approx(1)


def test_what_has_no_logarithm_has_no_relative_change() -> None:
    assert relative_change([1.0, 0.0], [1.0], WANTED) is None
    assert relative_change([], [1.0], WANTED) is None
