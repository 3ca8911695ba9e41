"""What the ratios of arms measured side by side show: one sentence for each table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.statistics.side_by_side import over_lowest
from reports.writing.wording import TRANSPORTS, listed, number
from sioprobe.results.comparison import PairedRatio, SideBySide
from sioprobe.results.types import Arm

__all__ = ["bounds", "ratio_sentence"]

MOST_TOLD, MOST_ALIKE = 2, 4
"""A sentence gives so many ratios, and names so many arms that are alike: the first in the plan."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words for a figure: its name, and the verbs for one arm and for several."""

    figure: str
    lowest: str
    one: str
    several: str
    multiple: str


WORDS = {
    "cpu_us_per_message": Words("server CPU for a message", "least", "needs", "need", "as much"),
    "p50_us": Words("median latency in short bursts", "lowest", "has", "have", "that"),
}


def ratio_sentence(part: SideBySide, arms: Sequence[Arm]) -> str:
    """Which arms have the lowest figure, and how much more others have. Arms that are alike have no order."""
    place = {arm["id"]: n for n, arm in enumerate(arms)}
    words, others = WORDS[part["figure"]], over_lowest(part)
    lowest = next(iter(part["medians"]))
    over = f"Over {TRANSPORTS[part['transport']]}"
    if all(one["low"] is None for one in others):
        return f"{over}, there are too few lives side by side to rank the servers by {words.figure}"
    alike = [lowest, *(one["arm"] for one in others if one["claimed"] != "more")]
    alike.sort(key=lambda arm: place.get(arm, len(place)))
    behind = [one for one in others if one["claimed"] == "more"]
    if not behind:
        return f"{over}, the {words.figure} of {_named(alike)} cannot be told apart"
    if len(alike) == 1:
        said, than = f"{lowest} {words.one} the {words.lowest} {words.figure}", ""
    else:
        said = f"{_named(alike)} {words.several} the {words.lowest} {words.figure}, and cannot be told apart"
        than = f" {'as' if words.multiple == 'as much' else 'of'} {lowest}"
    behind.sort(key=lambda one: place.get(one["arm"], len(place)))
    told = sorted(behind[:MOST_TOLD], key=lambda one: one["ratio"])
    ratios = [f"{one['arm']} {number(one['ratio'])} times{bounds(one, ' ')}" for one in told]
    first, times = told[0], f"{number(told[0]['ratio'])} times"
    ratios[0] = f"{first['arm']} {words.one} {times} {words.multiple}{than}{bounds(first, ' ')}"
    left = [one["arm"] for one in behind[MOST_TOLD:]]
    more = ""
    if left:
        rest = listed(left) if len(left) <= MOST_TOLD else f"the {len(left)} others"
        more = f"; {rest} {words.one if len(left) == 1 else words.several} more too"
    return f"{over}, {said}; {listed(ratios)}{more}"


def bounds(one: PairedRatio, before: str = "") -> str:
    """`[1.36, 1.47]` after `before`, or nothing where there are too few lives."""
    if one["low"] is None or one["high"] is None:
        return ""
    return f"{before}[{number(one['low'])}, {number(one['high'])}]"


def _named(arms: list[str]) -> str:
    if len(arms) > MOST_ALIKE:
        return f"{', '.join(arms[: MOST_ALIKE - 1])} and {len(arms) - MOST_ALIKE + 1} others"
    return listed(arms)
