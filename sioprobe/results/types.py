"""The shapes of the result files, as they stand in JSON.

Each kind of document is described once, by its type here or in `loads.py` (what a load measured).
`validate.py` checks documents against the type, and makes the JSON Schema for other programs out of it:
`python -m sioprobe.results KIND` prints it. Durations are seconds, unless their name ends in `_us`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from msgspec import Meta

from sioprobe.results.answers import Answer, Choice, GuideLine, Meaning
from sioprobe.results.comparison import Section, SideBySide
from sioprobe.results.primitives import Amount, AtLeastOne, Count, Name, Transport

SCHEMA_VERSION: Final = 1

Moment = Annotated[str, Meta(description="ISO 8601 with offset")]
Version = Annotated[str, Meta(description="version of sioprobe")]
Environment = Annotated[dict[str, Any], Meta(description="see sioprobe.results.environment")]

Level = Literal["MUST", "SHOULD", "MAY", "reference", "gap"]
Verdict = Literal[
    "pass",
    "non-strict",
    "fail",
    "info",
    "not applicable",
    "hidden by the path",
    "inconclusive",
    "harness error",
    "known deviation",
    "unexpected pass",
    "not judged",
]
Trust = Literal["VALID", "SUSPECT", "INVALID"]


class Arm(TypedDict):
    """One server of a comparison."""

    id: Name
    title: str
    status: Literal["measured", "not run"]
    reason: Annotated[str | None, Meta(description="why it was not run")]
    mode: NotRequired[str | None]
    workers: NotRequired[AtLeastOne]
    queue: NotRequired[str | None]
    proxy: NotRequired[str | None]
    versions: NotRequired[dict[str, str]]
    async_mode: NotRequired[str | None]
    notes: NotRequired[Annotated[list[str], Meta(description="what was not done to it, or not seen of it")]]


class Cell(TypedDict):
    """What one row of blocks measures."""

    arm: Name
    transport: Transport
    scenario: str
    connections: AtLeastOne


class Run(TypedDict):
    """run.json: what a comparison set out to measure, on which machine, and how it ended.

    It is written at the start, and again at the end.
    """

    schema: Literal[1]
    kind: Literal["run"]
    sioprobe: Version
    command: Annotated[str, Meta(description="the exact command that repeats this run")]
    environment: Environment
    started_at: Moment
    finished_at: str | None
    interrupted: bool
    continued_at: NotRequired[Annotated[list[Moment], Meta(description="when a stopped run went on")]]
    arms: list[Arm]
    cells: list[Cell]
    profile: NotRequired[dict[str, Any]]


class TranscriptLine(TypedDict):
    """One packet or request on the wire."""

    time: Annotated[float, Meta(description="seconds since the case began")]
    direction: Literal["C→S", "S→C"]
    raw: str
    layer: NotRequired[str | None]
    meaning: NotRequired[str | None]


class Case(TypedDict):
    """One case's verdict."""

    id: Name
    requirement: str
    level: Level
    case: str
    verdict: Verdict
    spec: NotRequired[Annotated[str | None, Meta(description="where the requirement stands")]]
    transport: NotRequired[str | None]
    closed: NotRequired[Annotated[str | None, Meta(description="how the session closed")]]
    expected: NotRequired[list[str]]
    actual: NotRequired[str | None]
    reason: NotRequired[str | None]
    transcript: NotRequired[list[TranscriptLine]]
    reproduce: NotRequired[str | None]


class WithoutCases(TypedDict):
    """A statement of the catalogue that no case asks for."""

    id: Name
    level: Level
    requirement: str
    reason: str


class Suite(TypedDict):
    """Which suite judged."""

    version: str
    protocols: NotRequired[Annotated[list[str], Meta(description="revisions that are judged")]]
    requirements: NotRequired[Annotated[Count, Meta(description="requirements that have cases")]]
    cases: NotRequired[Annotated[Count, Meta(description="cases of this run")]]
    without_cases: NotRequired[list[WithoutCases]]


class Handshake(TypedDict, total=False):
    """The OPEN packet: times in milliseconds, size in bytes."""

    pingInterval: float
    pingTimeout: float
    maxPayload: float | None
    upgrades: list[str]


class Target(TypedDict):
    """Which server or client was judged. A server has a url, a client a command."""

    role: NotRequired[Annotated[Literal["server", "client"], Meta(description="server if it is absent")]]
    url: NotRequired[str]
    command: NotRequired[
        Annotated[str, Meta(description="what was given as --client, or as --client-listen")]
    ]
    features: NotRequired[Annotated[list[str], Meta(description="of a client, as its agent declares them")]]
    library: NotRequired[str | None]
    version: NotRequired[str | None]
    mode: NotRequired[str | None]
    title: NotRequired[str | None]
    contract_level: NotRequired[Annotated[int, Meta(ge=0, le=2, description="declared or found")]]
    revisions: NotRequired[Annotated[list[int], Meta(description="revisions of Engine.IO that it speaks")]]
    round_trip: NotRequired[
        Annotated[float | None, Meta(description="seconds until a request is answered, the least of three")]
    ]
    handshake: NotRequired[Handshake | None]


class Cause(TypedDict):
    """Why cases were not judged: what happened, what was seen and what helps, and how many cases."""

    what: str
    detail: str
    cases: Count


class Conformance(TypedDict):
    """conformance-<arm>.json: every case's verdict about one server or client."""

    schema: Literal[1]
    kind: Literal["conformance"]
    suite: Suite
    target: Target
    conformant: bool
    outcome: Literal["conformant", "nothing broken", "known deviations", "failures", "harness error"]
    counts: dict[str, Count]
    cases: list[Case]
    causes: NotRequired[list[Cause]]
    started_at: NotRequired[str | None]
    seconds: NotRequired[Amount | None]


