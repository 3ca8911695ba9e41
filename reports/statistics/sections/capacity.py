"""Capacity: one row for each search, and one for each rate that it tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.statistics.sections.kind import Kind, by_transport, row, told
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["CAPACITY"]

UNITS = {
    "capacity_per_second": "1/s",
    "achieved_per_second": "1/s",
    "messages_per_second": "1/s",
    "p50_us": "us",
    "p99_us": "us",
    "server_cpu_cores": "cores",
    "generator_cpu_cores": "cores",
}
FOUND, PROBE = "capacity", "probe"


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    """The highest rate first, then each rate that was tried, the lowest first."""
    result = measurement["result"] or {}
    knee, probes = result["knee"] or {}, result["probes"]
    at_knee = [probe for probe in probes if probe["met"] and probe["rate"] == knee.get("rate")]
    yield row(
        measurement,
        {
            "point": FOUND,
            "objective": " and ".join(measurement["parameters"]["objective"]),
            "limit": result["limit"],
        },
        {
            "capacity_per_second": knee.get("rate"),
            "achieved_per_second": at_knee[-1]["achieved"] if at_knee else None,
            "messages_per_second": knee.get("messages_per_second"),
            "p50_us": knee.get("p50_us"),
            "p99_us": knee.get("p99_us"),
            "server_cpu_cores": knee.get("server_cpu_share"),
            "generator_cpu_cores": max((probe["generator_cpu_share"] for probe in at_knee), default=None),
        },
        [result["statement"]],
    )
    # A rate that was tried twice counts as it ended.
    last = {probe["rate"]: probe for probe in probes}
    for rate in sorted(last):
        probe = last[rate]
        yield row(
            measurement,
            {"point": PROBE, "offered_per_second": rate},
            {
                "capacity_per_second": None,
                "achieved_per_second": probe["achieved"],
                "messages_per_second": probe["messages_per_second"],
                "p50_us": probe["p50_us"],
                "p99_us": probe["p99_us"],
                "server_cpu_cores": probe["server_cpu_share"],
                "generator_cpu_cores": probe["generator_cpu_share"],
            },
            [] if probe["met"] else [f"not met, because of the {probe['blame']}: {probe['why']}"],
        )


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    for transport, here in by_transport(rows):
        found = [each for each in here if each["at"]["point"] == FOUND]
        if rates := told(found, "capacity_per_second", ""):
            objective = found[0]["at"]["objective"]
            yield f"Over {transport} within {objective}, operations a second: {rates} (one search each)."
        for limit, words in (
            ("generator", "the generator was the limit, so the server may carry more"),
            ("machine", "other processes took the CPU, so the server may carry more"),
            ("budget", "the time was over before the search had ended"),
            ("nothing", "no rate met the objective"),
        ):
            if names := [each["arm"] for each in found if each["at"]["limit"] == limit]:
                yield f"Over {transport}, {', '.join(names)}: {words}."


CAPACITY = Kind(
    "capacity", "Highest rate within an objective", UNITS, lambda _: {"point": FOUND}, _rows, _findings
)
