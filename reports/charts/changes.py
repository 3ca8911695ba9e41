"""The change of one figure: a dot with its interval for each server, a panel for each transport."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.charts.panels import SMALL, DrawnFigure, arm_styles, draw_both, draw_dot, name_rows
from reports.charts.svg import INK, MUTED, RULE
from reports.writing.wording import TRANSPORT_ORDER, change, signed_percent
from sioprobe.results.across import FigureChange, PairedCell
from sioprobe.results.types import Arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_changes"]

ROW = 29
LEAST_REACH, MOST_REACH = math.log(1.16), math.log(4)
TICKS = (
    (math.log(1.18), (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15)),
    (math.log(1.6), (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4)),
    (MOST_REACH * 2, (-0.7, -0.5, -0.25, 0.0, 0.5, 1.0, 2.0)),
)
"""Changes at the ticks of an axis that reaches so far, as a logarithm."""

CAPTION = (
    "New over old. Dot: the median of all ratios between a block of the one and a block of the other; line: "
    "its {coverage} interval. Within the grey band a change is no more than one server shows from one run to "
    "the next. A change is called better or worse only if its whole interval lies outside. The scale is "
    "logarithmic: half and double are equally far from 0."
)


def draw_changes(
    arms: Sequence[Arm],
    rows: Sequence[tuple[str, PairedCell, FigureChange]],
    smallest: float,
    coverage: str,
    names: tuple[str, str],
    heading: str,
    columns: list[str],
    table: list[list[str]],
) -> DrawnFigure | None:
    """`rows` have a label, the cell and its figure. None where nothing could be compared."""
    drawn = [row for row in rows if row[2]["change"] is not None]
    if not drawn:
        return None
    labels = list(dict.fromkeys(label for label, _, _ in drawn))
    transports = [
        transport
        for transport in TRANSPORT_ORDER
        if any(cell["transport"] == transport for _, cell, _ in drawn)
    ]
    styles = arm_styles(arms)
    reach = _reach([figure for _, _, figure in drawn])

    def place(share: float) -> float:
        return min(max(math.log1p(max(share, -0.99)), -reach), reach)

    def panel(axes: Axes, transport: str, left: bool) -> None:
        axes.axvspan(
            -math.log1p(smallest), math.log1p(smallest), color=RULE, alpha=0.45, linewidth=0, zorder=0
        )
        axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
        for label, cell, figure in drawn:
            if cell["transport"] != transport:
                continue
            y, style, share = labels.index(label), styles[cell["arm"]], figure["change"] or 0.0
            low, high = (share if end is None else end for end in (figure["low"], figure["high"]))
            draw_dot(axes, y, style, place(share), place(low), place(high))
            word = figure["word"] if figure["word"] in ("better", "worse") else ""
            axes.annotate(
                f"{signed_percent(share, 0)} {word}".rstrip(),
                (1, y),
                xycoords=axes.get_yaxis_transform(),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL,
                color=INK if word else MUTED,
                fontweight="bold" if word else "normal",
            )
        axes.set_xlim(-reach, reach)
        name_rows(axes, labels, left)
        ticks = next(ticks for limit, ticks in TICKS if reach <= limit)
        shown = [tick for tick in ticks if abs(math.log1p(tick)) <= reach]
        texts = [signed_percent(tick, 0) if tick else "0" for tick in shown]
        axes.set_xticks([math.log1p(tick) for tick in shown], texts)
        axes.tick_params(axis="both", length=0)
        axes.spines["bottom"].set_visible(False)

    description = "; ".join(
        f"{label} over {cell['transport']} {change(figure['change'], figure['low'], figure['high'])}"
        for label, cell, figure in drawn
    )
    height = ROW * len(labels)
    name, label = names
    wide, narrow = draw_both((height, height), transports, panel, name, heading, description, (130, 96))
    caption = CAPTION.format(coverage=coverage)
    return DrawnFigure(name, label, heading, caption, wide, narrow, columns, table)


def _reach(figures: Sequence[FigureChange]) -> float:
    """The end of the axis on both sides, as a logarithm."""
    ends = [
        abs(math.log1p(max(end, -0.99)))
        for figure in figures
        for end in (figure["change"], figure["low"], figure["high"])
        if end is not None
    ]
    return min(max(LEAST_REACH, *ends) * 1.06, MOST_REACH)
