"""What a load measured: a run under Locust (`RunResult`) or a block (`Block`). Both have the same parts.

The values are frozen: whoever makes one gives all its parts at once.
Durations named `_us` and those inside `Latency` are microseconds, all others seconds. Sizes are bytes, shares
are shares of one core. What was not measured is null, never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs, to_builtins

from sioprobe.results.primitives import Amount, AtLeastOne, Count, Name, Transport
from sioprobe.results.types import Trust

__all__ = [
    "Block",
    "Cause",
    "Finding",
    "Floor",
    "GeneratorProcess",
    "GeneratorUsage",
    "Latency",
    "LedgerFigures",
    "Neighbours",
    "Partner",
    "PartnerUsage",
    "RoundsLine",
    "RunResult",
    "ScheduleFigures",
    "SeriesFigures",
    "ServerFigures",
    "ServerMoment",
    "ServerRoot",
    "ServerUsage",
    "StageFigures",
    "Threshold",
    "UrlFigures",
    "Validity",
    "to_json",
]

Pair = Annotated[list[Count], Meta(min_length=2, max_length=2)]
Found = Annotated[
    dict[str, Any] | None,
    Meta(description="what the scenario found beside counts; `words` are lines for people"),
]

Cause = Literal[
    "cpu",
    "hub lag",
    "send lag",
    "stall",
    "run delay",
    "pressure",
    "neighbour",
    "limit",
    "operations",
    "unsent",
    "errors",
    "ledger",
    "floor",
    "other",
]
"""Why a verdict was lowered. The first eight lie in the generator or its machine, whatever the server did.

