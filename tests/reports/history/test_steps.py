"""Where a level changed: found where it did, hardly ever where it did not."""

from __future__ import annotations

import math
import random

import pytest

from reports.history.steps import FEWEST, cuts_of


def series(seed: int, count: int, *steps: tuple[int, float], noise: float = 0.05) -> list[float]:
    """`count` values around 100; from each place on they are multiplied by the factor beside it."""
    chance = random.Random(seed)
    values = []
    for place in range(count):
        level = math.prod(factor for at, factor in steps if place >= at)
        values.append(100 * level * math.exp(chance.gauss(0, noise)))
    return values


def test_a_step_of_ten_percent_in_noise_of_five_is_found() -> None:
    found = [cuts_of(series(seed, 60, (30, 1.1))) for seed in range(60)]
    assert all(found)
    assert sum(len(cuts) == 1 and abs(cuts[0] - 30) <= 3 for cuts in found) >= 54


@pytest.mark.parametrize("count", [30, 60, 150])
def test_noise_alone_has_a_step_in_about_two_series_of_a_hundred(count: int) -> None:
    found = [bool(cuts_of(series(seed, count))) for seed in range(100)]
    assert sum(found) <= 4


def test_there_and_back_again_is_two_steps() -> None:
    found = [cuts_of(series(seed, 60, (20, 1.15), (35, 1 / 1.15))) for seed in range(40)]
    assert sum(len(cuts) == 2 and abs(cuts[0] - 20) <= 3 and abs(cuts[1] - 35) <= 3 for cuts in found) >= 36


def test_a_step_is_seen_soon_after_it() -> None:
    found = [cuts_of(series(seed, 60, (52, 1.2))) for seed in range(40)]
    assert sum(bool(cuts) for cuts in found) >= 36


def test_neither_the_unit_nor_a_wild_point_matters() -> None:
    values = series(1, 60, (30, 1.15))
    cuts = cuts_of(values)
    assert len(cuts) == 1
    assert cuts_of([value * 1e-6 for value in values]) == cuts
    values[10] = values[40] = 1e9
    assert cuts_of(values) == cuts


def test_a_step_too_small_to_matter_is_not_marked() -> None:
    assert cuts_of(series(1, 60, (30, 1.02), noise=0.001)) == []
    assert cuts_of(series(1, 60, (30, 1.05), noise=0.001)) == [30]


def test_short_and_flat_series_have_no_steps() -> None:
    assert cuts_of(series(1, FEWEST - 1, (15, 2.0), noise=0.01)) == []
    assert cuts_of(series(1, FEWEST, (15, 2.0), noise=0.01)) == [15]
    assert cuts_of([5.0] * 60) == []
