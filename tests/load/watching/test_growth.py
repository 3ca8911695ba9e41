"""Growth life after life: of windows, with an interval, and without the warm-up."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from load.watching.growth import Growth, growth_of

KIB = 1024


def looks(size: Callable[[int], float], *, lives: int = 1200, every: int = 50) -> list[tuple[int, float]]:
    """A look after each of so many lives."""
    return [(ended, size(ended)) for ended in range(0, lives + 1, every)]


def growth(found: list[tuple[int, float]]) -> Growth:
    made = growth_of(found)
    assert made is not None
    return made


def test_what_each_life_leaves_is_the_growth() -> None:
    found = growth(looks(lambda lives: 60e6 + 54 * KIB * lives))

    assert (found.per_life, found.low, found.high) == (54 * KIB, 54 * KIB, 54 * KIB)
    assert (found.windows, found.lives, found.slowing) == (8, 800, False)
    assert found.coverage == pytest.approx(1 - 2 * 9 / 256)


def test_the_warm_up_is_left_out() -> None:
    found = growth(looks(lambda lives: 60e6 + 20_000 * min(lives, 400)))

    assert (found.per_life, found.low, found.high) == (0, 0, 0)


def test_one_step_of_the_allocator_is_no_growth_of_each_life() -> None:
    found = growth(looks(lambda lives: 60e6 + (16 * 2**20 if lives > 700 else 0)))

    assert (found.per_life, found.low, found.high) == (0, 0, 0)


def test_the_interval_tells_how_different_the_windows_are() -> None:
    sizes = dict(looks(lambda lives: 10 * KIB * lives))
    for lives, more in ((500, 100 * KIB), (700, 50 * KIB), (900, -60 * KIB), (1100, 80 * KIB)):
        sizes[lives] += more
    found = growth(list(sizes.items()))

    assert found.low < 10 * KIB < found.high
    assert found.low <= found.per_life <= found.high


def test_growth_that_slows_down_is_told_apart() -> None:
    assert growth(looks(lambda lives: 1e6 * math.log(lives + 1))).slowing
    assert not growth(looks(lambda lives: 1e3 * lives)).slowing
    assert not growth(looks(lambda lives: 60e6)).slowing


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_too_few_looks_tell_nothing(count: int) -> None:
    assert growth_of(looks(lambda lives: 1000.0 * lives)[:count]) is None


def test_two_looks_close_together_make_no_window_of_their_own() -> None:
    """A look that came late is followed at once by the next, and the memory of one life is an accident."""
    sizes = [(lives, 1e3 * lives) for lives in range(300, 901, 100)]
    found = growth(sorted([*sizes, (402, 1e3 * 400), (598, 1e3 * 600)]))

    assert (found.windows, found.lives) == (6, 600)
    assert (found.per_life, found.low, found.high) == (1e3, 1e3, 1e3)


def test_looks_between_which_no_life_ended_make_no_window() -> None:
    standing = [(100, 1e6 + look) for look in range(100)]

    assert growth_of(standing) is None
    assert growth(looks(lambda lives: 5.0 * lives) + [(1200, 9e9)] * 50).per_life == 5


def test_fewer_windows_have_their_whole_range_as_interval() -> None:
    found = growth([(lives, 1e3 * lives) for lives in range(30, 90, 10)])

    assert found.windows == 5
    assert found.coverage == pytest.approx(1 - 2 / 32)
