"""Names at the ends of lines, none on top of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.charts.panels import SMALL
from reports.charts.svg import INK
from reports.writing.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["label_ends", "spread"]

LINE_HEIGHT = 15
"""Of a name, in px."""


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Names of ends (x, y, name, colour) in a column, with a line to each. Limits must be set."""
    to_panel = axes.transData + axes.transAxes.inverted()
    column = [(*to_panel.transform((x, y)), name, colour) for x, y, name, colour in ends]
    column.sort(key=lambda end: end[1])
    right = max((end[0] for end in column), default=0.0) + 0.015
    gap = LINE_HEIGHT / axes.get_window_extent().height
    for (x, y, name, colour), place in zip(column, spread([end[1] for end in column], gap), strict=True):
        axes.plot(
            [x, right],
            [y, place],
            color=colour,
            linewidth=0.8,
            alpha=0.6,
            clip_on=False,
            transform=axes.transAxes,
        )
        axes.text(
            right + 0.01,
            place,
            printable(name),
            va="center",
            fontsize=SMALL,
            color=INK,
            transform=axes.transAxes,
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending `places`, moved apart until neighbours have at least `gap` between them."""
    if not places:
        return []
    moved = list(places)
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + gap)
    overflow = max(0.0, moved[-1] - max(1.0, places[-1]))
    moved = [place - overflow for place in moved]
    for index in range(len(moved) - 2, -1, -1):
        moved[index] = min(moved[index], moved[index + 1] - gap)
    return moved
