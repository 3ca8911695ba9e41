"""The account of an open loop: what was due, what was sent, and what could not be sent.

`late` counts sends more than `LATE_MS` after their intended time. `unsent` counts what was due and not sent,
by reason: there was no connection, or too many operations on it were unanswered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import ScheduleFigures

__all__ = ["LATE_MS", "Schedule"]

LATE_MS = 10


@dataclass(slots=True)
class Schedule:
    """Of one process. `due` is `sent` plus everything in `unsent`; `service` is in microseconds."""

    due: int = 0
    sent: int = 0
    late: int = 0
    unsent: dict[str, int] = field(default_factory=dict)
    service: Histogram = field(default_factory=Histogram)
    """From the moment of sending to the answer; the latency counts from the intended time."""

    def send(self, lag_us: float) -> None:
        """One operation is sent, this long after its intended time."""
        self.due += 1
        self.sent += 1
        if lag_us > LATE_MS * 1000:
            self.late += 1

    def miss(self, reason: str) -> None:
        """One operation is due and cannot be sent."""
        self.due += 1
        self.unsent[reason] = self.unsent.get(reason, 0) + 1

    def merge(self, other: Schedule) -> None:
        """Add the account of another process."""
        self.due += other.due
        self.sent += other.sent
        self.late += other.late
        for reason, count in other.unsent.items():
            self.unsent[reason] = self.unsent.get(reason, 0) + count
        self.service.merge(other.service)

    def figures(self) -> ScheduleFigures:
        """The numbers now."""
        return ScheduleFigures(
            due=self.due,
            sent=self.sent,
            late=self.late,
            unsent=dict(self.unsent),
            service_latency=self.service.to_latency() if self.service.count else None,
        )

    @classmethod
    def of(cls, figures: ScheduleFigures) -> Schedule:
        """The account that had these figures."""
        service = figures.service_latency
        return cls(
            figures.due,
            figures.sent,
            figures.late,
            dict(figures.unsent),
            Histogram() if service is None else Histogram.from_latency(service),
        )
