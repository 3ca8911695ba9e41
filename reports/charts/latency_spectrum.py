"""The latency spectrum: the share of round trips that stay below a latency, from the median to the tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reports.charts.labels import label_ends
from reports.charts.panels import SMALL, ArmStyle, DrawnFigure, Shown, draw_both, heading_of, said
from reports.charts.svg import MUTED, PAPER
from reports.statistics import sentences
from reports.statistics.derivation import SAMPLES_BEYOND
from reports.statistics.metrics import METRICS
from reports.writing.quoting import Quotes
from reports.writing.wording import TRANSPORTS, tick
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
    quotes: Quotes,
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
        label_ends(axes, ends)
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
        f"{cell['arm']} over {TRANSPORTS[cell['transport']]}: "
        f"p50 {said(cell, p50, quotes)}, p99 {said(cell, p99, quotes)}"
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
        rows=[_percentile_row(cell, quotes) for cell in have],
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


def _percentile_row(cell: CellResult, quotes: Quotes) -> list[Shown]:
    place, told = f"{quotes.cell(cell)}/latency", cell["latency"]["percentiles"]
    return [
        cell["arm"],
        TRANSPORTS[cell["transport"]],
        quotes.number(f"{place}/count"),
        *(
            quotes.number(f"{place}/percentiles/{q}", factor=1e-3) if q in told else "–"
            for q in ("50", "90", "99", "99.9")
        ),
        quotes.number(f"{place}/max", factor=1e-3),
    ]
