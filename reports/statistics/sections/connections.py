"""Connections: one row for each number of idle ones, and one for each way to connect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.kind import (
    Kind,
    block_of,
    by_transport,
    disturbed,
    figure_of,
    notes_of,
    per_second,
    percentile,
    row,
    series_of,
    told,
)
from reports.writing.wording import tick
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["CONNECTIONS"]

UNITS = {
    "connected": "count",
    "rss_bytes_per_connection": "bytes",
    "threads_per_connection": "count",
    "rss_bytes": "bytes",
    "threads": "count",
    "connects_per_second": "1/s",
    "connect_p50_us": "us",
    "connect_p99_us": "us",
    "upgrade_p50_us": "us",
    "upgrade_p99_us": "us",
    "failed": "count",
}
IDLE, CONNECTING = "idle_connections", "connecting_clients"


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if "idle" in parameters:
        return {IDLE: parameters["idle"]}
    return {CONNECTING: parameters["connecting"]}


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, _ = block_of(measurement)
    found, at = block.found or {}, _at(measurement["parameters"])
    figures: dict[str, float | None] = dict.fromkeys(UNITS)
    notes = notes_of(block)
    if IDLE in at:
        figures |= {
            "connected": float(block.opened),
            "rss_bytes_per_connection": found.get("server_bytes_per_connection"),
            "threads_per_connection": found.get("server_threads_per_connection"),
            "rss_bytes": _float(block.server.rss_bytes),
            "threads": _float(block.server.threads),
            "failed": float(block.connections - block.opened),
        }
        if block.error_kinds:
            told_kinds = ", ".join(f"{kind} {count}" for kind, count in block.error_kinds.items())
            notes.append(f"{block.opened} of {block.connections} connections were there: {told_kinds}")
        # A busy generator does not change the numbers of connections, threads and bytes.
        yield row(measurement, at, figures, notes)
        return
    connect, upgrade = series_of(block, "SIO connect"), series_of(block, "SIO upgrade")
    figures |= {
        "connects_per_second": per_second(block, block.operations),
        "connect_p50_us": percentile(connect, 50),
        "connect_p99_us": percentile(connect, 99),
        "upgrade_p50_us": percentile(upgrade, 50),
        "upgrade_p99_us": percentile(upgrade, 99),
        "failed": float(sum((found.get("failed") or {}).values())),
    }
    yield row(measurement, at, figures, notes, disturbed(block))


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    for transport, here in by_transport(rows):
        idle = [each for each in here if IDLE in each["at"]]
        for count in sorted({each["at"][IDLE] for each in idle}):
            these = [each for each in idle if each["at"][IDLE] == count and not figure_of(each, "failed")]
            memory = told(these, "rss_bytes_per_connection", " KiB", scale=1 / 1024, highest_first=False)
            if memory:
                yield f"Memory of each of {tick(count)} idle connections over {transport}: {memory}."
            threads = [each for each in these if (figure_of(each, "threads_per_connection") or 0.0) >= 0.5]
            if threads:
                yield f"Threads of each of them: {told(threads, 'threads_per_connection', '')}."
            for each in idle:
                if each["at"][IDLE] == count and figure_of(each, "failed"):
                    there = tick(figure_of(each, "connected") or 0.0)
                    yield f"{each['arm']} held {there} of {tick(count)} connections over {transport}."
        connecting = [each for each in here if CONNECTING in each["at"]]
        if rates := told(connecting, "connects_per_second", "/s"):
            clients = connecting[0]["at"][CONNECTING]
            yield f"Over {transport}, {clients} clients that come and go connect at: {rates}."
        if times := told(connecting, "upgrade_p50_us", " ms", scale=1e-3, highest_first=False):
            yield f"Half of the upgrades are over after: {times}."


CONNECTIONS = Kind("connections", "What a connection costs", UNITS, _at, _rows, _findings)
