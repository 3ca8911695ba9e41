"""What servers cost relative to each other, in two folders.

Both figures of such a ratio met the same milliseconds. So it does not depend on how fast the machine was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from reports.against.rules import SMALLEST_RATIO, word_of
from sioprobe.results.across import RatioChange, Word
from sioprobe.results.comparison import PairedRatio
from sioprobe.results.types import Results

__all__ = ["ratio_changes"]


def ratio_changes(old: Results, new: Results) -> list[RatioChange]:
    """The paired ratios of both, as the new folder names them."""
    before: dict[tuple[object, ...], PairedRatio] = {}
    for side in old.get("side_by_side", []):
        for ratio in side["ratios"]:
            for one in (ratio, _inverted(ratio)):
                before[*_place(side), one["arm"], one["over"]] = one
    found = []
    for side in new.get("side_by_side", []):
        for ratio in side["ratios"]:
            earlier = before.get((*_place(side), ratio["arm"], ratio["over"]))
            if earlier is not None and earlier["ratio"] > 0 and ratio["ratio"] > 0:
                found.append(_ratio(side["transport"], side["figure"], earlier, ratio))
    return found


def _place(side: Mapping[str, Any]) -> tuple[object, ...]:
    """What must be equal: a ratio under another load, or another scheduler, is another ratio."""
    return side["transport"], side["figure"], side.get("load"), side["priority"]


def _inverted(ratio: PairedRatio) -> PairedRatio:
    inverse = [1 / value if value else None for value in (ratio["ratio"], ratio["high"], ratio["low"])]
    opposite: Any = {"less": "more", "more": "less"}.get(ratio["claimed"] or "")
    return {
        "arm": ratio["over"],
        "over": ratio["arm"],
        "ratio": inverse[0] or 0.0,
        "low": inverse[1],
        "high": inverse[2],
        "claimed": opposite,
    }


def _ratio(transport: Any, figure: str, old: PairedRatio, new: PairedRatio) -> RatioChange:
    """The change of a ratio. Its interval is that of a difference of two independent logarithms."""
    change = math.log(new["ratio"] / old["ratio"])
    low = high = None
    word: Word | None = None
    if old["low"] and old["high"] and new["low"] and new["high"]:
        below = math.log(new["ratio"] / new["low"]), math.log(old["high"] / old["ratio"])
        above = math.log(new["high"] / new["ratio"]), math.log(old["ratio"] / old["low"])
        low, high = math.expm1(change - math.hypot(*below)), math.expm1(change + math.hypot(*above))
        word = "cannot be told apart"
        if abs(change) >= math.log1p(SMALLEST_RATIO):
            word = word_of(low, high, higher_is_better=False, smallest=0.0)
    return {
        "transport": transport,
        "figure": figure,
        "arm": new["arm"],
        "over": new["over"],
        "old": old,
        "new": new,
        "change": math.expm1(change),
        "low": low,
        "high": high,
        "word": word,
    }
