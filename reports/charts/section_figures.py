"""The figures of a section: lines over its situations where there is an order of them, else dots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.charts.labels import label_ends
from reports.charts.panels import SMALL, ArmStyle, DrawnFigure, arm_styles, draw_both, draw_dot, name_rows
from reports.charts.svg import INK, MUTED, PAPER
from reports.statistics.sections.processes import OVERSUBSCRIBED
from reports.writing.units import ShownAs, shown_as
from reports.writing.wording import TRANSPORTS, number, slug, tick
from sioprobe.results.comparison import Section, SectionName, SectionRow
from sioprobe.results.types import Arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["VIEWS", "View", "draw_section", "heading_of_view"]

ROW = 29
"""Height in px of one arm's row."""
LINES = (300, 280)
"""Heights in px of a panel with lines."""
MOST_PANELS = 3
MOST_TICKS = 6
LOG_FROM = 8
"""An axis is logarithmic if its largest value is so many times the smallest."""


@dataclass(frozen=True, slots=True)
class View:
    """One figure of a section: `figure` over the situation `over`, or as dots without it.

    `only` chooses rows, `split` makes a panel for each of its values. The title is a finding with
    `word`, or else `title`.
    """

    figure: str
    over: str | None = None
    only: tuple[str, str] | None = None
    split: str | None = None
    word: str | None = None
    title: str = ""
    caption: str = "Each mark is one measurement, without an interval."


VIEWS: dict[SectionName, tuple[View, ...]] = {
    "capacity": (
        View("capacity_per_second", only=("point", "capacity"), word="one search each"),
        View(
            "p99_us",
            "offered_per_second",
            only=("point", "probe"),
            title="The p99 at each rate that was tried",
            caption="Events come at their times, whether the answers before them are there or not. Beyond "
            "its limit a server falls behind, and each answer comes later than the one before. Each mark is "
            "one short measurement.",
        ),
    ),
    "latency": (View("p99_us", "offered_per_second", word="the p99 is"),),
    "fanout": (
        View("deliveries_per_second", "room_size", word="deliveries a second"),
        View("last_p50_us", "room_size", word="reached everybody"),
    ),
    "connections": (
        View("rss_bytes_per_connection", "idle_connections", word="Memory of each"),
        View("connects_per_second", word="connect at"),
    ),
    "life": (
        View("all_back_us", only=("scenario", "storm"), word="everybody is back"),
        View(
            "p99_beside_slow_us", only=("scenario", "slow"), title="The others while some clients do not read"
        ),
    ),
    "payload": (View("cpu_us_per_message", "payload_bytes", split="content", word="bytes of text"),),
    "processes": (
        View(
            "speedup",
            "processes",
            only=("scenario", "ack"),
            split="queue",
            word="the acks",
            caption="Dotted: as many times as there are processes. Each mark is one measurement, without an "
            "interval.",
        ),
        View(
            "cpu_us_per_delivery",
            "processes",
            only=("scenario", "fanout"),
            split="queue",
            word="a delivery in a room costs",
            caption="Servers and queue together. Each mark is one measurement, without an interval.",
        ),
    ),
    "settings": (),
}
IDEAL = "speedup"
"""Of this figure the ideal is drawn too: as many times as much as there are processes."""