class Metric(TypedDict):
    """One figure of a cell: the median over its usable blocks, and an interval.

    `standing` compares it with the best median of the same transport, workload and number of processes. It
    is null if there are fewer than 3 blocks. If a range without coverage overlaps with the best, nobody is
    "best", and the best one "overlaps best" too.
    """

    unit: str
    better: Literal["higher", "lower", "neither"]
    estimate: float | None
    low: float | None
    high: float | None
    interval: Annotated[str, Meta(description="what low and high are, in words")]
    coverage: Annotated[float | None, Meta(description="exact coverage; null when it is only a range")]
    values: Annotated[list[float], Meta(description="one a usable block, in the order measured")]
    standing: Literal["best", "overlaps best", "behind"] | None


class MergedLatency(TypedDict):
    """Percentiles in µs of all usable blocks' histograms together; keys such as "50", "99.9"."""

    count: int
    percentiles: dict[str, float]
    max: float | None


Flag = Literal[
    "oversubscribed", "generator-bound", "server not saturated", "few samples", "queue not counted"
]


class CellResult(Cell):
    """The statistics of one cell. `blocks` counts blocks by validity; FAILED are those without a result."""

    status: Literal["measured", "not measured"]
    reason: str | None
    workers: Annotated[int, Meta(ge=1, description="server processes")]
    blocks: dict[str, Count]
    errors: Count
    flags: Annotated[dict[Flag, str], Meta(description="what limits the figures, with the details")]
    metrics: dict[str, Metric]
    latency: MergedLatency


class ConformanceSummary(TypedDict):
    """One server's conformance, counted."""

    arm: str
    title: str
    conformant: bool
    outcome: str
    counts: dict[str, int]


class ExcludedBlock(TypedDict):
    """A block that is flagged or left out, with the reasons."""

    round: int
    arm: str
    transport: str
    scenario: str
    connections: int
    verdict: str
    reasons: list[str]


class Results(TypedDict):
    """results.json: the statistics and verdicts that the report shows."""

    schema: Literal[1]
    kind: Literal["results"]
    sioprobe: str | None
    command: str | None
    started_at: str | None
    finished_at: str | None
    interrupted: bool
    verdict: Literal["complete", "failures", "incomplete", "nothing measured"]
    findings: list[str]
    environment: dict[str, Any]
    profile: NotRequired[Annotated[dict[str, Any], Meta(description="the plan, as in run.json")]]
    arms: list[Arm]
    cells: list[CellResult]
    excluded_blocks: list[ExcludedBlock]
    failed_blocks: Annotated[list[str], Meta(description="blocks that gave no result, with the reason")]
    notes: list[str]
    conformance: list[ConformanceSummary]
    side_by_side: NotRequired[list[SideBySide]]
    sections: NotRequired[list[Section]]
    answers: NotRequired[list[Answer]]
    guide: NotRequired[list[GuideLine]]
    choices: NotRequired[list[Choice]]
    meanings: NotRequired[list[Meaning]]


class ProbeResult(TypedDict):
    """One short run at a rate."""

    rate: Annotated[float, Meta(ge=0, description="asked, operations a second of all connections")]
    achieved: Amount
    p50_us: Amount | None
    p99_us: Amount | None
    reach: Amount | None
    errors: Count
    messages_per_second: Amount
    server_cpu_share: Annotated[
        Amount | None, Meta(description="cores used; null where the server was not seen")
    ]
    generator_cpu_share: Annotated[float, Meta(ge=0, description="of one core, busiest process and second")]
    verdict: Trust
    reasons: list[str]
    met: bool
    blame: Literal["", "server", "generator", "machine"]
    why: str
    phase: Literal["doubling", "halving", "bisecting", "confirming"]


class Knee(TypedDict):
    """The highest rate that met the objective."""

    rate: Amount
    messages_per_second: Amount
    messages_per_second_and_core: Amount | None
    server_cpu_share: Amount | None
    saturated: Annotated[
        bool | None, Meta(description="whether the server had no core left; null where it was not seen")
    ]
    p50_us: Amount | None
    p99_us: Annotated[Amount | None, Meta(description="the highest of the confirmations")]


class Capacity(TypedDict):
    """The highest total rate that met an objective, and every probe on the way there."""

    schema: Literal[1]
    kind: Literal["capacity"]
    url: str
    transport: Transport
    scenario: str
    connections: AtLeastOne
    processes: Annotated[int, Meta(ge=1, description="of the generator")]
    objective: Annotated[list[str], Meta(min_length=1, description="conditions that all had to hold")]
    latency_limits_us: NotRequired[
        Annotated[dict[str, Amount], Meta(description="conditions that limit a latency")]
    ]
    probes: Annotated[list[ProbeResult], Meta(description="in the order in which they were made")]
    knee: Knee | None
    confirmed: Annotated[int, Meta(ge=0, description="confirmations in a row; three are asked for")]
    limit: Annotated[
        Literal["server", "generator", "machine", "budget", "ceiling", "nothing"],
        Meta(description="what stood in the way of a higher rate"),
    ]
    statement: Annotated[str, Meta(description="the result in words")]
    seconds: Annotated[float, Meta(ge=0, description="how long the search took")]
    sioprobe: NotRequired[Version]
    environment: NotRequired[Environment]
    started_at: NotRequired[Moment]
    probe_seconds: NotRequired[Amount]
    floor: NotRequired[
        Annotated[dict[str, Any] | None, Meta(description="the same load against the null server")]
    ]
    calibration: NotRequired[Annotated[str | None, Meta(description="why there is no floor")]]
