"""What `sioprobe report` finds across result folders: two side by side, and many over time.

A change is a share: .05 is 5 % more than before. Figures have the units of results.json, unless a series of a
history names its own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from sioprobe.results.comparison import PairedRatio
from sioprobe.results.primitives import Count, Name, Transport
from sioprobe.results.types import Cell, Environment

__all__ = [
    "Against",
    "ComparedFolder",
    "FigureChange",
    "History",
    "HistoryGroup",
    "HistoryPoint",
    "HistoryRun",
    "HistorySeries",
    "HistoryStep",
    "PairedCell",
    "RatioChange",
    "SectionChange",
    "VerdictChange",
    "VersionChange",
    "Word",
]

Word = Literal["better", "worse", "cannot be told apart"]
Low = Annotated[float | None, Meta(description="null where there are too few values for an interval")]


class ComparedFolder(TypedDict):
    """One of the two folders. `blocks` counts the blocks of its cells by validity."""

    name: str
    started_at: str | None
    sioprobe: str | None
    command: str | None
    environment: Environment
    blocks: dict[str, Count]


class VersionChange(TypedDict):
    """What the two sides run on, in two versions. Without arms it is what sioprobe itself ran on."""

    name: str
    old: str | None
    new: str | None
    arms: list[str]


class FigureChange(TypedDict):
    """One figure of a cell in both folders: medians over blocks. The change is new over old, less one."""

    figure: Name
    unit: str
    better: Literal["higher", "lower", "neither"]
    old: float | None
    new: float | None
    blocks: Annotated[list[Count], Meta(min_length=2, max_length=2, description="old, new")]
    change: float | None
    low: Low
    high: float | None
    word: Annotated[Word | None, Meta(description="null where there is no interval")]


class PairedCell(Cell):
    """A cell that both folders measured."""

    figures: list[FigureChange]
    errors: Annotated[list[Count], Meta(min_length=2, max_length=2, description="old, new")]


class RatioChange(TypedDict):
    """What an arm costs relative to another one, in both folders, and the change of that."""

    transport: Transport
    figure: str
    arm: Name
    over: Name
    old: PairedRatio
    new: PairedRatio
    change: float
    low: Low
    high: float | None
    word: Word | None


class SectionChange(TypedDict):
    """One figure of a section's row in both folders. Each is one measurement, so nothing is claimed."""

    section: str
    arm: Name
    transport: Transport | None
    at: dict[str, Any]
    figure: str
    unit: str
    old: float
    new: float
    change: float | None


class VerdictChange(TypedDict):
    """A case with another verdict; null where a folder did not ask for it."""

    arm: Name
    id: Name
    requirement: str
    case: str
    transport: str | None
    old: str | None
    new: str | None
    kind: Literal["broken", "mended", "other", "asked once"]


class Against(TypedDict):
    """against.json: two result folders side by side."""

    schema: Literal[1]
    kind: Literal["against"]
    old: ComparedFolder
    new: ComparedFolder
    meaningless: Annotated[list[str], Meta(description="why the figures say nothing; --force shows them")]
    findings: list[str]
    notes: list[str]
    versions: list[VersionChange]
    coverage: Annotated[float, Meta(description="at least so much has each interval of a cell's figure")]
    smallest: Annotated[dict[str, float], Meta(description="changes below are not claimed, by figure")]
    cells: list[PairedCell]
    together: Annotated[
        dict[str, float],
        Meta(description="figures that changed in most cells at once, with the median change"),
    ]
    unpaired: Annotated[list[str], Meta(description="cells without a partner, with the reason")]
    ratios: list[RatioChange]
    sections: list[SectionChange]
    conformance: list[VerdictChange]
    judged: Annotated[list[str], Meta(description="arms with conformance results in both folders")]


class HistoryRun(TypedDict):
    """One folder of a history. `changed` is what it runs on in other versions than the run before it."""

    name: str
    started_at: str
    sioprobe: str | None
    blocks: dict[str, Count]
    changed: list[VersionChange]


class HistoryPoint(TypedDict):
    """A series in one run. `run` is the place in `runs` of its group."""

    run: Count
    value: float
    low: float | None
    high: float | None
    suspect: Annotated[bool, Meta(description="whether most of its blocks are SUSPECT")]


class HistoryStep(TypedDict):
    """Between two runs the level changed: medians of the points before and after, up to the next step."""

    before: Annotated[int, Meta(ge=0, description="last run before, as a place in `runs`")]
    after: Annotated[int, Meta(ge=0, description="first run after")]
    old: float
    new: float
    change: float
    low: Low
    high: float | None
    word: Literal["better", "worse"]
    versions: Annotated[list[VersionChange], Meta(description="what changed its version between the two")]


class HistorySeries(TypedDict):
    """One figure of one server over time."""

    name: Annotated[str, Meta(description="the server, or the cell of a gate")]
    transport: str
    figure: str
    label: str
    unit: str
    better: Literal["higher", "lower"]
    points: list[HistoryPoint]
    steps: list[HistoryStep]
    searched: Annotated[bool, Meta(description="whether there are enough points to look for steps")]


class HistoryGroup(TypedDict):
    """Runs that may be drawn in one figure: one machine, one load. In the order of time."""

    of: Literal["comparison", "gate"]
    machine: str
    load: str
    runs: list[HistoryRun]
    series: list[HistorySeries]


class History(TypedDict):
    """history.json: figures over time."""

    schema: Literal[1]
    kind: Literal["history"]
    fewest: Annotated[int, Meta(description="fewer points are not searched for steps")]
    findings: list[str]
    notes: list[str]
    groups: list[HistoryGroup]
