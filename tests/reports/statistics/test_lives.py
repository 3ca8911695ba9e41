"""From slices to the change of one life."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from reports.statistics.lives import CPU, P50, log_change, per_message

SIDES = ["base", "head", "base'"]


def life(
    factors: dict[str, float], *, rounds: int = 30, drift: float = 0.0, scale: float = 1.0
) -> dict[str, Any]:
    """Slices of a machine that gets slower, in a random order that is played backwards."""
    chance = random.Random(7)
    slices = []
    for _ in range(rounds):
        order = chance.sample(range(3), 3)
        for number in order + order[::-1]:
            speed = scale * math.exp(drift * len(slices)) * chance.lognormvariate(0, 0.05)
            cpu = 4_000_000 * factors[SIDES[number]] * speed
            slices.append([number, int(cpu), int(cpu * 1.2), cpu / 16_000])
    return {"sides": SIDES, "messages": 16, "slices": slices}


FACTORS = {"base": 1.0, "head": 1.1, "base'": 1.0}


def test_a_change_is_found_in_spite_of_noise() -> None:
    assert log_change(life(FACTORS), "head", "base", CPU) == pytest.approx(math.log(1.1), abs=0.02)
    assert log_change(life(FACTORS), "base'", "base", CPU) == pytest.approx(0, abs=0.02)


def test_a_machine_that_gets_slower_is_as_bad_for_all() -> None:
    slower = life(FACTORS, drift=0.01)

    assert log_change(slower, "head", "base", CPU) == pytest.approx(math.log(1.1), abs=0.02)


def test_the_scale_does_not_matter() -> None:
    once, ten = (log_change(life(FACTORS, scale=scale), "head", "base", CPU) for scale in (1, 10))

    assert ten == pytest.approx(once, abs=1e-6)


def test_swapped_sides_give_the_negative() -> None:
    one = life(FACTORS)

    assert log_change(one, "base", "head", CPU) == pytest.approx(-log_change(one, "head", "base", CPU))


def test_one_garbage_collection_does_not_count() -> None:
    calm, disturbed = life(FACTORS), life(FACTORS)
    disturbed["slices"][1][CPU] *= 100

    assert log_change(disturbed, "head", "base", CPU) == pytest.approx(
        log_change(calm, "head", "base", CPU), abs=0.01
    )


def test_a_life_whose_clock_never_moved_says_nothing() -> None:
    still = life(FACTORS)
    still["slices"] = [[number, 0, wall, p50] for number, _, wall, p50 in still["slices"]]

    with pytest.raises(ValueError, match="no turns of head and base"):
        log_change(still, "head", "base", CPU)


def test_a_message_costs_its_share_of_the_middle_slice() -> None:
    one = {
        "sides": ["base"],
        "messages": 16,
        "slices": [[0, 16_000, 0, 300.0], [0, 32_000, 0, 500.0], [0, 48_000, 0, 900.0]],
    }

    assert per_message(one, "base", CPU) == 2.0
    assert per_message(one, "base", P50) == 500.0
