"""Figures with one row for each arm: dots or bars with intervals, on a value axis that starts at 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from reports.charts.panels import (
    SMALL,
    DrawnFigure,
    SentenceOn,
    arm_styles,
    draw_both,
    draw_dot,
    figure_texts,
    heading_of,
    name_rows,
    said,
)
from reports.charts.svg import INK, MUTED
from reports.statistics import sentences
from reports.statistics.metrics import METRICS, MetricKind
from reports.writing.quoting import Quotes
from reports.writing.wording import TRANSPORTS, number, tick
from sioprobe.results.types import Arm, CellResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 29
"""Height in px of one arm's row."""

DrawRow = Callable[["Axes", int, CellResult], None]


def draw_dots(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    quotes: Quotes,
    metric: str,
    names: tuple[str, str],
    sentence_on: SentenceOn,
    caption: str,
) -> DrawnFigure | None:
    """A dot with its interval for each arm. `names` are the id and the label of the figure."""
    kind, styles = METRICS[metric], arm_styles(arms)

    def row(axes: Axes, y: int, cell: CellResult) -> None:
        metric, style = cell["metrics"][kind.name], styles[cell["arm"]]
        estimate, low, high = ((metric[key] or 0.0) * kind.scale for key in ("estimate", "low", "high"))
        draw_dot(axes, y, style, estimate, low, high)

    return _rows(arms, cells, quotes, kind, names, sentence_on, caption, row)


def draw_bars(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    quotes: Quotes,
    metric: str,
    names: tuple[str, str],
    sentence_on: SentenceOn,
    caption: str,
    beside: Sequence[str] = (),
) -> DrawnFigure | None:
    """A bar with its interval for each arm. The metrics in `beside` stand only in the table."""
    kind, styles = METRICS[metric], arm_styles(arms)

    def row(axes: Axes, y: int, cell: CellResult) -> None:
        metric = cell["metrics"][kind.name]
        estimate, low, high = ((metric[key] or 0.0) * kind.scale for key in ("estimate", "low", "high"))
        axes.barh(y, estimate, height=0.56, color=styles[cell["arm"]].colour, alpha=0.75, zorder=2)
        axes.plot([low, high], [y, y], color=INK, linewidth=1.4, zorder=4)
        axes.plot([low, high], [y, y], "|", color=INK, markersize=7, markeredgewidth=1.4, zorder=4)

    return _rows(arms, cells, quotes, kind, names, sentence_on, caption, row, beside)


def _rows(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    quotes: Quotes,
    kind: MetricKind,
    names: tuple[str, str],
    sentence_on: SentenceOn,
    caption: str,
    draw_row: DrawRow,
    beside: Sequence[str] = (),
) -> DrawnFigure | None:
    """A figure with one row for each arm and one panel for each transport, on one value axis."""
    have = [cell for cell in cells if cell["metrics"][kind.name]["estimate"] is not None]
    if not have:
        return None
    transports = sentences.transports_of(have)
    shown = [arm for arm in arms if any(cell["arm"] == arm["id"] for cell in cells)]
    largest = max((cell["metrics"][kind.name]["high"] or 0.0) * kind.scale for cell in have)
    by_key: dict[tuple[str, str], CellResult] = {(cell["arm"], cell["transport"]): cell for cell in cells}

    def panel(axes: Axes, transport: str, left: bool) -> None:
        for y, arm in enumerate(shown):
            cell = by_key.get((arm["id"], transport))
            if cell is None or cell["metrics"][kind.name]["estimate"] is None:
                why = "not run" if arm["status"] == "not run" else "not measured"
                axes.text(
                    largest * 0.01, y, why, va="center", color=MUTED, fontsize=SMALL, fontstyle="italic"
                )
                continue
            metric = cell["metrics"][kind.name]
            draw_row(axes, y, cell)
            text = number((metric["estimate"] or 0.0) * kind.scale)
            end = max(metric["high"] or 0.0, metric["estimate"] or 0.0) * kind.scale
            axes.text(max(end, 0) + largest * 0.025, y, text, va="center", fontsize=SMALL, color=INK)
        name_rows(axes, [arm["id"] for arm in shown], left)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, largest * 1.16)
        axes.grid(axis="x", linewidth=0.8, zorder=0)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel(f"{kind.label}, {kind.shown_unit}", fontsize=SMALL)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _: tick(value))

    heading = heading_of(sentence_on, have, transports)
    description = "; ".join(
        f"{cell['arm']} over {TRANSPORTS[cell['transport']]} {said(cell, kind, quotes)}" for cell in have
    )
    height = ROW * len(shown)
    name, label = names
    wide, narrow = draw_both((height, height), transports, panel, name, heading, description, (140, 12))
    return DrawnFigure(
        name=name,
        label=label,
        heading=heading,
        caption=caption,
        wide=wide,
        narrow=narrow,
        columns=[
            "Server",
            "Transport",
            f"{kind.label}, {kind.shown_unit}",
            "Interval",
            *(f"{METRICS[metric].label}, {METRICS[metric].shown_unit}" for metric in beside),
            "What the interval is",
        ],
        rows=[
            [
                cell["arm"],
                TRANSPORTS[cell["transport"]],
                *figure_texts(cell, kind, quotes),
                *(figure_texts(cell, METRICS[metric], quotes)[0] for metric in beside),
                cell["metrics"][kind.name]["interval"],
            ]
            for cell in have
        ],
    )
