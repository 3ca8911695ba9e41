"""Settings: one row for each finding of the doctor, with its price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.kind import Figures, Kind, figure_of, row
from reports.writing.wording import listed, number
from sioprobe.results.comparison import Measurement, SectionRow

__all__ = ["SETTINGS"]

UNITS = {
    "added_latency_us": "us",
    "added_cpu_us": "us",
    "connections": "count",
    "threads_per_connection": "count",
    "rss_bytes_per_connection": "bytes",
    "log_bytes_per_request": "bytes",
}


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    """One row for each finding, the costly ones first; one without a finding where nothing was found."""
    result = measurement["result"] or {}
    for found in result["findings"]:
        helps = [f"{mend['server']}: {mend['setting']}" for mend in found["mend"]]
        notes = [f"{found['seen']}.", found["means"], *(f"What helps: {each}" for each in helps)]
        yield row(
            measurement,
            {"finding": found["id"], "severity": found["severity"], "certainty": found["certainty"]},
            _price(found["figures"]),
            notes,
        )
    if not result["findings"]:
        yield row(measurement, {"finding": None}, dict.fromkeys(UNITS), ["nothing was found"])
    for left in result["not_examined"]:
        if left["asked"]:
            notes = [f"not examined: {left['reason']}"]
            yield row(measurement, {"finding": None, "examination": left["id"]}, dict.fromkeys(UNITS), notes)


def _price(figures: Mapping[str, Any]) -> Figures:
    """What the finding costs, where the doctor measured it."""
    return {
        "added_latency_us": _difference(figures, "call_p50_ms", "call_immediate_ack_p50_ms", 1000.0)
        or _difference(figures, "paced_p50_ms", "paced_immediate_ack_p50_ms", 1000.0)
        or _scaled(figures.get("connect_p50_ms"), 1000.0),
        "added_cpu_us": _difference(figures, "packed_cpu_us", "plain_cpu_us", 1.0),
        "connections": _scaled(figures.get("served"), 1.0),
        "threads_per_connection": _scaled(figures.get("threads"), 1.0),
        "rss_bytes_per_connection": _scaled(figures.get("rss_bytes"), 1.0),
        "log_bytes_per_request": _scaled(figures.get("bytes_per_request"), 1.0),
    }


def _difference(figures: Mapping[str, Any], more: str, less: str, scale: float) -> float | None:
    if not isinstance(figures.get(more), (int, float)) or not isinstance(figures.get(less), (int, float)):
        return None
    return float(figures[more] - figures[less]) * scale


def _scaled(value: Any, scale: float) -> float | None:
    return float(value) * scale if isinstance(value, (int, float)) else None


_PRICES = {
    "added_latency_us": (1e-3, "ms of latency"),
    "added_cpu_us": (1.0, "µs of CPU"),
    "connections": (1.0, "connections at most"),
    "threads_per_connection": (1.0, "threads a connection"),
    "rss_bytes_per_connection": (1 / 1024, "KiB a connection"),
    "log_bytes_per_request": (1.0, "bytes of log a request"),
}


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    """The findings that cost something; a note is only in the table. First those that all servers have."""
    clean = []
    costly = [each for each in rows if each["at"]["finding"] and each["at"].get("severity") != "note"]
    arms = dict.fromkeys(each["arm"] for each in rows)
    having: dict[str, list[SectionRow]] = {}
    for each in costly:
        having.setdefault(each["at"]["finding"], []).append(each)
    everywhere = [
        _priced(found, these) for found, these in having.items() if {one["arm"] for one in these} == set(arms)
    ]
    if len(arms) > 1 and everywhere:
        yield f"What the doctor found on every server: {listed(everywhere)}."
    for arm in arms:
        words = [_priced(each["at"]["finding"], [each]) for each in costly if each["arm"] == arm]
        if words:
            yield f"{arm}: {listed(words)}."
        elif any(each["arm"] == arm and not each.get("problem") for each in rows):
            clean.append(arm)
    if clean:
        yield f"Nothing that loses messages or costs anything was found on {listed(clean)}."


def _priced(found: str, rows: Sequence[SectionRow]) -> str:
    """A finding with what it costs, from the least to the most of these rows."""
    prices = []
    for name, (scale, unit) in _PRICES.items():
        values = sorted(value * scale for each in rows if (value := figure_of(each, name)) is not None)
        if values:
            ends = dict.fromkeys(map(number, (values[0], values[-1])))
            prices.append(f"{' to '.join(ends)} {unit}")
    return found + (f" ({', '.join(prices)})" if prices else "")


SETTINGS = Kind("settings", "What the settings cost", UNITS, lambda _: {"finding": None}, _rows, _findings)
