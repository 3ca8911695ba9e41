"""The shape of faults.json: faults played on clusters of servers, with a ledger for each direction.

Durations are seconds. A direction leads from the publisher at one worker to a receiver at one worker; both
have connections of their own. What could not be measured is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from sioprobe.results.primitives import Amount, AtLeastOne, Count, Name, Transport

__all__ = ["Direction", "FaultRun", "Faults", "LogLine", "LostConnection", "PlayedFault", "Sender"]


class Direction(TypedDict):
    """What came from one publisher to one receiver, of all that was sent around the fault.

    `lost` and `late` are about what was sent while the receiver was connected; `away` counts the rest.
    """

    sender: Annotated[AtLeastOne, Meta(description="number of the publisher, and of its worker")]
    receiver: Annotated[AtLeastOne, Meta(description="number of the receiver, and of its worker")]
    own: Annotated[
        bool | None,
        Meta(description="true: both are at one worker; null behind a proxy, which chooses the worker"),
    ]
    sent: Count
    received: Count
    lost: Count
    doubled: Count
    reordered: Count
    away: Annotated[Count, Meta(description="sent while the receiver had no connection")]
    late: Annotated[Count, Meta(description="received more than `late_seconds` after it was sent")]
    slowest_s: Annotated[Amount | None, Meta(description="longest way of an event that arrived")]
    deaf_s: Annotated[
        Amount, Meta(description="longest time without an event though some were sent; 0 if below a half")
    ]
    deaf_until_s: Annotated[
        Amount | None, Meta(description="when events came again for good, counted from the fault")
    ]
    deaf_until_mend_s: Annotated[
        float | None, Meta(description="the same, counted from the mend; negative if it was earlier")
    ]
    deaf_for_ever: Annotated[bool, Meta(description="no event came until the limit")]


class Sender(TypedDict):
    """What became of the emits of one publisher: the server acknowledges each when its `emit` returns."""

    worker: AtLeastOne
    sent: Count
    large: Annotated[Count, Meta(description="of the sent ones, large ones of a flood")]
    acked: Count
    cut_off: Annotated[Count, Meta(description="the connection ended before the ack")]
    unanswered: Annotated[
        Count, Meta(description="no ack at the end: `emit` raised, or still blocks; see `tracebacks`")
    ]
    blocked: Annotated[Count, Meta(description="acks that took more than `late_seconds`")]
    slowest_ack_s: Amount | None


class LostConnection(TypedDict):
    """A connection that a client lost after the fault, and then opened again."""

    client: Name
    after_s: Annotated[float, Meta(description="counted from the fault")]
    reason: str


class LogLine(TypedDict):
    """A line that the servers printed, and how often."""

    text: str
    count: AtLeastOne


class FaultRun(TypedDict):
    """A fault, played once on a cluster.

    With a `problem` it was not played to its end, and has no directions.
    """

    repetition: AtLeastOne
    started_at: str
    problem: str | None
    mend_s: Annotated[Amount | None, Meta(description="from the fault to the moment when it was mended")]
    observed_s: Annotated[Amount | None, Meta(description="from the fault to the end of the flow")]
    well_after_mend_s: Annotated[
        Amount | None,
        Meta(description="all was well so long after the mend; 0 if before; null if not until the limit"),
    ]
    deaf_workers: Annotated[list[int], Meta(description="workers that heard nobody else until the limit")]
    directions: list[Direction]
    senders: list[Sender]
    lost_connections: list[LostConnection]
    tracebacks: Annotated[Count, Meta(description="that the servers printed after the fault")]
    log: Annotated[list[LogLine], Meta(description="what else they printed, the most frequent first")]
    cpu_pressure: Annotated[
        float | None,
        Meta(description="share of the last 10 s, in percent, in which some task waited for a core (Linux)"),
    ]
    pace_lag_s: Annotated[
        Amount | None, Meta(description="how much too late our own publishers sent, at most")
    ]


class PlayedFault(TypedDict):
    """One fault in one mode with one queue, and each of its repetitions. `reason` if it was not run."""

    mode: Name
    queue: Name
    proxy: str | None
    fault: Name
    title: str
    stopped_worker: Annotated[
        int | None, Meta(description="the fault stops it: what waits there says nothing about the queue")
    ]
    versions: dict[str, str]
    status: Literal["played", "not run"]
    reason: str | None
    runs: list[FaultRun]


class Faults(TypedDict):
    """The document. Each publisher sends `rate` events a second."""

    schema: Literal[1]
    kind: Literal["faults"]
    sioprobe: str
    command: str
    environment: dict[str, Any]
    started_at: str
    finished_at: str | None
    interrupted: bool
    workers: AtLeastOne
    transport: Transport
    rate: Amount
    late_seconds: Amount
    limit_seconds: Annotated[Amount, Meta(description="how long after the mend a cluster is watched")]
    repeat: AtLeastOne
    at_once: Annotated[AtLeastOne, Meta(description="clusters that ran at the same time")]
    faults: list[PlayedFault]
