"""The small drawings of a history, one for each series. They are made of paths: a year has many points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.history.sentences import days_of, step_words
from reports.statistics.intervals import median
from reports.writing.wording import TRANSPORTS, number, signed_percent, tick
from sioprobe.results.across import HistoryGroup, HistorySeries

__all__ = ["HEIGHT", "WIDTH", "Panel", "panel_of"]

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 18, 20
LEAST_REACH = 0.1
"""The axis goes at least so far from the median: small noise stays small."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A drawing, in the units of its view box. `steps` have place, text and word."""

    name: str
    transport: str
    finding: str
    dots: str
    suspect: str
    intervals: str
    levels: str
    ticks: list[tuple[float, str]]
    steps: list[tuple[float, str, str]]
    first: str
    last: str


def panel_of(group: HistoryGroup, one: HistorySeries) -> Panel:
    """The drawing of one series. Each run of the group has the same room, so panels can be compared."""
    points, runs = one["points"], group["runs"]
    values = [point["value"] for point in points]
    middle = median(values)
    low, high = min(*values, middle * (1 - LEAST_REACH)), max(*values, middle * (1 + LEAST_REACH))
    room = (WIDTH - LEFT - RIGHT) / max(len(runs), 1)

    def x(run: float) -> float:
        return round(LEFT + (run + 0.5) * room, 1)

    def y(value: float) -> float:
        inside = min(max((value - low) / (high - low), -0.04), 1.04)
        return round(HEIGHT - BOTTOM - 4 - inside * (HEIGHT - BOTTOM - TOP - 8), 1)

    def dots(suspect: bool) -> str:
        chosen = [point for point in points if point["suspect"] is suspect]
        return "".join(f"M{x(point['run'])} {y(point['value'])}h0" for point in chosen)

    ends = [0, *(_place(one, step["after"]) for step in one["steps"]), len(points)]
    levels = [
        f"M{x(points[start]['run'] - 0.5)} {y(median(values[start:end]))}H{x(points[end - 1]['run'] + 0.5)}"
        for start, end in pairwise(ends)
    ]
    return Panel(
        name=one["name"],
        transport=TRANSPORTS.get(one["transport"], one["transport"]),
        finding=_finding(group, one),
        dots=dots(False),
        suspect=dots(True),
        intervals="".join(
            f"M{x(point['run'])} {y(point['low'])}V{y(point['high'])}"
            for point in points
            if point["low"] is not None and point["high"] is not None
        ),
        levels="".join(levels) if one["searched"] else "",
        ticks=[(y(value), tick(value)) for value in _ticks(low, high)],
        steps=[
            (
                x((step["before"] + step["after"]) / 2),
                f"{signed_percent(step['change'], 0)} {step['word']}",
                step["word"],
            )
            for step in one["steps"]
        ],
        first=runs[0]["started_at"][:10],
        last=runs[-1]["started_at"][:10],
    )


def _place(one: HistorySeries, run: int) -> int:
    return next(place for place, point in enumerate(one["points"]) if point["run"] == run)


def _finding(group: HistoryGroup, one: HistorySeries) -> str:
    """The level now, and how it came to be."""
    last = one["points"][-1]["value"] if not one["searched"] else _level_now(one)
    now = f"{number(last)} {one['unit']}"
    if not one["searched"]:
        return f"{now} at last, too few runs for steps"
    if not one["steps"]:
        return f"{now}, no step"
    return f"{now} now; " + "; ".join(f"{days_of(group, step)}: {step_words(step)}" for step in one["steps"])


def _level_now(one: HistorySeries) -> float:
    if one["steps"]:
        return one["steps"][-1]["new"]
    return median([point["value"] for point in one["points"]])


def _ticks(low: float, high: float) -> Sequence[float]:
    """Two to four round values between."""
    power = 10 ** math.floor(math.log10(high - low))
    for factor in (1, 0.5, 0.2, 0.1):
        step = power * factor
        ticks = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(ticks) > 1:
            break
    return [round(tick, 10) for tick in ticks]
