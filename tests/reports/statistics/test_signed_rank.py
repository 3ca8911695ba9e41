"""The exact signed-rank interval and test, against scipy and by simulation."""

from __future__ import annotations

import math
import random

import pytest
from scipy.stats import wilcoxon

from reports.statistics.signed_rank import (
    fewest_for,
    hodges_lehmann,
    holm,
    lower_bound,
    p_above,
    standard_deviation,
    upper_bound,
)

ALPHA = 0.0157


def drawn(seed: int, count: int, change: float = 0.0) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(change, 0.05) for _ in range(count)]


@pytest.mark.parametrize("count", [6, 9, 12, 16, 20, 26])
def test_p_is_that_of_scipy(count: int) -> None:
    for seed in range(20):
        values = drawn(seed, count, 0.02)
        wanted = wilcoxon([value - 0.01 for value in values], alternative="greater", method="exact").pvalue

        assert p_above(values, 0.01) == pytest.approx(float(wanted), abs=1e-12)


@pytest.mark.parametrize("count", [6, 9, 12, 16, 20, 26])
def test_the_lower_bound_is_where_scipy_stops_rejecting(count: int) -> None:
    for seed in range(10):
        values = drawn(seed, count)
        bound = lower_bound(values, ALPHA)

        def p(change: float, values: list[float] = values) -> float:
            moved = [value - change for value in values]
            return float(wilcoxon(moved, alternative="greater", method="exact").pvalue)

        assert p(bound - 1e-9) <= ALPHA < p(bound + 1e-9)


def test_six_values_are_the_fewest_with_a_bound() -> None:
    assert fewest_for(ALPHA) == 6
    assert lower_bound(drawn(1, 5), ALPHA) == -math.inf
    assert lower_bound(drawn(1, 6), ALPHA) == min(drawn(1, 6))


@pytest.mark.parametrize("count", [6, 12, 26])
def test_a_bound_errs_no_more_often_than_it_says(count: int) -> None:
    gates = 1500
    missed = sum(lower_bound(drawn(seed, count), ALPHA) > 0 for seed in range(gates))

    # Three standard errors of a share.
    assert missed / gates <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / gates)
    assert missed > 0


def test_swapped_sides_give_the_negative() -> None:
    values = drawn(3, 12, 0.03)
    swapped = [-value for value in values]

    assert hodges_lehmann(swapped) == pytest.approx(-hodges_lehmann(values))
    assert upper_bound(swapped, ALPHA) == pytest.approx(-lower_bound(values, ALPHA))


def test_one_wild_value_hardly_moves_the_estimate() -> None:
    values = drawn(4, 15)

    assert hodges_lehmann([*values, 50.0]) == pytest.approx(hodges_lehmann(values), abs=0.02)


def test_no_values_have_no_estimate() -> None:
    with pytest.raises(ValueError, match="no values"):
        hodges_lehmann([])


@pytest.mark.parametrize(
    ("p_values", "holds"),
    [
        ([0.01], [True]),
        ([0.02], [False]),
        ([0.003, 0.005, 0.012], [True, True, True]),
        ([0.012, 0.003, 0.009], [False, True, False]),
        # The second fails, and so does every larger one.
        ([0.004, 0.009, 0.0156], [True, False, False]),
    ],
)
def test_holm_asks_the_smallest_p_the_most(p_values: list[float], holds: list[bool]) -> None:
    assert holm(p_values, ALPHA) == holds


def test_standard_deviation_is_that_of_a_sample() -> None:
    assert standard_deviation([1.0, 3.0]) == pytest.approx(math.sqrt(2))
    assert standard_deviation([1.0]) == 0.0
