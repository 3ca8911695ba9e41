"""The shapes of the result files, as they stand in JSON.

The JSON Schemas in `schema/` say the same to programs in other languages; `validate.py` checks against them.
Durations inside `Latency` are microseconds, everywhere else seconds; sizes are bytes.
"""

from typing import Any, Literal, NotRequired, TypedDict

SCHEMA_VERSION = 1

Transport = Literal["polling", "websocket", "upgrade"]
Level = Literal["MUST", "SHOULD", "MAY", "reference", "gap"]
Verdict = Literal[
    "pass",
    "non-strict",
    "fail",
    "info",
    "not applicable",
    "inconclusive",
    "harness error",
    "known deviation",
    "unexpected pass",
]
Validity = Literal["VALID", "SUSPECT", "INVALID"]


class Arm(TypedDict):
    """One server of a comparison; `reason` says why it was not run."""

    id: str
    title: str
    status: Literal["measured", "not run"]
    reason: str | None
    mode: NotRequired[str | None]
    workers: NotRequired[int]
    queue: NotRequired[str | None]
    versions: NotRequired[dict[str, str]]
    async_mode: NotRequired[str | None]


class Cell(TypedDict):
    """What one row of blocks measures."""

    arm: str
    transport: Transport
    scenario: str
    connections: int


class Run(TypedDict):
    """run.json: written at the start, and again at the end."""

    schema: int
    kind: Literal["run"]
    sioprobe: str
    command: str
    environment: dict[str, Any]
    started_at: str
    finished_at: str | None
    interrupted: bool
    arms: list[Arm]
    cells: list[Cell]
    profile: NotRequired[dict[str, Any]]


class Latency(TypedDict):
    """Of one block; `sioprobe.results.histogram.Histogram.to_latency` makes it."""

    unit: Literal["us"]
    count: int
    p50: float | None
    p90: NotRequired[float | None]
    p99: float | None
    max: float | None
    histogram: list[list[int]]


class ServerUsage(TypedDict, total=False):
    """Of all server processes together: CPU within the measured window, sizes at its end."""

    cpu_seconds: float | None
    rss_bytes: int | None
    rss_before_connections_bytes: int | None
    threads: int | None
    fds: int | None
    processes: int | None


class GeneratorUsage(TypedDict, total=False):
    """Of the load generator's processes, within the measured window."""

    cpu_seconds: float | None
    rss_bytes: int | None


class BlockValidity(TypedDict):
    """Whether a block may be believed, and what speaks against it."""

    verdict: Validity
    reasons: list[str]


class Block(TypedDict):
    """One line of rounds.jsonl."""

    schema: int
    kind: Literal["block"]
    round: int
    arm: str
    transport: Transport
    scenario: str
    connections: int
    seconds: float
    operations: int
    messages: int
    errors: int
    latency: Latency
    server: ServerUsage
    generator: GeneratorUsage
    validity: BlockValidity
    order: NotRequired[int]
    started_at: NotRequired[str | None]
    warmup_seconds: NotRequired[float | None]
    error_kinds: NotRequired[dict[str, int]]
    connected: NotRequired[int]


class TranscriptLine(TypedDict):
    """One packet or request on the wire; `time` in seconds since the case began."""

    time: float
    direction: Literal["C→S", "S→C"]
    raw: str
    layer: NotRequired[str | None]
    meaning: NotRequired[str | None]


class Case(TypedDict):
    """One case's verdict."""

    id: str
    requirement: str
    level: Level
    case: str
    verdict: Verdict
    spec: NotRequired[str | None]
    transport: NotRequired[str | None]
    closed: NotRequired[str | None]
    expected: NotRequired[list[str]]
    actual: NotRequired[str | None]
    reason: NotRequired[str | None]
    transcript: NotRequired[list[TranscriptLine]]
    reproduce: NotRequired[str | None]


class WithoutCases(TypedDict):
    """A statement of the catalogue that no case asks for."""

    id: str
    level: Level
    requirement: str
    reason: str


class Suite(TypedDict):
    """Which suite judged, by how many requirements that have cases, and by how many cases in this run."""

    version: str
    protocols: NotRequired[list[str]]
    requirements: NotRequired[int]
    cases: NotRequired[int]
    without_cases: NotRequired[list[WithoutCases]]


class Target(TypedDict):
    """Which server was judged."""

    url: str
    library: NotRequired[str | None]
    version: NotRequired[str | None]
    mode: NotRequired[str | None]
    title: NotRequired[str | None]
    contract_level: NotRequired[int]
    revisions: NotRequired[list[int]]
    handshake: NotRequired[dict[str, Any] | None]


class Conformance(TypedDict):
    """conformance-<arm>.json."""

    schema: int
    kind: Literal["conformance"]
    suite: Suite
    target: Target
    conformant: bool
    outcome: Literal["conformant", "known deviations", "failures", "harness error"]
    counts: dict[str, int]
    cases: list[Case]
    started_at: NotRequired[str | None]
    seconds: NotRequired[float | None]


class Metric(TypedDict):
    """One figure of a cell: the median over its usable blocks, and an interval.

    `standing` is against the best median of the same transport, workload and number of processes. Nobody is
    "best" where a range without coverage overlaps with it: then it, too, "overlaps best".
    """

    unit: str
    better: Literal["higher", "lower", "neither"]
    estimate: float | None
    low: float | None
    high: float | None
    interval: str
    coverage: float | None
    values: list[float]
    standing: Literal["best", "overlaps best", "behind"] | None


class MergedLatency(TypedDict):
    """Percentiles in µs of all usable blocks' histograms together; keys such as "50", "99.9"."""

    count: int
    percentiles: dict[str, float]
    max: float | None


class CellResult(Cell):
    """The statistics of one cell; `blocks` counts them by validity, and under FAILED those that gave none."""

    status: Literal["measured", "not measured"]
    reason: str | None
    workers: int
    blocks: dict[str, int]
    errors: int
    flags: list[str]
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
    """results.json."""

    schema: int
    kind: Literal["results"]
    sioprobe: str | None
    command: str | None
    started_at: str | None
    finished_at: str | None
    interrupted: bool
    verdict: Literal["complete", "failures", "incomplete", "nothing measured"]
    findings: list[str]
    environment: dict[str, Any]
    arms: list[Arm]
    cells: list[CellResult]
    excluded_blocks: list[ExcludedBlock]
    failed_blocks: list[str]
    notes: list[str]
    conformance: list[ConformanceSummary]
