"""What a scenario observed besides counts and latencies: a few sentences, and their figures.

Each process keeps its part as plain values (`Scenario.state`), which travel to the master. There
`Scenario.found` makes the observations of the whole run from all parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sioprobe.results.histogram import Histogram

__all__ = ["Observations", "add_counts", "count_of", "duration", "pack", "spread", "summed", "told", "unpack"]


@dataclass(slots=True)
class Observations:
    """`words` are lines for a person, `figures` plain values for a program. Durations are in µs."""

    words: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The value of `found` in a result."""
        return {"words": list(self.words), **self.figures}


def duration(us: float | None) -> str:
    """A duration with three digits and its unit; a dash for None."""
    if us is None:
        return "-"
    if us < 1000:
        return f"{us:.0f} µs"
    if us < 1e6:
        return f"{us / 1e3:.3g} ms" if us < 999.5e3 else "1 s"
    return f"{us / 1e6:.3g} s" if us < 999.5e6 else f"{us / 1e6:.0f} s"


def count_of(number: int, singular: str, plural: str = "") -> str:
    """`1 life`, `1,204 lives`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def told(counts: Mapping[str, int]) -> str:
    """Counts by kind as text, the most frequent first: `connection refused 3, http 400 1`."""
    return ", ".join(
        f"{kind} {count:,}" for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def add_counts(into: dict[str, int], more: Mapping[str, int]) -> None:
    """Add the counts of `more` to `into`."""
    for kind, count in more.items():
        into[kind] = into.get(kind, 0) + count


def summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of several counts by kind."""
    total: dict[str, int] = {}
    for part in parts:
        add_counts(total, part)
    return total


def pack(histogram: Histogram) -> dict[str, Any]:
    """A histogram as plain values."""
    return {"pairs": histogram.to_pairs(), "max": histogram.max}


def unpack(packed: Iterable[Mapping[str, Any]]) -> Histogram:
    """Merge histograms that `pack` wrote."""
    merged = Histogram()
    for each in packed:
        merged.merge(Histogram.from_pairs(each["pairs"], each["max"] if each["pairs"] else None))
    return merged


def spread(histogram: Histogram) -> dict[str, Any]:
    """Count, p50, p90, p99 and maximum of a histogram, in µs; None instead of times if it is empty."""
    if not histogram.count:
        return {"count": 0, "p50": None, "p90": None, "p99": None, "max": None}
    quantiles = {f"p{q}": histogram.percentile(q) for q in (50, 90, 99)}
    return {"count": histogram.count, **quantiles, "max": histogram.max}
