"""The latency spectrum: the share of round trips that stay below a latency, from the median to the tail."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reports.charts.panels import SMALL, ArmStyle, DrawnFigure, draw_both, heading_of, said
from reports.charts.svg import INK, MUTED, PAPER
from reports.statistics import sentences
from reports.statistics.derivation import SAMPLES_BEYOND
from reports.statistics.metrics import METRICS
from reports.writing.wording import TRANSPORTS, number, printable, tick
from sioprobe.results.histogram import Histogram
from sioprobe.results.types import CellResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Round-trip latency of an event and its ack. All usable blocks are merged; both axes are logarithmic. "
    "A line ends where fewer than 10 samples lie beyond it. The marks show 50 % and 99 % with the interval "
    "over the blocks. The load is a closed loop: each connection waits for its ack before it sends again. "
    "So a stall counts once, and delays the sends after it."
)


def draw_spectrum(
    cells: Sequence[CellResult],
    styles: Mapping[str, ArmStyle],
    histograms: Mapping[tuple[str, str], Histogram],
    names: tuple[str, str],
) -> DrawnFigure | None:
    """One line for each arm. `histograms` holds the merged latencies by (arm, transport)."""
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {
        (cell["arm"], cell["transport"]): spectrum(histograms[cell["arm"], cell["transport"]])
        for cell in cells
        if (cell["arm"], cell["transport"]) in histograms
    }
    lines = {key: line for key, line in lines.items() if line}
    if not lines:
        return None
    have = [cell for cell in cells if (cell["arm"], cell["transport"]) in lines]
    transports = sentences.transports_of(have)
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
        panel_cells = [cell for cell in have if cell["transport"] == transport]
        for place, cell in enumerate(panel_cells):
            line, style = lines[cell["arm"], transport], styles[cell["arm"]]
            axes.plot(*zip(*line, strict=True), color=style.colour, linestyle=style.line, linewidth=2)
            # Side by side, or the intervals of all servers would hide each other.
            _mark_percentiles(axes, cell, style, 1.035 ** (place - (len(panel_cells) - 1) / 2))
            ends.append((line[-1][0], line[-1][1], cell["arm"], style.colour))
        _label_ends(axes, ends, farthest * 1.3)
        ticks = [(2.0, "50 %"), (10.0, "90 %"), (100.0, "99 %"), (1000.0, "99.9 %"), (10000.0, "99.99 %")]
        ticks = [(x, text) for x, text in ticks if x <= farthest * 1.25]
        axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: tick(value))
        axes.tick_params(axis="both", length=0)
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.grid(linewidth=0.8, zorder=0)
        for side in ("bottom", "left"):
            axes.spines[side].set_visible(False)
        axes.set_xlabel("share of round trips no slower", fontsize=SMALL)
        if left:
            axes.set_ylabel("latency, ms", fontsize=SMALL)

    heading = heading_of(sentences.tail_sentence, have, transports)
    p50, p99 = METRICS["latency_p50_us"], METRICS["latency_p99_us"]
    description = "; ".join(
        f"{cell['arm']} over {TRANSPORTS[cell['transport']]}: p50 {said(cell, p50)}, p99 {said(cell, p99)}"
        for cell in have
    )
    name, label = names
    wide, narrow = draw_both((330, 300), transports, panel, name, heading, description, (60, 128))
    return DrawnFigure(
        name=name,
        label=label,
        heading=heading,
        caption=CAPTION,
        wide=wide,
        narrow=narrow,
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
    """Points (1/(1-p), latency in ms), from p = 41 % to the last with 10 samples beyond it.

    The list is empty when there are too few samples.
    """
    last = histogram.count / SAMPLES_BEYOND
    if last < 2:
        return []
    first = 1.7
    xs = [first * (last / first) ** (n / (points - 1)) for n in range(points)]
    # Rounding can put the last point slightly beyond the tenth sample from the end.
    return [(x, (histogram.percentile(100 * (1 - 1 / min(x, last))) or 0.0) / 1000) for x in xs]


def _mark_percentiles(axes: Axes, cell: CellResult, style: ArmStyle, aside: float) -> None:
    for x, q, name in ((2.0 * aside, "50", "latency_p50_us"), (100.0 * aside, "99", "latency_p99_us")):
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
    """The names of the arms right of the panel, each near the end of its line, none on top of another."""
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
        axes.text(x * 1.06, label_y, printable(arm), va="center", fontsize=SMALL, color=INK)


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending `places`, moved apart until neighbours have at least `gap` between them."""
    spread = list(places)
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + gap)
    overflow = max(0.0, spread[-1] - max(1.0, places[-1]))
    spread = [place - overflow for place in spread]
    for index in range(len(spread) - 2, -1, -1):
        spread[index] = min(spread[index], spread[index + 1] - gap)
    return spread


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
