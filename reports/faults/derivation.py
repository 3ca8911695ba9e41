"""What the repetitions of one fault have in common, and between which figures they differ.

Nothing is averaged: a figure is its least and its greatest value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sioprobe.results.faults import Direction, FaultRun, PlayedFault

__all__ = ["Range", "Row", "row_of"]


@dataclass(frozen=True, slots=True)
class Range:
    """From the least to the greatest of some values; None where there is no value."""

    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Range:
        """The range of the values that there are."""
        known = [value for value in values if value is not None]
        return cls(min(known, default=None), max(known, default=None))


@dataclass(frozen=True, slots=True)
class Row:
    """One fault in one mode with one queue. Counts are those of all clients of a repetition together.

    `own` is about clients at the worker of the publisher, `others` about those at another; behind a proxy
    nobody knows, and all are `others`. `emit` leaves out a worker that the fault itself stops.
    """

    cell: PlayedFault
    played: int
    failed: int
    lost_own: Range
    lost_others: Range
    doubled: Range
    reordered: Range
    away: Range
    deaf: Range
    """Without the repetitions that `deaf_for_ever` counts."""
    emit: Range
    unanswered: Range
    tracebacks: Range
    well: Range
    """Seconds after the mend, of the repetitions in which all was well again."""
    never: int
    """Repetitions that were not well at the limit."""
    deaf_for_ever: int
    """Repetitions in which a worker heard nobody else until the limit."""


def row_of(cell: PlayedFault) -> Row:
    """The row of a cell."""
    runs = [run for run in cell["runs"] if run["problem"] is None]

    def total(count: Callable[[Direction], int], own: bool | None = None) -> Range:
        return Range.of(sum(map(count, _directions(run, own))) for run in runs)

    return Row(
        cell=cell,
        played=len(runs),
        failed=len(cell["runs"]) - len(runs),
        lost_own=total(lambda one: one["lost"], True),
        lost_others=total(lambda one: one["lost"], False),
        doubled=total(lambda one: one["doubled"]),
        reordered=total(lambda one: one["reordered"]),
        away=total(lambda one: one["away"]),
        deaf=Range.of(
            max(one["deaf_s"] for one in _directions(run, False)) for run in runs if not run["deaf_workers"]
        ),
        emit=Range.of(
            max(
                (
                    sender["slowest_ack_s"]
                    for sender in run["senders"]
                    if sender["worker"] != cell["stopped_worker"] and sender["slowest_ack_s"] is not None
                ),
                default=None,
            )
            for run in runs
        ),
        unanswered=Range.of(
            sum(
                sender["unanswered"]
                for sender in run["senders"]
                if sender["worker"] != cell["stopped_worker"]
            )
            for run in runs
        ),
        tracebacks=Range.of(run["tracebacks"] for run in runs),
        well=Range.of(run["well_after_mend_s"] for run in runs),
        never=sum(run["well_after_mend_s"] is None for run in runs),
        deaf_for_ever=sum(bool(run["deaf_workers"]) for run in runs),
    )


def _directions(run: FaultRun, own: bool | None) -> list[Direction]:
    return [one for one in run["directions"] if own is None or bool(one["own"]) is own]
