"""The figures of the page, each a panel per transport.

An arm has the same colour, marker and line style in every figure, and its name beside its marks.
Bars and value axes start at 0; intervals are always drawn. Each figure is drawn twice, for a wide and for a
narrow page, where the panels stand below each other.
matplotlib is imported here only, and not before a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import findings
from reports.metrics import METRICS, MetricKind
from reports.svg import ARM_COLOURS, INK, MUTED, PAPER, RC, inline_svg
from reports.wording import TRANSPORTS, interval, number
from sioprobe.results.histogram import Histogram
from sioprobe.results.types import Arm, CellResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, NARROW = 1080, 400
"""Widths in px of the two drawings of a figure."""

MARKERS = "osD^vPX*"
LINE_STYLES = ("-", "--", "-.", ":")
ROW = 27
"""Height in px of one arm's row."""


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """One figure of the page: the heading states the finding; `rows` is the data table under it."""

    name: str
    heading: str
    caption: str
    wide: str
    narrow: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """How one arm looks in every figure."""

    colour: str
    marker: str
    line: str


def arm_styles(arms: Sequence[Arm]) -> dict[str, ArmStyle]:
    """Arm id to style; beyond eight arms colours repeat with other line styles."""
    return {
        arm["id"]: ArmStyle(
            ARM_COLOURS[n % len(ARM_COLOURS)],
            MARKERS[n % len(MARKERS)],
            LINE_STYLES[(n + n // len(ARM_COLOURS)) % len(LINE_STYLES)],
        )
        for n, arm in enumerate(arms)
    }


def draw_figures(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    histograms: dict[tuple[str, str], Histogram],
    prefix: str,
) -> list[DrawnFigure]:
    """The figures of one workload; none when nothing was measured.

    `histograms` holds the merged latencies by (arm, transport).
    """
    measured = [cell for cell in cells if cell["status"] == "measured"]
    if not measured:
        return []
    styles = arm_styles(arms)
    figures = [
        _dots(arms, cells, styles, prefix),
        _bars(arms, cells, prefix, "server_cpu_us_per_message", "cpu", findings.cpu_finding, _CPU_CAPTION),
        _spectrum(measured, styles, histograms, prefix),
        _bars(
            arms, cells, prefix, "rss_bytes_per_connection", "memory", findings.memory_finding, _RSS_CAPTION
        ),
    ]
    return [figure for figure in figures if figure is not None]


_DOTS_CAPTION = (
    "Packets the server handled in a second, both directions. Dot: median over blocks; bar: interval."
)
_CPU_CAPTION = (
    "CPU time of all server processes for one packet, at the load shown above. "
    "Bar: median over blocks; line: interval. Less is better."
)
_RSS_CAPTION = (
    "Growth of the server's resident memory while the connections were opened, divided by their number. "
    "Bar: median over blocks; line: interval. Less is better."
)
_SPECTRUM_CAPTION = (
    "Round-trip latency of an event and its ack, all usable blocks merged, both axes logarithmic. "
    "A line ends where fewer than 10 samples lie beyond. Marks: 50 % and 99 % with the interval over blocks. "
    "Closed loop: each connection waits for its ack before it sends again, so a stall delays later sends "
    "instead of being counted for each of them."
)


def _dots(
    arms: Sequence[Arm], cells: Sequence[CellResult], styles: dict[str, ArmStyle], prefix: str
) -> DrawnFigure | None:
    kind = METRICS["messages_per_second"]

    def row(axes: Axes, y: int, cell: CellResult) -> None:
        metric, style = cell["metrics"][kind.name], styles[cell["arm"]]
        low, high = metric["low"] or 0.0, metric["high"] or 0.0
        axes.plot([low, high], [y, y], color=style.colour, linewidth=3, solid_capstyle="butt", zorder=3)
        axes.plot(
            [metric["estimate"] or 0.0],
            [y],
            style.marker,
            color=style.colour,
            markersize=8,
            markeredgecolor=PAPER,
            zorder=4,
        )

    return _rows(arms, cells, prefix, kind, "throughput", findings.throughput_finding, _DOTS_CAPTION, row)


def _bars(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    prefix: str,
    metric_name: str,
    name: str,
    finding: Callable[[list[CellResult], str], str | None],
    caption: str,
) -> DrawnFigure | None:
    kind = METRICS[metric_name]
    styles = arm_styles(arms)

    def row(axes: Axes, y: int, cell: CellResult) -> None:
        metric = cell["metrics"][kind.name]
        estimate, low, high = ((metric[key] or 0.0) * kind.scale for key in ("estimate", "low", "high"))
        axes.barh(y, estimate, height=0.56, color=styles[cell["arm"]].colour, alpha=0.75, zorder=2)
        axes.plot([low, high], [y, y], color=INK, linewidth=1.4, zorder=4)
        axes.plot([low, high], [y, y], "|", color=INK, markersize=7, markeredgewidth=1.4, zorder=4)

    return _rows(arms, cells, prefix, kind, name, finding, caption, row)


def _rows(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    prefix: str,
    kind: MetricKind,
    name: str,
    finding: Callable[[list[CellResult], str], str | None],
    caption: str,
    draw_row: Callable[[Axes, int, CellResult], None],
) -> DrawnFigure | None:
    """A figure with one row an arm and one panel a transport, on one shared value axis."""
    have = [cell for cell in cells if cell["metrics"][kind.name]["estimate"] is not None]
    if not have:
        return None
    transports = findings.transports_of(have)
    shown = [arm for arm in arms if any(cell["arm"] == arm["id"] for cell in cells)]
    largest = max((cell["metrics"][kind.name]["high"] or 0.0) * kind.scale for cell in have)
    by_key: dict[tuple[str, str], CellResult] = {(cell["arm"], cell["transport"]): cell for cell in cells}

    def panel(axes: Axes, transport: str, left: bool) -> None:
        for y, arm in enumerate(shown):
            cell = by_key.get((arm["id"], transport))
            if cell is None or cell["metrics"][kind.name]["estimate"] is None:
                why = "not run" if arm["status"] == "not run" else "not measured"
                axes.text(largest * 0.01, y, why, va="center", color=MUTED, fontsize=11, fontstyle="italic")
                continue
            metric = cell["metrics"][kind.name]
            draw_row(axes, y, cell)
            text = number((metric["estimate"] or 0.0) * kind.scale)
            end = max(metric["high"] or 0.0, metric["estimate"] or 0.0) * kind.scale
            axes.text(max(end, 0) + largest * 0.025, y, text, va="center", fontsize=11, color=INK)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks(range(len(shown)), [arm["id"] for arm in shown] if left else [""] * len(shown))
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, largest * 1.16)
        axes.grid(axis="x", linewidth=0.8, zorder=0)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel(f"{kind.label}, {kind.shown_unit}", fontsize=11)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _: number(value) if value else "0")

    heading = _heading(finding, have, transports)
    description = "; ".join(
        f"{cell['arm']} over {TRANSPORTS[cell['transport']]} {_said(cell, kind)}" for cell in have
    )
    height = ROW * len(shown)
    return DrawnFigure(
        name=f"{prefix}-{name}",
        heading=heading,
        caption=caption,
        wide=_draw(WIDE, height, transports, panel, f"{prefix}-{name}-wide", heading, description),
        narrow=_draw(NARROW, height, transports, panel, f"{prefix}-{name}-narrow", heading, description),
        columns=[
            "Server",
            "Transport",
            f"{kind.label}, {kind.shown_unit}",
            "Interval",
            "What the interval is",
        ],
        rows=[
            [
                cell["arm"],
                TRANSPORTS[cell["transport"]],
                *_figures(cell, kind),
                cell["metrics"][kind.name]["interval"],
            ]
            for cell in have
        ],
    )


