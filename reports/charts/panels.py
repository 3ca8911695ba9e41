"""What all figures share: one panel for each transport, on a wide and a narrow page, and the look of an arm.

An arm has the same colour, marker and line style in every figure, and its name beside its marks.
Only drawing a figure imports matplotlib.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.charts.svg import ARM_COLOURS, PAPER, RC, inline_svg
from reports.statistics import sentences
from reports.statistics.metrics import MetricKind
from reports.writing.quoting import Quote, Quoted, Quotes
from reports.writing.wording import TRANSPORTS, printable
from sioprobe.results.types import Arm, CellResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, NARROW = 1180, 400
"""Widths in px of the two drawings of a figure. The narrow one has its panels below each other."""

MARKERS = "osD^vPX*"
LINE_STYLES = ("-", "--", "-.", ":")
SMALL = 12
"""Font size in px of all texts except panel titles and row names."""

DrawPanel = Callable[["Axes", str, bool], None]
"""Draws the panel of one transport, or of another thing by its title. The flag: is it the leftmost?"""

Shown = str | Quote | Quoted
"""A cell of a data table."""

SentenceOn = Callable[[list[CellResult], str], str | None]


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """One figure of the page. Its heading is a sentence about it; `rows` is the data table below it."""

    name: str
    label: str
    heading: str
    caption: str
    wide: str
    narrow: str
    columns: list[str]
    rows: Sequence[Sequence[Shown]]


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """How one arm looks in every figure."""

    colour: str
    marker: str
    line: str


def arm_styles(arms: Sequence[Arm]) -> dict[str, ArmStyle]:
    """The style of each arm by its id. From the ninth arm on colours repeat with other line styles."""
    return {
        arm["id"]: ArmStyle(
            ARM_COLOURS[n % len(ARM_COLOURS)],
            MARKERS[n % len(MARKERS)],
            LINE_STYLES[(n + n // len(ARM_COLOURS)) % len(LINE_STYLES)],
        )
        for n, arm in enumerate(arms)
    }


def draw_both(
    panel_heights: tuple[int, int],
    transports: Sequence[str],
    draw_panel: DrawPanel,
    name: str,
    title: str,
    description: str,
    margins: tuple[int, int],
) -> tuple[str, str]:
    """The wide and the narrow SVG. `margins` are the px for names left and right of each panel."""
    wide = _draw(WIDE, panel_heights[0], transports, draw_panel, f"{name}-wide", title, description, margins)
    narrow = _draw(
        NARROW, panel_heights[1], transports, draw_panel, f"{name}-narrow", title, description, margins
    )
    return wide, narrow


def _draw(
    width: int,
    panel_height: int,
    transports: Sequence[str],
    draw_panel: DrawPanel,
    name: str,
    title: str,
    description: str,
    margins: tuple[int, int],
) -> str:
    """The SVG of all panels: side by side on a wide page, below each other on a narrow one."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    beside = width > NARROW
    left, right = margins
    top, bottom, between = 32, 50, 28 + right
    count = len(transports)
    height = top + panel_height + bottom if beside else count * (top + panel_height + bottom)
    with rc_context(RC):  # type: ignore[arg-type]
        figure: Any = Figure(figsize=(width / 72, height / 72), dpi=72)
        for index, transport in enumerate(transports):
            if beside:
                panel_width = (width - left - right - between * (count - 1)) / count
                x, y = left + index * (panel_width + between), bottom
            else:
                panel_width = width - left - right
                x, y = left, height - (index + 1) * (top + panel_height + bottom) + bottom
            axes = figure.add_axes((x / width, y / height, panel_width / width, panel_height / height))
            axes.set_facecolor("none")
            draw_panel(axes, transport, index == 0 or not beside)
            axes.set_title(
                TRANSPORTS.get(transport, transport), loc="left", fontsize=14, fontweight="bold", pad=10
            )
        return inline_svg(figure, name, title, description)


def draw_dot(
    axes: Axes, y: int, style: ArmStyle, middle: float, low: float | None = None, high: float | None = None
) -> None:
    """A dot in one row, with its interval if there is one."""
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], color=style.colour, linewidth=3, solid_capstyle="butt", zorder=3)
    axes.plot([middle], [y], style.marker, color=style.colour, markersize=8, markeredgecolor=PAPER, zorder=4)


def name_rows(axes: Axes, names: Sequence[str], left: bool) -> None:
    """One row for each name, from top to bottom. The names stand only at the left panel."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [printable(name) if left else "" for name in names])


def heading_of(sentence_on: SentenceOn, cells: list[CellResult], transports: list[str]) -> str:
    """What the figure shows, about the first transport on which there is something to say."""
    for transport in sentences.PREFERRED:
        sentence = sentence_on(cells, transport) if transport in transports else None
        if sentence:
            return sentence
    return "Too few blocks to rank"


def figure_texts(cell: CellResult, kind: MetricKind, quotes: Quotes) -> list[Shown]:
    """The figure and its interval, as printed."""
    place = f"{quotes.cell(cell)}/metrics/{kind.name}"
    return [quotes.number(f"{place}/estimate", factor=kind.scale), quotes.between(place, kind.scale)]


def said(cell: CellResult, kind: MetricKind, quotes: Quotes) -> str:
    """The figure with interval and unit."""
    estimate, between = figure_texts(cell, kind, quotes)
    return f"{estimate} ({between}) {kind.shown_unit}"
