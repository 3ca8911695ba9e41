"""The verdict on the generator."""

from __future__ import annotations

from typing import Any

import pytest

from sioprobe.swarm import judge

GOOD: dict[str, Any] = {
    "operations": 1000,
    "errors": 0,
    "max_cpu_share": 0.3,
    "hub_lag_us": (500.0, 2000.0),
    "latency_p50_us": 5000.0,
}


def test_a_good_run_is_valid() -> None:
    assert judge(**GOOD).to_json() == {"verdict": "VALID", "reasons": []}


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"max_cpu_share": 0.95}, "INVALID", "95%"),
        ({"hub_lag_us": (500.0, 12_000.0)}, "SUSPECT", "hub lag p99 12.0 ms"),
        ({"hub_lag_us": (6000.0, 12_000.0)}, "INVALID", "hub lag p50 6.0 ms"),
        ({"operations": 0}, "INVALID", "no operation"),
        ({"errors": 1}, "SUSPECT", "1 error"),
        ({"errors": 100}, "INVALID", "100 errors"),
        ({"ledger_clean": False}, "SUSPECT", "lost, duplicated, reordered or late"),
        ({"operations": None, "latency_p50_us": None, "errors": 3}, "SUSPECT", "3 errors"),
    ],
)
def test_each_reason_lowers_the_verdict_and_is_named(
    change: dict[str, Any], verdict: str, reason: str
) -> None:
    validity = judge(**{**GOOD, **change})

    assert validity.verdict == verdict
    assert len(validity.reasons) == 1
    assert reason in validity.reasons[0]


def test_the_worst_of_several_reasons_counts() -> None:
    validity = judge(**{**GOOD, "max_cpu_share": 1.0, "errors": 1})

    assert validity.verdict == "INVALID"
    assert len(validity.reasons) == 2
