"""What a comparison says to whoever chooses a mode: answers, claims beside figures, the choices there are.

Every sentence names the places of its numbers in results.json, so that a reader and a test can look them up.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from sioprobe.results.primitives import Name

__all__ = ["Answer", "Choice", "GuideLine", "Meaning", "Quotation", "Said", "Standing", "Sureness"]


Sureness = Literal["sure", "likely", "alike", "measured once", "indirect", "one mode", "not measured"]


class Quotation(TypedDict):
    """A number in a sentence: `factor` × the value at `source` ÷ the value at `over`.

    Both are JSON pointers into results.json; one that is null counts as 1. A source may be a text too.
    """

    text: str
    source: str | None
    over: str | None
    factor: float


class Said(TypedDict):
    """Sentences, and where their numbers come from."""

    text: str
    quotations: list[Quotation]


class Standing(TypedDict):
    """One mode on the figure that an answer rests on. `times` is its figure divided by the best one."""

    arm: Name
    value: float
    low: float | None
    high: float | None
    source: Annotated[str, Meta(description="JSON pointer to the figure")]
    times: float | None
    times_low: float | None
    times_high: float | None
    times_source: Annotated[str | None, Meta(description="JSON pointer to the paired ratio, if it is one")]
    standing: Annotated[
        Literal["best", "alike", "behind", "unranked"],
        Meta(description="alike: it cannot be told apart from the best; unranked: too few values"),
    ]


class Answer(TypedDict):
    """Which mode suits one kind of user, and how far a reader can rely on it."""

    user: Literal["connections", "messages", "rooms"]
    title: str
    example: str
    answer: Said
    more: Annotated[list[Said], Meta(description="what else the figures say, one matter each")]
    sureness: Annotated[
        Sureness,
        Meta(
            description="sure: paired intervals tell modes apart; likely: blocks do; alike: nothing does; "
            "indirect: another figure speaks for it"
        ),
    ]
    basis: Annotated[Said, Meta(description="what the answer rests on")]
    figure: Annotated[str | None, Meta(description="what the standings are about, in words")]
    unit: str | None
    factor: Annotated[float, Meta(description="from a standing's value to the unit")]
    standings: list[Standing]
    not_measured: list[str]
    command: Annotated[str | None, Meta(description="what measures the rest")]


class GuideLine(TypedDict):
    """What the guide of Flask-SocketIO says, beside what this run measured."""

    claim: str
    where: Annotated[str, Meta(description="where it stands")]
    verdict: Literal["holds here", "does not hold here", "cannot be told here", "not measured"]
    measured: Said


class Meaning(TypedDict):
    """What deviations mean to users, and whom they concern."""

    id: Name
    text: str
    who: str
    official: Annotated[bool, Meta(description="whether users of an official client can notice it")]
    requirements: list[str]
    arms: list[str]


class Choice(TypedDict):
    """One mode: what it is, what it is good for, what it breaks at."""

    arm: Name
    nature: Annotated[str, Meta(description="what kind of server it is, whatever was measured")]
    good_for: list[Said]
    breaks_at: list[Said]
    meanings: Annotated[list[str], Meta(description="ids of what its deviations mean")]
    judged: bool
