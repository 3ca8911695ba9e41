"""The parts of a comparison beside its blocks: arms measured side by side, and the sections of a full one.

A comparison writes `lives.jsonl` (arms that were alive at the same time, see `load.side_by_side`) and
`measurements.jsonl` (one `Measurement` a line). `results.json` holds what follows from them: `SideBySide` and
`Section`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from sioprobe.results.primitives import Amount, AtLeastOne, Count, Name, Transport

__all__ = [
    "SECTIONS",
    "Life",
    "LostLife",
    "Measurement",
    "PairedRatio",
    "Section",
    "SectionName",
    "SectionRow",
    "SideBySide",
]

SectionName = Literal[
    "capacity", "latency", "fanout", "connections", "life", "payload", "processes", "settings"
]
SECTIONS: tuple[SectionName, ...] = (
    "capacity",
    "latency",
    "fanout",
    "connections",
    "life",
    "payload",
    "processes",
    "settings",
)
"""In the order of the page."""


Priority = Annotated[
    Literal["SCHED_RR", "nice -20", "as others"],
    Meta(description="how servers and driver stood to the other processes of the machine"),
]


class Life(TypedDict):
    """One line of lives.jsonl: some arms that were alive at the same time, over one transport.

    A slice is one turn of one arm: its number in `sides`, CPU and wall nanoseconds, and the p50 in µs.
    Each arm has one slice in every `len(sides)` slices.
    """

    number: AtLeastOne
    transport: Transport
    sides: list[Name]
    message: Annotated[dict[str, Any], Meta(description="`event` that was sent, `answer` null for an ack")]
    messages: Annotated[AtLeastOne, Meta(description="of a slice, over all connections of the arm")]
    connections: AtLeastOne
    priority: Priority
    slices: list[tuple[Count, Count, Count, Amount]]


class LostLife(TypedDict):
    """Another line of lives.jsonl: an arm failed in a life, or the life was lost (`arm` is null)."""

    number: AtLeastOne
    arm: str | None
    problem: str


class PairedRatio(TypedDict):
    """The figure of `arm` divided by that of `over`, inside the same lives."""

    arm: Name
    over: Name
    ratio: Amount
    low: Annotated[float | None, Meta(description="null where there are too few lives")]
    high: float | None
    claimed: Annotated[
        Literal["less", "more"] | None,
        Meta(description="what the page may say of `arm` against `over`; null if they cannot be told apart"),
    ]


class SideBySide(TypedDict):
    """Arms that were alive at the same time and driven in turns, over one transport."""

    transport: Transport
    figure: Literal["cpu_us_per_message", "p50_us"]
    load: Annotated[str, Meta(description="what each arm was sent, in words")]
    lives: Count
    coverage: Annotated[float | None, Meta(description="of each interval; null without intervals")]
    priority: Priority
    medians: Annotated[
        dict[str, float],
        Meta(
            description="by arm: the median of its lives, in µs, the lowest first; "
            "an event and its answer are two messages"
        ),
    ]
    ratios: Annotated[
        list[PairedRatio],
        Meta(description="each pair of arms once; the arm with the lower figure is `over`, the lowest first"),
    ]
    problem: Annotated[str | None, Meta(description="why lives are missing")]


class Measurement(TypedDict):
    """One line of measurements.jsonl: one arm in one situation of one section.

    `key` tells it from all others of the folder, so a run that goes on knows what it has already.
    `result` is the document of its kind: a block, a run under load, a search for the highest rate, or what
    `sioprobe doctor --json` prints.
    """

    schema: Literal[1]
    kind: Literal["measurement"]
    key: Name
    section: SectionName
    arm: Name
    transport: Transport | None
    parameters: dict[str, Any]
    result_kind: Literal["block", "load", "capacity", "doctor"]
    result: dict[str, Any] | None
    problem: Annotated[str | None, Meta(description="why there is no result")]
    seconds: Amount


class SectionRow(TypedDict):
    """One line of a section's table. `at` is the situation, such as {"connections": 1000}."""

    arm: Name
    transport: Transport | None
    at: dict[str, Any]
    figures: dict[str, float | None]
    notes: list[str]
    problem: NotRequired[str | None]


class Section(TypedDict):
    """One question that a full comparison answers.

    `units` names each figure of the rows with its unit, in the order of the table's columns.
    """

    name: SectionName
    title: str
    status: Literal["measured", "partly", "not measured"]
    reason: Annotated[str | None, Meta(description="why it is not whole, and which command fills it")]
    units: dict[str, str]
    rows: list[SectionRow]
    findings: Annotated[list[str], Meta(description="what the rows show, in sentences")]
