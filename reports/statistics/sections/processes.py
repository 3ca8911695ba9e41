"""Processes: one row for each number of processes; the speed-up is that over one process behind Redis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.fanout import spread_of
from reports.statistics.sections.kind import (
    Kind,
    block_of,
    by_transport,
    failed,
    figure_of,
    notes_of,
    per_second,
    row,
    told,
)
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["PROCESSES", "with_speedup"]

UNITS = {
    "messages_per_second": "1/s",
    "speedup": "times",
    "cpu_us_per_message": "us",
    "server_cpu_cores": "cores",
    "p50_us": "us",
    "last_p50_us": "us",
}


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"scenario": parameters["scenario"], "processes": parameters["processes"]}


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, _ = block_of(measurement)
    cpu = block.server.cpu_seconds
    figures = {
        "messages_per_second": per_second(block, block.messages),
        "speedup": None,
        "cpu_us_per_message": cpu * 1e6 / block.messages if cpu is not None and block.messages else None,
        "server_cpu_cores": cpu / block.seconds if cpu is not None else None,
        "p50_us": block.latency.p50,
        "last_p50_us": spread_of(block)["last_p50_us"],
    }
    # Where there are fewer cores than processes, the generator waits for one too. That is part of the answer.
    yield row(measurement, _at(measurement["parameters"]), figures, notes_of(block), failed(block))


def with_speedup(rows: list[SectionRow], cores: int | None) -> None:
    """Add the speed-up to each row, and a note where there are more processes than cores."""
    one = {
        (each["arm"], each["transport"], each["at"]["scenario"]): figure_of(each, "messages_per_second")
        for each in rows
        if each["at"]["processes"] == 1
    }
    for each in rows:
        base = one.get((each["arm"], each["transport"], each["at"]["scenario"]))
        rate = figure_of(each, "messages_per_second")
        if base and rate is not None:
            each["figures"]["speedup"] = rate / base
        # Generator and queue are processes too.
        busy = each["at"]["processes"] + 2
        if cores is not None and busy > cores:
            each["notes"].append(
                f"oversubscribed: {busy} processes with generator and queue on {cores} cores"
            )


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    words = {"ack": "acks", "fanout": "deliveries in a room"}
    for transport, here in by_transport(rows):
        for scenario in dict.fromkeys(each["at"]["scenario"] for each in here):
            of = [each for each in here if each["at"]["scenario"] == scenario]
            for count in sorted({each["at"]["processes"] for each in of} - {1}):
                these = [each for each in of if each["at"]["processes"] == count]
                if times := told(these, "speedup", ""):
                    yield (
                        f"Over {transport}, {count} processes behind Redis carry this many times "
                        f"the {words.get(scenario, scenario)} of one: {times}."
                    )
    if any(note.startswith("oversubscribed") for each in rows for note in each["notes"]):
        yield "This machine has fewer cores than processes, so it does not show how they would scale on more."


PROCESSES = Kind("processes", "Several processes behind Redis", UNITS, _at, _rows, _findings)
