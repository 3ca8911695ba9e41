"""Latency under load: one row for each rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.kind import (
    Kind,
    block_of,
    by_transport,
    figure_of,
    notes_of,
    per_second,
    percentile,
    row,
    told,
)
from reports.writing.wording import number
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["LATENCY"]

UNITS = {
    "achieved_per_second": "1/s",
    "p50_us": "us",
    "p75_us": "us",
    "p90_us": "us",
    "p99_us": "us",
    "p999_us": "us",
    "max_us": "us",
    "unsent": "count",
    "server_cpu_cores": "cores",
}
COMMON = "common"


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    share = parameters["load"]
    at: dict[str, Any] = {"load": COMMON if share == COMMON else f"{share:.0%}"}
    return at | ({"offered_per_second": parameters["total_rate"]} if "total_rate" in parameters else {})


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, problem = block_of(measurement)
    cpu = block.server.cpu_seconds
    figures = {
        "achieved_per_second": per_second(block, block.operations),
        **{f"p{str(q).replace('.', '')}_us": percentile(block, q) for q in (50, 75, 90, 99, 99.9)},
        "max_us": block.latency.max,
        "unsent": float(block.unsent),
        "server_cpu_cores": cpu / block.seconds if cpu is not None else None,
    }
    yield row(measurement, _at(measurement["parameters"]), figures, notes_of(block), problem)


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    for transport, here in by_transport(rows):
        common = [each for each in here if each["at"]["load"] == COMMON]
        if times := told(common, "p99_us", " ms", scale=1e-3, highest_first=False):
            rate = number(common[0]["at"]["offered_per_second"])
            yield f"Over {transport} at {rate}/s for each, the p99 is: {times} (one measurement each)."
        for arm in dict.fromkeys(each["arm"] for each in here):
            own = [each for each in here if each["arm"] == arm and each["at"]["load"] != COMMON]
            known = [(each, value) for each in own if (value := figure_of(each, "p99_us")) is not None]
            if len(known) > 1:
                (first, low), (last, high) = known[0], known[-1]
                yield (
                    f"Over {transport}, the p99 of {arm} is {number(low / 1000)} ms at {first['at']['load']}"
                    f" of its capacity, and {number(high / 1000)} ms at {last['at']['load']}."
                )


LATENCY = Kind("latency", "Latency under load", UNITS, _at, _rows, _findings)