def _spectrum(
    cells: Sequence[CellResult],
    styles: dict[str, ArmStyle],
    histograms: dict[tuple[str, str], Histogram],
    prefix: str,
) -> DrawnFigure | None:
    lines = {
        (cell["arm"], cell["transport"]): spectrum(histograms[cell["arm"], cell["transport"]])
        for cell in cells
        if (cell["arm"], cell["transport"]) in histograms
    }
    lines = {key: line for key, line in lines.items() if line}
    if not lines:
        return None
    have = [cell for cell in cells if (cell["arm"], cell["transport"]) in lines]
    transports = findings.transports_of(have)
    points = [point for line in lines.values() for point in line]
    highest, lowest = max(y for _, y in points), max(min(y for _, y in points), 1e-3)
    farthest = max(max(x for x, _ in points), 120.0)

    def panel(axes: Axes, transport: str, left: bool) -> None:
        import matplotlib.ticker as ticker

        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(1.7, farthest * 1.25)
        axes.set_ylim(lowest / 1.4, highest * 1.5)
        ends = []
        for cell in have:
            if cell["transport"] != transport:
                continue
            line, style = lines[cell["arm"], transport], styles[cell["arm"]]
            axes.plot(*zip(*line, strict=True), color=style.colour, linestyle=style.line, linewidth=2)
            _mark_percentiles(axes, cell, style)
            ends.append((line[-1][0], line[-1][1], cell["arm"], style.colour))
        _label_ends(axes, ends, farthest * 1.3)
        ticks = [(2.0, "50 %"), (10.0, "90 %"), (100.0, "99 %"), (1000.0, "99.9 %"), (10000.0, "99.99 %")]
        ticks = [(x, text) for x, text in ticks if x <= farthest * 1.25]
        axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: number(value, 1))
        axes.tick_params(axis="both", length=0)
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.grid(linewidth=0.8, zorder=0)
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)
        axes.set_xlabel("share of round trips no slower", fontsize=11)
        if left:
            axes.set_ylabel("latency, ms", fontsize=11)

    heading = _heading(findings.tail_finding, have, transports)
    p50, p99 = METRICS["latency_p50_us"], METRICS["latency_p99_us"]
    description = "; ".join(
        f"{cell['arm']} over {TRANSPORTS[cell['transport']]}: p50 {_said(cell, p50)}, p99 {_said(cell, p99)}"
        for cell in have
    )
    name = f"{prefix}-latency"
    return DrawnFigure(
        name=name,
        heading=heading,
        caption=_SPECTRUM_CAPTION,
        wide=_draw(WIDE, 330, transports, panel, f"{name}-wide", heading, description, right=120),
        narrow=_draw(
            NARROW, 300, transports, panel, f"{name}-narrow", heading, description, right=115, left=52
        ),
        columns=[
            "Server",
            "Transport",
            "Samples",
            "50 %, ms",
            "90 %, ms",
            "99 %, ms",
            "99.9 %, ms",
            "Longest, ms",
        ],
        rows=[_percentile_row(cell) for cell in have],
    )


