"""The rule: which lives are a regression, which are none, and which say nothing."""

from __future__ import annotations

import math

import pytest

from reports.gate.rule import Decision, Measured, Thresholds, change_of, decide, lives_for, smallest_visible
from reports.gate.simulation import simulate

LIMITS = Thresholds()
SPREAD = [-0.012, -0.008, -0.003, 0.002, 0.007, 0.014]


def around(change: float, spread: list[float] = SPREAD) -> list[float]:
    return [math.log1p(change) + value for value in spread]


STILL = around(0)


def decision(
    cpu: list[float],
    again: list[float] = STILL,
    p50: list[float] = STILL,
    p50_again: list[float] = STILL,
    *,
    realtime: bool = True,
) -> Decision:
    (one,), _ = decide([Measured(cpu, again, p50, p50_again)], [], LIMITS, realtime=realtime)
    return one


@pytest.mark.parametrize(
    ("change", "verdict", "improved"),
    [
        (0.0, "PASS", False),
        (0.10, "REGRESSION", False),
        (0.05, "REGRESSION", False),
        (0.025, "PASS", False),
        (-0.05, "PASS", True),
    ],
)
def test_six_quiet_lives_decide(change: float, verdict: str, improved: bool) -> None:
    found = decision(around(change))

    assert (found.verdict, found.improved) == (verdict, improved)


def test_five_lives_decide_nothing() -> None:
    assert decision(around(0.5)[:5], STILL[:5]).verdict == "INCONCLUSIVE"
    assert decision(around(0.5)[:5], STILL[:5]).why == "5 lives, and 6 are needed"


def test_noise_is_inconclusive_and_says_what_may_be() -> None:
    noisy = around(0.0, [value * 6 for value in SPREAD])

    found = decision(noisy)

    assert found.verdict == "INCONCLUSIVE"
    assert "it may be +8.8 %" in found.why


def test_nothing_is_believed_when_the_base_differs_from_itself() -> None:
    found = decision(around(0.10), again=around(0.06))

    assert found.verdict == "INCONCLUSIVE"
    assert "base against itself shows a change" in found.why


def test_nothing_is_believed_when_the_base_varies_too_much() -> None:
    found = decision(around(0.10), again=around(0, [value * 12 for value in SPREAD]))

    assert found.verdict == "INCONCLUSIVE"
    assert "base against itself varies" in found.why


@pytest.mark.parametrize(
    ("p50", "realtime", "verdict"),
    [(0.15, True, "REGRESSION"), (0.15, False, "PASS"), (0.35, False, "REGRESSION"), (0.07, True, "PASS")],
)
def test_p50_condemns_alone_with_wider_limits_without_realtime(
    p50: float, realtime: bool, verdict: str
) -> None:
    assert decision(STILL, p50=around(p50), realtime=realtime).verdict == verdict


def test_p50_does_not_condemn_where_the_base_s_own_does() -> None:
    assert decision(STILL, p50=around(0.4), p50_again=around(0.4)).verdict == "PASS"


def test_one_of_four_cells_needs_more_lives_than_a_single_one() -> None:
    still, worse = (Measured(cpu, STILL, STILL, STILL) for cpu in (STILL, around(0.10)))
    mean = [sum(values) / 4 for values in zip(worse.cpu, *[still.cpu] * 3, strict=True)]

    decisions, suite = decide([worse, still, still, still], mean, LIMITS, realtime=True)

    # Six lives cannot be sure at a quarter of alpha.
    assert [one.verdict for one in decisions] == ["INCONCLUSIVE", "PASS", "PASS", "PASS"]
    assert not suite


def test_a_change_in_all_cells_is_seen_in_their_mean() -> None:
    worse = Measured(around(0.06), STILL, STILL, STILL)

    _, suite = decide([worse] * 4, worse.cpu, LIMITS, realtime=True)

    assert suite


def test_a_tolerance_moves_the_other_limits_with_it() -> None:
    wide = LIMITS.with_tolerance(0.10)

    assert (wide.tolerance, wide.smallest, wide.floor) == pytest.approx((0.10, 0.06, 0.02))
    (one,), _ = decide([Measured(around(0.05), STILL, STILL, STILL)], [], wide, realtime=True)
    assert one.verdict == "PASS"


def test_the_smallest_visible_change_shrinks_with_lives_and_not_below_the_limit() -> None:
    few, many = smallest_visible(0.03, 6, LIMITS), smallest_visible(0.03, 26, LIMITS)

    assert few is not None
    assert many is not None
    assert few > many > LIMITS.smallest
    assert smallest_visible(0.03, 5, LIMITS) is None
    assert smallest_visible(0.0, 6, LIMITS) == pytest.approx(LIMITS.smallest)


def test_the_lives_that_are_asked_for_see_the_tolerance() -> None:
    wanted = lives_for(0.05, LIMITS)

    at, below = smallest_visible(0.05, wanted, LIMITS), smallest_visible(0.05, wanted - 1, LIMITS)
    assert at is not None
    assert below is not None
    assert at <= LIMITS.tolerance < below


def test_a_change_of_few_lives_has_no_interval() -> None:
    change = change_of(around(0.05)[:3], LIMITS)

    assert change is not None
    assert change["low"] is None
    assert change["smallest_visible"] is None
    assert change_of([], LIMITS) is None


def test_the_simulated_rule_keeps_its_promises() -> None:
    equal, slower, much_slower = (simulate(0.03, change, LIMITS, gates=300) for change in (0.0, 0.05, 0.10))

    assert equal.regression <= 0.02
    assert equal.passed >= 0.95
    assert slower.regression >= 0.9
    assert much_slower.passed == 0
