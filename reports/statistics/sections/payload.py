"""Payload: one row for each size, as text and as bytes."""

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
    told,
)
from reports.writing.wording import tick
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["PAYLOAD"]

UNITS = {
    "cpu_us_per_message": "us",
    "messages_per_second": "1/s",
    "p50_us": "us",
    "p99_us": "us",
}


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"payload_bytes": parameters["payload_bytes"], "content": parameters["content"]}


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, problem = block_of(measurement)
    cpu = block.server.cpu_seconds
    figures = {
        "cpu_us_per_message": cpu * 1e6 / block.messages if cpu is not None and block.messages else None,
        "messages_per_second": per_second(block, block.messages),
        "p50_us": percentile(block, 50),
        "p99_us": percentile(block, 99),
    }
    yield row(measurement, _at(measurement["parameters"]), figures, notes_of(block), problem)


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    for transport, here in by_transport(rows):
        for content in ("text", "binary"):
            of = [each for each in here if each["at"]["content"] == content]
            for size in sorted({each["at"]["payload_bytes"] for each in of}):
                these = [each for each in of if each["at"]["payload_bytes"] == size]
                if costs := told(these, "cpu_us_per_message", " µs", highest_first=False):
                    yield (
                        f"Over {transport}, server CPU of a message with {tick(size)} bytes of"
                        f" {content}: {costs}."
                    )


PAYLOAD = Kind("payload", "Larger messages", UNITS, _at, _rows, _findings)
