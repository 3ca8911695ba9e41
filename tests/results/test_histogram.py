"""The histogram against exact order statistics, and its buckets against their own bounds."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sioprobe.results.histogram import Histogram, bucket_index, bucket_low, bucket_middle

# How long an example takes says nothing on a busy machine; and every run has the same examples.
PROFILE = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DURATIONS = st.floats(min_value=0, max_value=1e12, allow_nan=False)


def of(*durations: float) -> Histogram:
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    return histogram


def exact_percentile(durations: list[float], q: float) -> float:
    """Nearest rank, from the sorted values themselves."""
    ordered = sorted(durations)
    return ordered[max(1, math.ceil(round(q / 100 * len(ordered), 9))) - 1]


@pytest.mark.parametrize(
    ("us", "index", "low"),
    [
        (0, 0, 0),
        (0.9, 0, 0),
        (1, 1, 1),
        (255.99, 255, 255),
        (256, 256, 256),
        (257, 256, 256),
        (258, 257, 258),
        (511, 383, 510),
        (512, 384, 512),
        (515.9, 384, 512),
        (516, 385, 516),
        (1_000_000, 1780, 999_424),
    ],
)
def test_bucket_of_a_duration(us: float, index: int, low: int) -> None:
    assert bucket_index(us) == index
    assert bucket_low(index) == low


def test_buckets_follow_each_other_without_gap_or_overlap() -> None:
    for index in range(6000):
        assert bucket_index(bucket_low(index)) == index
        assert bucket_index(bucket_low(index + 1) - 1) == index


@PROFILE
@given(DURATIONS)
def test_the_middle_of_a_bucket_is_within_one_percent(us: float) -> None:
    middle = bucket_middle(bucket_index(us))
    assert abs(middle - us) <= max(0.5, 0.01 * us)


@PROFILE
@given(DURATIONS)
def test_record_uses_the_bucket_that_bucket_index_names(us: float) -> None:
    assert of(us).to_pairs() == [[bucket_low(bucket_index(us)), 1]]


@pytest.mark.parametrize("q", [0, 1, 50, 90, 99, 99.9, 100])
def test_percentiles_are_within_one_percent_of_the_order_statistics(q: float) -> None:
    rng = random.Random(7)
    durations = [rng.lognormvariate(7.5, 1.1) for _ in range(5000)]
    assert of(*durations).percentile(q) == pytest.approx(exact_percentile(durations, q), rel=0.01)


def test_percentiles_of_few_values_use_the_nearest_rank() -> None:
    histogram = of(10, 20, 30, 40)
    assert [histogram.percentile(q) for q in (25, 26, 50, 75, 76, 100)] == [10.5, 20.5, 20.5, 30.5, 40, 40]


def test_a_percentile_never_exceeds_the_maximum() -> None:
    assert of(1000.25).percentile(99) == 1000.25


def test_an_empty_histogram_has_no_percentile() -> None:
    histogram = Histogram()
    assert histogram.count == 0
    assert histogram.percentile(50) is None
    assert histogram.to_latency().max is None


@PROFILE
@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_merging_counts_like_recording_everything_in_one(left: list[float], right: list[float]) -> None:
    merged = of(*left)
    merged.merge(of(*right))
    both = of(*left, *right)
    assert merged.to_pairs() == both.to_pairs()
    assert merged.count == len(left) + len(right)
    assert merged.max == both.max


@PROFILE
@given(st.lists(DURATIONS))
def test_recording_many_at_once_counts_like_recording_each(durations: list[float]) -> None:
    at_once = Histogram()
    at_once.record_all(durations)
    assert at_once.to_pairs() == of(*durations).to_pairs()
    assert at_once.max == of(*durations).max


@PROFILE
@given(st.lists(DURATIONS, min_size=1))
def test_pairs_round_trip(durations: list[float]) -> None:
    histogram = of(*durations)
    again = Histogram.from_pairs(histogram.to_pairs(), histogram.max)
    assert again.to_latency() == histogram.to_latency()


def test_pairs_without_a_maximum_take_the_middle_of_the_last_bucket() -> None:
    assert Histogram.from_pairs([[512, 3], [10, 1]]).max == 514


@pytest.mark.parametrize("us", [-1, -0.5, math.nan, math.inf])
def test_what_is_not_a_duration_is_refused(us: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Histogram().record(us)
    with pytest.raises((ValueError, OverflowError)):
        Histogram().record_all([1.0, us])
    with pytest.raises(ValueError, match="a duration is"):
        bucket_index(us)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([[513, 1]], "513 is not the lower bound of a bucket .the nearest is 512."),
        ([[512, 0]], "the count of bucket 512 is 0"),
    ],
)
def test_pairs_of_another_histogram_are_refused(pairs: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Histogram.from_pairs(pairs)


@pytest.mark.parametrize("q", [-1, 101])
def test_a_percentile_outside_0_to_100_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        of(1).percentile(q)


@PROFILE
@given(
    st.lists(DURATIONS, min_size=1),
    st.floats(min_value=0, max_value=100),
    st.integers(min_value=1, max_value=5),
)
def test_percentiles_of_several_processes_are_within_one_percent(
    durations: list[float], q: float, processes: int
) -> None:
    # As they come to a master: a histogram of each process, sent as pairs, merged.
    merged = Histogram()
    for process in range(processes):
        part = of(*durations[process::processes])
        merged.merge(Histogram.from_pairs(part.to_pairs(), part.max))

    exact = exact_percentile(durations, q)
    found = merged.percentile(q)

    assert found is not None
    # Below 50 µs half of the bucket's one microsecond is more than a hundredth.
    assert abs(found - exact) <= max(0.5, 0.01 * exact)
    assert merged.count == len(durations)
