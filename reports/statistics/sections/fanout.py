"""Fan-out: one row for each size of the room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.kind import (
    Kind,
    block_of,
    by_transport,
    notes_of,
    per_second,
    percentile,
    row,
    series_of,
    told,
)
from reports.writing.wording import tick
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["FANOUT"]

UNITS = {
    "deliveries_per_second": "1/s",
    "published_per_second": "1/s",
    "first_p50_us": "us",
    "median_p50_us": "us",
    "last_p50_us": "us",
    "last_p99_us": "us",
    "cpu_us_per_delivery": "us",
    "reach": "share",
}


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"room_size": parameters["room_size"]}


def _spread_of(block: Any) -> dict[str, float | None]:
    """When the first, the middle and the last member had a message."""
    first, middle, last = (
        series_of(block, "SIO fan-out", f"{which} delivery") for which in ("first", "median", "last")
    )
    return {
        "first_p50_us": percentile(first, 50),
        "median_p50_us": percentile(middle, 50),
        "last_p50_us": percentile(last, 50),
        "last_p99_us": percentile(last, 99),
    }


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, problem = block_of(measurement)
    cpu = block.server.cpu_seconds
    figures = {
        "deliveries_per_second": per_second(block, block.operations),
        "published_per_second": per_second(block, block.published),
        **_spread_of(block),
        "cpu_us_per_delivery": cpu * 1e6 / block.operations if cpu is not None and block.operations else None,
        "reach": block.ledger.reach if block.ledger is not None else None,
    }
    yield row(measurement, _at(measurement["parameters"]), figures, notes_of(block), problem)


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    for transport, here in by_transport(rows):
        for size in sorted({each["at"]["room_size"] for each in here}):
            room = [each for each in here if each["at"]["room_size"] == size]
            head = f"Over {transport} in a room of {tick(size)}"
            yield f"{head}, deliveries a second: {told(room, 'deliveries_per_second', '')}."
            if times := told(room, "last_p50_us", " ms", scale=1e-3, highest_first=False):
                yield f"{head}, half of the messages have reached everybody after: {times}."


FANOUT = Kind("fanout", "Rooms of different sizes", UNITS, _at, _rows, _findings)
