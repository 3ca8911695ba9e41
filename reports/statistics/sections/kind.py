"""What a section is made of, and what all sections read from a measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reports.writing.wording import TRANSPORT_ORDER, TRANSPORT_WORDS, number
from sioprobe.results.comparison import Measurement, SectionName, SectionRow
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Block, SeriesFigures

__all__ = [
    "Kind",
    "block_of",
    "by_transport",
    "disturbed",
    "failed",
    "figure_of",
    "notes_of",
    "per_second",
    "percentile",
    "row",
    "series_of",
    "told",
]

SERVERS_OWN = ("errors", "operations", "unsent", "ledger", "other")
"""Causes that say something about the server. All others say that the figures are not its own."""
SAMPLES_BEYOND = 10
"""A percentile needs at least so many samples beyond it, as everywhere in a report."""

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One section. `units` has its columns in their order.

    `at` makes the situation of a row from the parameters of a measurement, `rows` the rows of one that has a
    result, `findings` the sentences about all rows.
    """

    name: SectionName
    title: str
    units: Mapping[str, str]
    at: Callable[[Mapping[str, Any]], dict[str, Any]]
    rows: Callable[[Measurement], Iterable[SectionRow]]
    findings: Callable[[Sequence[SectionRow]], Iterable[str]]


def row(
    measurement: Measurement,
    at: dict[str, Any],
    figures: Figures,
    notes: Iterable[str] = (),
    problem: str | None = None,
) -> SectionRow:
    """A row of this measurement. With a problem its figures are left out."""
    return {
        "arm": measurement["arm"],
        "transport": measurement["transport"],
        "at": at,
        "figures": dict.fromkeys(figures) if problem else figures,
        "notes": list(notes),
        "problem": problem,
    }


def block_of(measurement: Measurement) -> tuple[Block, str | None]:
    """The block, and why its figures cannot be believed; None if they can."""
    block = msgspec.convert(measurement["result"], Block)
    return block, "; ".join(filter(None, (failed(block), disturbed(block)))) or None


def notes_of(block: Block) -> list[str]:
    """What speaks against a block that counts."""
    if block.validity.verdict == "VALID":
        return []
    return [f"{block.validity.verdict}: {'; '.join(block.validity.reasons)}"]


def failed(block: Block) -> str | None:
    """How the server failed, so that the block is INVALID. None if it did not."""
    return _invalid(block, servers_own=True)


def disturbed(block: Block) -> str | None:
    """Why the figures are not those of the server, whatever it did; None if they are."""
    return _invalid(block, servers_own=False)


def _invalid(block: Block, *, servers_own: bool) -> str | None:
    reasons = [
        found.reason
        for found in block.validity.findings
        if found.verdict == "INVALID" and (found.cause in SERVERS_OWN) is servers_own
    ]
    return "; ".join(reasons) or None


def series_of(block: Block, type: str, name: str | None = None) -> SeriesFigures | None:
    """What the block counted beside its operations under this type, and name if one is given."""
    return next(
        (each for each in block.series if each.type == type and name in (None, each.name)),
        None,
    )


def percentile(series: SeriesFigures | Block | None, q: float) -> float | None:
    """A percentile in µs, if there are enough samples beyond it; the median needs only one."""
    latency = series.latency if series is not None else None
    if latency is None or not latency.count:
        return None
    if q > 50 and latency.count * (1 - q / 100) < SAMPLES_BEYOND - 1e-9:
        return None
    return Histogram.from_latency(latency).percentile(q)


def per_second(block: Block, count: int | None) -> float | None:
    """A count of the block's window as a rate."""
    return count / block.seconds if count is not None and block.seconds else None


def by_transport(rows: Iterable[SectionRow]) -> Iterator[tuple[str, list[SectionRow]]]:
    """The rows without a problem of each transport, with words for the transport."""
    sound = [each for each in rows if not each.get("problem")]
    for transport in TRANSPORT_ORDER:
        if here := [each for each in sound if each["transport"] == transport]:
            yield TRANSPORT_WORDS[transport], here


def figure_of(row: SectionRow, name: str) -> float | None:
    """A figure of a row; None where it was not measured."""
    return row["figures"].get(name)


def told(
    rows: Sequence[SectionRow],
    name: str,
    unit: str,
    *,
    scale: float = 1.0,
    highest_first: bool = True,
    words: Callable[[float], str] = number,
) -> str:
    """`gevent 4 200/s, eventlet 3 600/s`: a figure of each row that has it, sorted; empty if none has it."""
    known = [(value, each["arm"]) for each in rows if (value := figure_of(each, name)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=highest_first)
    return ", ".join(f"{arm} {words(value * scale)}{unit}" for value, arm in known)
