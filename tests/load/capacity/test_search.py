"""The search for the highest rate, against servers that are one line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from load.capacity.search import CONFIRMATIONS, RESOLUTION, Capacity, Probe, search


def outcome(rate: float, phase: str, blame: str) -> Probe:
    return Probe(
        rate=rate,
        achieved=rate,
        p50_us=1000.0,
        p99_us=2000.0,
        reach=None,
        errors=0,
        messages_per_second=2 * rate,
        server_cpu_share=0.95,
        generator_cpu_share=0.2,
        verdict="VALID",
        reasons=(),
        blame=blame,
        why="",
        phase=phase,
    )


def run(blame: Callable[[float], str], start: float = 100.0, probes: int = 200) -> Capacity:
    """Search where `blame` says who fails at a rate, with time for so many probes."""
    left = iter(range(probes))
    return search(
        lambda rate, phase: outcome(rate, phase, blame(rate)),
        start,
        time_left=lambda: next(left, None) is not None,
    )


@pytest.mark.parametrize("limit", [3.0, 40.0, 100.0, 101.0, 4321.0, 90_000.0])
def test_the_knee_is_within_the_resolution_of_the_limit_and_confirmed(limit: float) -> None:
    found = run(lambda rate: "server" if rate > limit else "")

    assert found.knee is not None
    assert limit / RESOLUTION <= found.knee.rate <= limit
    assert (found.confirmed, found.limit) == (CONFIRMATIONS, "server")
    assert [probe.phase for probe in found.probes[-CONFIRMATIONS:]] == ["confirming"] * CONFIRMATIONS
    assert {probe.rate for probe in found.probes[-CONFIRMATIONS:]} == {found.knee.rate}


def test_a_generator_at_its_limit_is_named_and_its_rate_is_a_least() -> None:
    found = run(lambda rate: "generator" if rate > 700 else "")

    assert found.knee is not None
    assert found.limit == "generator"
    assert 700 / RESOLUTION <= found.knee.rate <= 700


def test_a_server_that_meets_nothing_is_asked_for_less_and_less() -> None:
    found = run(lambda rate: "server")

    assert (found.knee, found.confirmed, found.limit) == (None, 0, "nothing")
    assert found.probes[-1].rate < 2.0


def test_one_unlucky_probe_does_not_end_the_doubling() -> None:
    numbers = count()
    found = run(lambda rate: "server" if rate > 1000 or next(numbers) == 2 else "")

    assert found.knee is not None
    assert found.knee.rate > 900


def test_what_cannot_be_confirmed_is_not_the_knee() -> None:
    """Lucky once at 800 and never again: what holds is 400."""
    lucky = iter(["", "server"])
    found = run(lambda rate: next(lucky, "server") if rate == 800 else "server" if rate > 400 else "")

    assert found.knee is not None
    assert found.knee.rate <= 400
    assert found.confirmed == CONFIRMATIONS


def test_the_budget_ends_a_search_with_what_it_knows() -> None:
    found = run(lambda rate: "server" if rate > 4321 else "", probes=4)

    assert len(found.probes) == 4
    assert found.limit == "budget"
    assert found.knee is not None
    assert (found.knee.rate, found.confirmed) == (800.0, 0)


def test_no_rate_is_tried_without_end() -> None:
    found = run(lambda rate: "")

    assert found.limit == "ceiling"
    assert found.confirmed == CONFIRMATIONS