OPEN_MARKS = (
    "Open marks: there were more processes than cores, so nothing is known about how these scale on more."
)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one figure in one panel, by arm: (situation, value) in ascending order."""

    panel: str
    points: dict[str, list[Point]]
    open_marks: set[tuple[str, float]]
    """Arm and situation of what ran on too few cores."""


def draw_section(section: Section, arms: Sequence[Arm]) -> list[DrawnFigure]:
    """The figures of one section, none where nothing was measured. The table is not theirs."""
    figures = []
    for view in VIEWS[section["name"]]:
        rows = [row for row in section["rows"] if _shows(view, row)]
        if rows:
            figures.append(_figure(section, view, rows, arms))
    return figures


def heading_of_view(section: Section, view: View) -> str:
    """The finding that the figure shows: of those with the word one that names most servers."""
    found = [finding for finding in section["findings"] if view.word and view.word in finding]
    arms = {row["arm"] for row in section["rows"]}
    # Of those that name as many, the last.
    best = max(reversed(found), key=lambda finding: sum(f"{arm} " in finding for arm in arms), default=None)
    return best or view.title or section["title"]


def _shows(view: View, row: SectionRow) -> bool:
    if row["figures"].get(view.figure) is None or (view.over and view.over not in row["at"]):
        return False
    if "part" in row["at"]:
        return False
    return view.only is None or row["at"].get(view.only[0]) == view.only[1]


def _figure(section: Section, view: View, rows: list[SectionRow], arms: Sequence[Arm]) -> DrawnFigure:
    kind = shown_as(view.figure, section["units"][view.figure])
    series = _series(rows, view, kind)
    styles = arm_styles(arms)
    shown = [arm["id"] for arm in arms if any(arm["id"] in one.points for one in series)]
    by_panel = {one.panel: one for one in series}
    name = f"section-{section['name']}-{slug(view.figure)}"
    title = heading_of_view(section, view)
    description = "; ".join(_described(one, kind, view.over) for one in series)

    def panel(axes: Axes, key: str, left: bool) -> None:
        if view.over:
            _lines(axes, by_panel[key], series, styles, kind, view.over, view.figure == IDEAL)
        else:
            _dots(axes, by_panel[key], series, styles, kind, shown, left)

    height = ROW * len(shown)
    heights, margins = (LINES, (64, 128)) if view.over else ((height, height), (140, 12))
    wide, narrow = draw_both(heights, list(by_panel), panel, name, title, description, margins)
    caption = f"{view.caption} {OPEN_MARKS}" if any(one.open_marks for one in series) else view.caption
    return DrawnFigure(name, section["title"], title, caption, wide, narrow, [], [])


def _series(rows: list[SectionRow], view: View, kind: ShownAs) -> list[Series]:
    """One for each panel, in the order of the page."""
    panels: dict[str, Series] = {}
    for row in sorted(rows, key=lambda row: list(TRANSPORTS).index(row["transport"] or "websocket")):
        words = [str(row["at"].get(view.split))] if view.split else []
        key = ", ".join([*words, *([TRANSPORTS[row["transport"]]] if row["transport"] else [])]) or "All"
        x, value = row["at"][view.over] if view.over else 0.0, row["figures"][view.figure] or 0.0
        one = panels.setdefault(key, Series(key, {}, set()))
        one.points.setdefault(row["arm"], []).append((float(x), value * kind.factor))
        if any(note.startswith(OVERSUBSCRIBED) for note in row["notes"]):
            one.open_marks.add((row["arm"], float(x)))
    for one in panels.values():
        for line in one.points.values():
            line.sort()
    return list(panels.values())[:MOST_PANELS]


def _lines(
    axes: Axes,
    own: Series,
    every: Sequence[Series],
    styles: Mapping[str, ArmStyle],
    kind: ShownAs,
    order: str,
    ideal: bool,
) -> None:
    """One line for each arm. All panels of a figure have the same axes."""
    import matplotlib.ticker as ticker

    points = [point for one in every for line in one.points.values() for point in line]
    xs, ys = sorted({x for x, _ in points}), [y for _, y in points]
    log_x, log_y = (min(values) > 0 and max(values) / min(values) >= LOG_FROM for values in (xs, ys))
    axes.set_xscale("log" if log_x else "linear")
    axes.set_yscale("log" if log_y else "linear")
    margin = 1.15 if log_x else 0.05 * (xs[-1] - xs[0] or 1.0)
    axes.set_xlim(*((xs[0] / margin, xs[-1] * margin) if log_x else (xs[0] - margin, xs[-1] + margin)))
    top = max([*ys, *(xs if ideal else [])])
    axes.set_ylim(*((min(ys) / 1.3, top * 1.3) if log_y else (0, top * 1.12)))
    if ideal:
        axes.plot(xs, xs, color=MUTED, linewidth=1, linestyle=":", zorder=1)
    ends = []
    for arm, line in own.points.items():
        style = styles[arm]
        axes.plot(*zip(*line, strict=True), color=style.colour, linestyle=style.line, linewidth=2, zorder=2)
        marks: dict[bool, list[Point]] = {False: [], True: []}
        for x, y in line:
            marks[(arm, x) in own.open_marks].append((x, y))
        for is_open, some in marks.items():
            inside, edge = (PAPER, style.colour) if is_open else (style.colour, PAPER)
            if some:
                xy = zip(*some, strict=True)
                axes.plot(*xy, style.marker, color=inside, markersize=7, markeredgecolor=edge, zorder=3)
        ends.append((*line[-1], arm, style.colour))
    label_ends(axes, ends)
    if len(xs) <= MOST_TICKS:
        axes.set_xticks(xs, [tick(x) for x in xs])
    elif log_x:
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    else:
        axes.locator_params(axis="x", nbins=MOST_TICKS)
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    if log_y:
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: tick(value))
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", labelcolor=MUTED)
    axes.grid(linewidth=0.8, zorder=0)
    for side in ("bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel(order.replace("_", " "), fontsize=SMALL)
    axes.set_ylabel(kind.title, fontsize=SMALL)


def _dots(
    axes: Axes,
    own: Series,
    every: Sequence[Series],
    styles: Mapping[str, ArmStyle],
    kind: ShownAs,
    shown: Sequence[str],
    left: bool,
) -> None:
    """One dot for each arm, on an axis that begins at 0."""
    largest = max(y for one in every for line in one.points.values() for _, y in line) or 1.0
    for row, arm in enumerate(shown):
        if arm not in own.points:
            axes.text(
                largest * 0.01,
                row,
                "not measured",
                va="center",
                color=MUTED,
                fontsize=SMALL,
                fontstyle="italic",
            )
            continue
        value, style = own.points[arm][-1][1], styles[arm]
        draw_dot(axes, row, style, value)
        axes.text(value + largest * 0.03, row, number(value), va="center", fontsize=SMALL, color=INK)
    name_rows(axes, shown, left)
    axes.set_xlim(0, largest * 1.2)
    axes.tick_params(axis="both", length=0)
    axes.grid(axis="x", linewidth=0.8, zorder=0)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel(kind.title, fontsize=SMALL)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))


def _described(series: Series, kind: ShownAs, order: str | None) -> str:
    at = f" at {order.replace('_', ' ')} " if order else ""
    told = [
        f"{arm} {', '.join(f'{number(y)}{at}{tick(x)}' if order else number(y) for x, y in line)}"
        for arm, line in series.points.items()
    ]
    return f"{series.panel}, {kind.title}: {'; '.join(told)}"
