"""Conditions on a run's figures, and the exit codes that they make."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from load.running.fail_if import Condition, ConditionError, Figures
from load.running.outcome import exit_code, thresholds_of
from tests.load.results import block, run_result

LEDGER = {"reach": 0.995, "lost": 1, "duplicated": 0, "reordered": 2}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p99>98ms", True),
        ("p99>100ms", False),
        ("p50 < 51 ms", True),
        ("p99.9>=0.0995s", True),
        ("p75>76000us", False),
        ("max<=100ms", True),
        ("mean>50ms", True),
        ("errors>0", False),
        ("errors>0.1%", False),
        ("unsent>0", False),
        ("rate<11/s", True),
        ("rate<9.5", False),
        ("reach<100%", True),
        ("lost>0", True),
        ("duplicated>0", False),
        ("reordered>=2", True),
    ],
)
def test_a_condition_is_compared_in_its_unit(text: str, holds: bool) -> None:
    assert Condition.parse(text).holds(Figures.of_run(run_result(ledger=LEDGER))) is holds


@pytest.mark.parametrize(
    ("text", "holds", "shown"),
    [
        ("memory_per_life>50KB", True, "55.3 KB"),
        ("memory_per_life>54KiB", False, "55.3 KB"),
        ("memory_per_life>0.06MB", False, "55.3 KB"),
        ("memory_per_life>50000B", True, "55.3 KB"),
    ],
)
def test_memory_for_each_life_is_compared_in_bytes(text: str, holds: bool, shown: str) -> None:
    found = {"leak": {"rss_bytes_per_life": 54.0 * 1024}}
    condition = Condition.parse(text)

    for figures in (Figures.of_run(run_result(found=found)), Figures.of_block(block(found=found))):
        assert condition.holds(figures) is holds
        assert condition.show(condition.measured(figures)) == shown


@pytest.mark.parametrize("found", [None, {"lives": 3}, {"leak": {"rss_bytes_per_life": None}}])
def test_memory_of_too_few_lives_is_not_measured(found: dict[str, Any] | None) -> None:
    assert Condition.parse("memory_per_life>1B").holds(Figures.of_run(run_result(found=found))) is None


def test_a_scenario_that_never_has_a_figure_is_named() -> None:
    condition = Condition.parse("memory_per_life>10KB")

    assert condition.problem_with("churn") is None
    assert condition.problem_with("ack") == (
        "'memory_per_life>10KB': scenario ack does not measure it (churn does)"
    )
    assert Condition.parse("p99>1ms").problem_with("ack") is None


def test_a_share_is_of_what_was_intended() -> None:
    figures = Figures.of_run(run_result(errors={"timeout": 25}))

    assert Condition.parse("errors>19.9%").holds(figures) is True
    assert Condition.parse("errors>20.1%").holds(figures) is False


@pytest.mark.parametrize("text", ["reach<100%", "lost>0", "p99>1ms", "max>1ms", "mean>1ms"])
def test_what_was_not_measured_is_neither_true_nor_false(text: str) -> None:
    nothing = run_result(operations=0, series=[])

    assert Condition.parse(text).holds(Figures.of_run(nothing)) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("p99", "'p99' is no condition such as 'p99>50ms' or 'errors>0'"),
        ("p99=50ms", "'p99=50ms': '=' is none of <=, >=, <, >"),
        ("p99>50", "'p99>50': p99 has the unit 'us', 'ms', 's', not none"),
        ("p99>50%", "'p99>50%': p99 has the unit 'us', 'ms', 's', not '%'"),
        ("reach<1", "'reach<1': reach has the unit '%', not none"),
        ("errors>1e999", "'errors>1e999': '1e999' is not a number with its unit"),
        ("errors>x", "'errors>x': 'x' is not a number with its unit"),
        (
            "memory_per_life>10",
            "'memory_per_life>10': memory_per_life has the unit 'B', 'KB', 'MB', 'KiB', 'MiB', not none",
        ),
        (
            "raech<1%",
            "'raech<1%': unknown figure 'raech' (the nearest is 'reach'; valid are p50, p90, p99, p99.9, max,"
            " mean, reach, lost, duplicated, reordered, late, errors, unsent, rate, memory_per_life)",
        ),
    ],
)
def test_a_wrong_condition_is_named_with_what_is_valid(text: str, complaint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition.parse(text)

    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("thresholds", "changes", "code"),
    [
        ([], {}, 0),
        ([], {"errors": {"timeout": 1}}, 1),
        ([], {"validity": {"verdict": "SUSPECT", "reasons": ["late"]}}, 0),
        ([], {"validity": {"verdict": "INVALID", "reasons": ["late"]}}, 3),
        (["p99>200ms"], {}, 0),
        (["p99>50ms"], {}, 3),
        (["p99>200ms", "rate<1"], {}, 0),
        # A gate that cannot be asked does not open.
        (["reach<100%"], {}, 3),
        # Who says how many errors are too many has said that fewer are not.
        (["errors>5%"], {"errors": {"timeout": 1}}, 0),
        (["errors>0.5%"], {"errors": {"timeout": 1}}, 1),
        (["errors>5%", "p99>50ms"], {"errors": {"timeout": 1}}, 3),
    ],
)
def test_the_exit_code_says_failures_thresholds_and_the_verdict(
    thresholds: list[str], changes: dict[str, Any], code: int
) -> None:
    run = run_result(**changes)

    assert exit_code(replace(run, thresholds=thresholds_of(run, thresholds))) == code