"pressure" is found in older results only."""

TRUST: tuple[Trust, ...] = ("VALID", "SUSPECT", "INVALID")
"""From the best verdict to the worst."""


def to_json(value: Struct) -> dict[str, Any]:
    """The value as plain objects, arrays and numbers."""
    plain: dict[str, Any] = to_builtins(value)
    return plain


class Latency(Struct, frozen=True, kw_only=True):
    """Durations; `sioprobe.results.histogram.Histogram.to_latency` makes it."""

    unit: Literal["us"] = "us"
    count: Count
    p50: Amount | None
    p90: Amount | None = None
    p99: Amount | None
    max: Amount | None
    histogram: Annotated[
        list[Pair], Meta(description="[lower bound of the bucket in µs, count] of sioprobe.results.histogram")
    ]


class Finding(Struct, frozen=True, kw_only=True):
    """Something that speaks against a result, and the verdict that it calls for."""

    verdict: Trust
    cause: Cause = "other"
    reason: str


class Validity(Struct, frozen=True, kw_only=True):
    """Whether you may believe figures: the worst verdict of all findings, and their reasons."""

    verdict: Trust
    reasons: list[str]
    findings: list[Finding] = []

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Validity:
        """The verdict that these findings make together; VALID if there are none."""
        findings = list(findings)
        worst = max((TRUST.index(finding.verdict) for finding in findings), default=0)
        return cls(verdict=TRUST[worst], reasons=[finding.reason for finding in findings], findings=findings)

    def plus(self, findings: Iterable[Finding]) -> Validity:
        """With further findings."""
        return Validity.of([*self.findings, *findings])


class LedgerFigures(Struct, frozen=True, kw_only=True):
    """Deliveries: how many were expected, and what became of them. `reach` is received / expected, 0 to 1.

    `replayed` of those received had been missed while a connection was lost, until the server recovered it.
    """

    published: Count = 0
    expected: Count = 0
    received: Count = 0
    lost: Count = 0
    duplicated: Count = 0
    reordered: Count = 0
    late: Count = 0
    missed_away: Count = 0
    replayed: Count = 0
    reach: Amount | None = None


class ScheduleFigures(Struct, frozen=True, kw_only=True):
    """An open loop: what was due, what was sent, and what was not sent, by reason.

    `late` counts what was sent more than 10 ms after its time. `service_latency` counts from the moment of
    sending; the latency of the operations counts from the intended time.
    """

    due: Count
    sent: Count
    late: Count
    unsent: dict[str, Count]
    service_latency: Latency | None = None


class Floor(Struct, frozen=True, kw_only=True):
    """The same load against a server that does next to nothing. It shows what the generator itself costs.

    `connections` and `rate` are those of one generator process. The rate is in operations a second, as the
    scenario counts them: of all connections, of each, or of each room. It is 0 for a closed loop.
    """

    connections: int
    rate: float
    seconds: float
    operations_per_second: float
    p50_us: float
    p99_us: float
    cpu_us_per_operation: float


class Neighbours(Struct, frozen=True, kw_only=True):
    """What other processes took on the server's machine: neither the server nor its queue nor the load.

    `share` is the CPU that they used while some process waited for a CPU, in cores. It includes what a
    hypervisor gave to others (steal).
    """

    share: Amount
    busiest_second: Amount | None = None
    most: Annotated[str | None, Meta(description="the process that used at least half of it")] = None


class SeriesFigures(Struct, frozen=True, kw_only=True):
    """One kind of operation: how many, how long, and errors by kind."""

    type: str
    name: str
    count: Annotated[int, Meta(ge=0, description="all of them, untimed and failed ones included")]
    untimed: Count
    errors: dict[str, Count]
    latency: Latency | None
    mean_us: Amount | None


class UrlFigures(Struct, frozen=True, kw_only=True):
    """One of several servers: operations, errors of any series, percentiles in µs.

    `ledger` has the deliveries to clients of this server. What is published belongs to no server.
    """

    operations: Count
    errors: Count
    p50: Amount | None
    p99: Amount | None
    ledger: LedgerFigures | None = None


class GeneratorProcess(Struct, frozen=True, kw_only=True):
    """One process that generated load. Times are seconds since the start, null if it has no master."""

    worker: Annotated[str, Meta(description="its name, for people")]
    state: Literal["running", "done", "left", "lost"]
    late: Annotated[bool, Meta(description="joined after the start")]
    host: str
    pid: int
    users: Count
    counted: Count
    cpu_share: Amount
    max_cpu_share: Annotated[float, Meta(ge=0, description="in its busiest second")]
    hub_lag_p99_us: Amount | None
    send_lag_p99_us: Amount | None
    first_report: float | None = None
    last_report: float | None = None
    longest_silence: Amount | None = None


class ServerRoot(Struct, frozen=True):
    """A process of the server. Its children are sampled with it."""

    pid: int
    name: str


class PartnerUsage(Struct, frozen=True, kw_only=True):
    """What works for a server, such as a queue or a proxy: CPU in the measured window, memory at its end."""

    cpu_seconds: Amount
    rss_bytes: Count
    processes: Count


class ServerMoment(Struct, frozen=True, kw_only=True):
    """One sample, `at` seconds from the start. CPU, switches, operations and messages count from the start.

    A figure is null if it could not be read, or is not counted.
    """

    at: float
    cpu_seconds: float
    rss_bytes: int
    threads: int
    fds: int | None
    processes: int
    context_switches: int | None
    connections: int
    operations: int | None
    messages: int | None
    neighbours_cpu_seconds: Annotated[
        Amount | None, Meta(description="that other processes took from the start, as in `Neighbours`")
    ] = None
    partners: Annotated[
        dict[str, PartnerUsage], Meta(description="by process id and name; CPU from the start")
    ] = {}


class ServerFigures(Struct, frozen=True, kw_only=True):
    """What the server's processes used together.

    Figures per message and per operation are those of the window: `window` says which part of the run it is.
    """

    how: Annotated[str, Meta(description="how the processes were found")]
    roots: list[ServerRoot]
    notes: list[str]
    window: str
    window_seconds: Amount
    cpu_seconds: Amount
    window_cpu_seconds: Amount
    cpu_us_per_operation: Amount | None
    cpu_us_per_message: Amount | None
    busiest_second: Amount | None
    context_switches: Count | None
    processes: Count
    connections: Count
    rss_before_bytes: Count
    rss_settled_bytes: Count | None
    rss_under_load_bytes: Count
    rss_bytes_per_connection: float | None
    threads_before: Count
    threads_under_load: Count
    threads_per_connection: float | None
    fds_before: Count | None
    fds_under_load: Count | None
    fds_per_connection: float | None
    partners: Annotated[
        dict[str, PartnerUsage],
        Meta(description="the processes of this host that it was connected to, in no other figure"),
    ] = {}
    neighbours: Neighbours | None = None
    series: list[ServerMoment]


class StageFigures(Struct, frozen=True, kw_only=True):
    """One stage of a load that changes over time, with a verdict of its own."""

    name: str
    seconds: Amount
    users: Annotated[float, Meta(ge=0, description="asked for at its end")]
    rate: Annotated[Amount | None, Meta(description="asked for at its end, operations a second")]
    operations: Count
    operations_per_second: Amount
    p50_us: Amount | None
    p99_us: Amount | None
    errors: Count
    generator_cpu_share: Amount
    server_cpu_share: Amount | None
    validity: Validity


class Threshold(Struct, frozen=True, kw_only=True):
    """A condition of `--fail-if`, what was measured, and whether that breaks it."""

    fail_if: str
    figure: str
    measured: str
    broken: bool


class RunResult(Struct, frozen=True, kw_only=True):
    """What a run under Locust measured, and whether you may believe it."""

    schema: Literal[1] = 1
    kind: Literal["load"] = "load"
    url: str | None = None
    transport: Transport | None = None
    scenario: str | None = None
    seconds: Amount
    operation: Annotated[
        tuple[str, str] | None, Meta(description="type and name of the series that counts operations")
    ]
    operations: Count
    operations_per_second: Amount
    errors: Annotated[dict[str, Count], Meta(description="of all series, by kind")]
    series: list[SeriesFigures]
    urls: Annotated[dict[str, UrlFigures], Meta(description="each server, where there are several")]
    ledger: LedgerFigures | None
    schedule: ScheduleFigures | None
    unsent: Annotated[int, Meta(ge=0, description="operations that were due and could not be sent")]
    found: Found = None
    stages: list[StageFigures] = []
    users: Annotated[Count | None, Meta(description="those that began to connect")] = None
    connected: Annotated[Count | None, Meta(description="how many of them the server let in")] = None
    server: ServerFigures | None = None
    server_unseen: Annotated[str | None, Meta(description="why the server's processes were not sampled")] = (
        None
    )
    server_cpu_share: Annotated[Amount | None, Meta(description="lately; null when the run is over")] = None
    generators: list[GeneratorProcess]
    processes: Annotated[int, Meta(ge=0, description="of the generator")]
    hosts: Annotated[int, Meta(ge=0, description="whose clocks cannot be compared")]
    hub_lag_p99_us: Amount | None
    send_lag_p99_us: Amount | None
    max_cpu_share: Annotated[float, Meta(ge=0, description="busiest second of the busiest process")]
    longest_stall_seconds: Amount
    run_delay_share: Amount | None
    pressure_share: Amount | None
    cpu_us_per_operation: Amount | None
    floor: Floor | None = None
    calibration: Annotated[str | None, Meta(description="why there is no floor")] = None
    thresholds: list[Threshold] = []
    notes: list[str]
    validity: Validity


class ServerUsage(Struct, frozen=True, kw_only=True):
    """All processes of a server together: CPU in the measured window, sizes at its end."""

    cpu_seconds: Amount | None = None
    rss_bytes: Annotated[Count | None, Meta(description="once memory had settled, before the window")] = None
    rss_before_connections_bytes: Count | None = None
    rss_under_load_bytes: Count | None = None
    threads: Count | None = None
    fds: Count | None = None
    processes: Count | None = None
    neighbours: Neighbours | None = None


Partner = Literal["queue", "proxy"]
"""The partners of a server of several processes: its queue, its proxy."""


class GeneratorUsage(Struct, frozen=True, kw_only=True):
    """The process that measured a block, in the measured window."""

    cpu_seconds: Amount | None = None
    rss_bytes: Count | None = None
    hub_lag_p99_us: Amount | None = None
    send_lag_p99_us: Amount | None = None
    max_cpu_share: Amount | None = None
    run_delay_share: Amount | None = None
    unconfirmed_closes: Annotated[Count | None, Meta(description="closes without an answer")] = None


class Block(Struct, frozen=True, kw_only=True):
    """What `load.blocks` measured in one interval, on connections of its own."""

    schema: Literal[1] = 1
    kind: Literal["block"] = "block"
    transport: Transport
    scenario: str
    connections: Annotated[int, Meta(ge=1, description="as planned")]
    connected: Annotated[
        Count | None, Meta(description="how many of them were open; null stands for all")
    ] = None
    started_at: str | None = None
    warmup_seconds: Amount | None = None
    seconds: Annotated[float, Meta(ge=0, description="length of the measured window")]
    operations: Annotated[int, Meta(ge=0, description="completed operations in the window")]
    published: Annotated[Count, Meta(description="messages to the server that are no operations")] = 0
    unsent: Count = 0
    messages: Annotated[int, Meta(ge=0, description="packets of both directions that the server handled")]
    errors: Count
    error_kinds: dict[str, Count] = {}
    latency: Latency
    server: ServerUsage
    partners: Annotated[
        dict[Partner, PartnerUsage], Meta(description="what works for the server, and is not in `server`")
    ] = {}
    generator: GeneratorUsage
    ledger: LedgerFigures | None = None
    schedule: ScheduleFigures | None = None
    series: Annotated[
        list[SeriesFigures], Meta(description="what was counted beside the operations, if asked for")
    ] = []
    validity: Validity
    found: Found = None

    @property
    def opened(self) -> int:
        """How many connections were open."""
        return self.connections if self.connected is None else self.connected

    @property
    def cpu_seconds(self) -> float | None:
        """The CPU of the server and of its partners; None if the server was not seen."""
        if self.server.cpu_seconds is None:
            return None
        return self.server.cpu_seconds + sum(each.cpu_seconds for each in self.partners.values())


class RoundsLine(Block, frozen=True, kw_only=True):
    """One line of rounds.jsonl: a block of a comparison, on a fresh server."""

    round: AtLeastOne
    order: Annotated[Count | None, Meta(description="place within the round")] = None
    arm: Name

    @classmethod
    def of(cls, block: Block, *, round: int, order: int, arm: str) -> RoundsLine:
        """The block, with its place in the comparison."""
        return cls(**structs.asdict(block), round=round, order=order, arm=arm)
