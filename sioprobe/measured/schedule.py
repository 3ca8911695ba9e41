"""The account of an open loop: what was due, what was sent, and what could not be sent.

`late` are sends more than `LATE_MS` after their intended time. `unsent` holds by reason what was due and not
sent: its connection was not there, or had as many unanswered operations as the scenario allows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sioprobe.measured.recorder import Sample
from sioprobe.results.histogram import Histogram

__all__ = ["LATE_MS", "Schedule"]

LATE_MS = 10


@dataclass(slots=True)
class Schedule:
    """Of one process. `due` is `sent` plus all that is in `unsent`; `service` is in microseconds."""

    due: int = 0
    sent: int = 0
    late: int = 0
    unsent: dict[str, int] = field(default_factory=dict)
    service: Histogram = field(default_factory=Histogram)
    """From the moment of sending to the answer; the latency counts from the intended time."""

    def send(self, lag_us: float) -> None:
        """One operation is sent, so long after its intended time."""
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

    def to_json(self) -> dict[str, Any]:
        """The numbers, the service time as percentiles, and all from which `from_json` makes the same."""
        return {
            "due": self.due,
            "sent": self.sent,
            "late": self.late,
            "unsent": dict(self.unsent),
            "service_latency": self.service.to_latency() if self.service.count else None,
            "service": Sample(self.service).to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Schedule:
        """The account that `to_json` wrote."""
        service = Sample.from_json(data["service"]).histogram
        return cls(data["due"], data["sent"], data["late"], dict(data["unsent"]), service)

    def to_line(self) -> str:
        """For a terminal."""
        unsent = ", ".join(f"{reason} {count}" for reason, count in self.unsent.items())
        service = ""
        if self.service.count:
            p50, p99 = self.service.percentile(50), self.service.percentile(99)
            service = f"; service time p50 {p50:.0f} p99 {p99:.0f}"
        return (
            f"schedule: {self.due} due, {self.sent} sent ({self.late} of them more than {LATE_MS} ms late),"
            f" {self.due - self.sent} not sent" + (f" ({unsent})" if unsent else "") + service
        )