def spectrum(histogram: Histogram, points: int = 48) -> list[tuple[float, float]]:
    """(1/(1-p), latency in ms) from p = 41 % to where 10 samples lie beyond; empty with too few samples."""
    last = histogram.count / 10
    if last < 2:
        return []
    first = 1.7
    xs = [first * (last / first) ** (n / (points - 1)) for n in range(points)]
    # Rounding can carry the last point a hair beyond the tenth sample from the end.
    return [(x, (histogram.percentile(100 * (1 - 1 / min(x, last))) or 0.0) / 1000) for x in xs]


def _mark_percentiles(axes: Axes, cell: CellResult, style: ArmStyle) -> None:
    for x, q, name in ((2.0, "50", "latency_p50_us"), (100.0, "99", "latency_p99_us")):
        metric, merged = cell["metrics"][name], cell["latency"]["percentiles"].get(q)
        if merged is None or metric["low"] is None or metric["high"] is None:
            continue
        axes.plot([x, x], [metric["low"] / 1000, metric["high"] / 1000], color=style.colour, linewidth=1.2)
        axes.plot(
            [x],
            [merged / 1000],
            style.marker,
            color=style.colour,
            markersize=7,
            markeredgecolor=PAPER,
            zorder=4,
        )


def _label_ends(axes: Axes, ends: list[tuple[float, float, str, str]], x: float) -> None:
    """The arms' names right of the panel, each near the end of its line and none on another."""
    import math

    if not ends:
        return
    low, high = axes.get_ylim()
    span = math.log(high / low)
    height = axes.get_window_extent().height
    gap = 15 / height
    places = [math.log(y / low) / span for _, y, _, _ in sorted(ends, key=lambda end: end[1])]
    spread = _spread(places, gap)
    for (end_x, end_y, arm, colour), place in zip(sorted(ends, key=lambda end: end[1]), spread, strict=True):
        label_y = low * math.exp(place * span)
        axes.plot([end_x, x], [end_y, label_y], color=colour, linewidth=0.8, alpha=0.6, clip_on=False)
        axes.text(x * 1.06, label_y, arm, va="center", fontsize=11, color=INK)


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending `places` moved apart to at least `gap`, as little as a pass up and a pass down need."""
    spread = list(places)
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + gap)
    overflow = max(0.0, spread[-1] - max(1.0, places[-1]))
    spread = [place - overflow for place in spread]
    for index in range(len(spread) - 2, -1, -1):
        spread[index] = min(spread[index], spread[index + 1] - gap)
    return spread


def _draw(
    width: int,
    panel_height: int,
    transports: Sequence[str],
    draw_panel: Callable[[Axes, str, bool], None],
    name: str,
    title: str,
    description: str,
    left: int = 130,
    right: int = 12,
) -> str:
    """The SVG of all panels: side by side when there is room, else below each other."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    beside = width > NARROW
    top, bottom, between = 30, 48, 28 + (right if right > 12 else 0)
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
            axes.set_title(TRANSPORTS[transport], loc="left", fontsize=13, fontweight="bold", pad=10)
        return inline_svg(figure, name, title, description)


def _heading(
    finding: Callable[[list[CellResult], str], str | None], cells: list[CellResult], transports: list[str]
) -> str:
    for transport in findings.PREFERRED:
        sentence = finding(cells, transport) if transport in transports else None
        if sentence:
            return sentence.rstrip(".")
    return "Single blocks: no order can be stated"


def _figures(cell: CellResult, kind: MetricKind) -> list[str]:
    metric = cell["metrics"][kind.name]
    low, high = ((metric[key] or 0.0) * kind.scale for key in ("low", "high"))
    return [number((metric["estimate"] or 0.0) * kind.scale), interval(low, high)]


def _said(cell: CellResult, kind: MetricKind) -> str:
    estimate, between = _figures(cell, kind)
    return f"{estimate} ({between}) {kind.shown_unit}"


def _percentile_row(cell: CellResult) -> list[str]:
    latency = cell["latency"]
    told = [latency["percentiles"].get(q) for q in ("50", "90", "99", "99.9")]
    return [
        cell["arm"],
        TRANSPORTS[cell["transport"]],
        number(latency["count"], 9),
        *(number(value / 1000) if value is not None else "–" for value in told),
        number(latency["max"] / 1000) if latency["max"] is not None else "–",
    ]
