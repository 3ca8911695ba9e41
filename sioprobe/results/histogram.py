"""A log-linear histogram of durations in microseconds.

Below 256 µs each bucket is 1 µs wide. Above, each power of two is cut into 128 buckets.
So a bucket is at most 1/128 of its lower bound wide. A percentile is the middle of its bucket: it lies within
0.4 % of the recorded value, or within half a microsecond if that is more.
Only used buckets are kept, so merging and storing cost little.

Left out: where durations come from, and means, because a mean of latencies hides the slow ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sioprobe.results.loads import Latency

SUB_BUCKET_BITS = 7
"""log2 of the number of buckets in each power of two."""

_SUB_BUCKETS = 1 << SUB_BUCKET_BITS
_LINEAR_BELOW = 2 * _SUB_BUCKETS
_MANTISSA_BITS = SUB_BUCKET_BITS + 1


def bucket_index(us: float) -> int:
    """The index of the bucket that holds `us`; ValueError for a negative or non-finite duration."""
    if not 0 <= us < math.inf:
        raise ValueError(f"a duration is a finite number from 0, not {us!r}")
    whole = int(us)
    if whole < _LINEAR_BELOW:
        return whole
    shift = whole.bit_length() - _MANTISSA_BITS
    return (shift << SUB_BUCKET_BITS) + (whole >> shift)


def bucket_low(index: int) -> int:
    """The smallest duration, in whole µs, that belongs to bucket `index`."""
    if index < _LINEAR_BELOW:
        return index
    shift = (index >> SUB_BUCKET_BITS) - 1
    return (index - (shift << SUB_BUCKET_BITS)) << shift


def bucket_middle(index: int) -> float:
    """The middle of bucket `index` in µs, which stands for every duration in it."""
    return (bucket_low(index) + bucket_low(index + 1)) / 2


class Histogram:
    """Counts of durations. Not thread-safe: one recorder each, merged afterwards."""

    __slots__ = ("_counts", "_max")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._max: float = 0.0

    def record(self, us: float) -> None:
        """Count one duration in µs; ValueError for a negative one.

        The load generator calls this for each message, so `bucket_index` is written out here.
        """
        whole = int(us)
        if whole < _LINEAR_BELOW:
            if us < 0:
                raise ValueError(f"a duration is a finite number from 0, not {us!r}")
            index = whole
        else:
            shift = whole.bit_length() - _MANTISSA_BITS
            index = (shift << SUB_BUCKET_BITS) + (whole >> shift)
        try:
            self._counts[index] += 1
        except KeyError:
            self._counts[index] = 1
        if us > self._max:
            self._max = us

    def record_all(self, durations_us: Iterable[float]) -> None:
        """Count many durations in µs, as `record` does each, with less work for each."""
        counts = self._counts
        for us in durations_us:
            index = int(us)
            if index >= _LINEAR_BELOW:
                shift = index.bit_length() - _MANTISSA_BITS
                index = (shift << SUB_BUCKET_BITS) + (index >> shift)
            elif us < 0:
                raise ValueError(f"a duration is a finite number from 0, not {us!r}")
            try:
                counts[index] += 1
            except KeyError:
                counts[index] = 1
            if us > self._max:
                self._max = us

    def merge(self, other: Histogram) -> None:
        """Add every count of `other` to this one."""
        counts = self._counts
        for index, count in other._counts.items():
            counts[index] = counts.get(index, 0) + count
        self._max = max(self._max, other._max)

    @property
    def count(self) -> int:
        """How many durations were recorded."""
        return sum(self._counts.values())

    @property
    def max(self) -> float:
        """The longest duration in µs, exact. After `from_pairs` without one: the middle of its bucket."""
        return self._max

    def percentile(self, q: float) -> float | None:
        """The duration in µs that `q` percent (0 to 100) of all do not exceed; None if there are none.

        Nearest rank: the smallest bucket whose cumulated count reaches q/100 of all. 100 answers `max`.
        """
        if not 0 <= q <= 100:
            raise ValueError(f"a percentile lies between 0 and 100, not {q!r}")
        total = self.count
        if total == 0:
            return None
        if q == 100:
            return self._max
        # Rounded first: 99.9 / 100 * 1000 is 999.0000000000001 in binary, and the rank of that is 999.
        rank = max(1, math.ceil(round(q / 100 * total, 9)))
        seen = 0
        for index in sorted(self._counts):
            seen += self._counts[index]
            if seen >= rank:
                return min(bucket_middle(index), self._max)
        raise AssertionError("unreachable: the counts add up to the total")

    def to_pairs(self) -> list[list[int]]:
        """`[[lower bound of the bucket in µs, count], …]`, ascending, used buckets only."""
        return [[bucket_low(index), self._counts[index]] for index in sorted(self._counts)]

    @classmethod
    def from_pairs(cls, pairs: Iterable[Sequence[int]], maximum: float | None = None) -> Histogram:
        """The histogram that `to_pairs` wrote; ValueError when a pair is not one of its buckets."""
        histogram = cls()
        last = None
        for low, count in pairs:
            index = bucket_index(low)
            if bucket_low(index) != low:
                raise ValueError(
                    f"{low} is not the lower bound of a bucket (the nearest is {bucket_low(index)})"
                )
            if count < 1:
                raise ValueError(f"the count of bucket {low} is {count}, not a number from 1")
            histogram._counts[index] = histogram._counts.get(index, 0) + count
            last = index if last is None else max(last, index)
        if maximum is not None:
            histogram._max = maximum
        elif last is not None:
            histogram._max = bucket_middle(last)
        return histogram

    def to_latency(self) -> Latency:
        """The percentiles that results hold, and all counts."""
        return Latency(
            count=self.count,
            p50=self.percentile(50),
            p90=self.percentile(90),
            p99=self.percentile(99),
            max=self._max if self._counts else None,
            histogram=self.to_pairs(),
        )

    @classmethod
    def from_latency(cls, latency: Latency) -> Histogram:
        """The histogram that `to_latency` wrote; ValueError when a pair is not one of its buckets."""
        return cls.from_pairs(latency.histogram, latency.max)
