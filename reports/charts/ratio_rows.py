"""Paired ratios of arms that were measured side by side: a dot with its interval for each, on a log axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reports.charts.panels import SMALL, ArmStyle, DrawnFigure, arm_styles, draw_both, draw_dot, name_rows
from reports.charts.svg import INK, MUTED
from reports.statistics import sentences
from reports.statistics.ratio_sentences import bounds, ratio_sentence
from reports.statistics.side_by_side import over_lowest
from reports.writing.wording import TRANSPORT_ORDER, TRANSPORTS, counted, number, tick
from sioprobe.results.comparison import PairedRatio, SideBySide
from sioprobe.results.types import Arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 29
"""Height in px of one arm's row."""
TICKS = (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)
LABELS = {
    "cpu_us_per_message": ("CPU side by side", "µs a message"),
    "p50_us": ("Latency side by side", "µs"),
}
"""Of each figure: its label in the contents, and the unit of a median."""
PRIORITIES = {
    "SCHED_RR": "before all other processes (SCHED_RR)",
    "nice -20": "before all other processes (nice -20)",
    "as others": "like any other process",
}
CLAIMS = {"more": "more", "less": "less", None: "cannot be told apart"}


def draw_ratios(parts: Sequence[SideBySide], arms: Sequence[Arm]) -> list[DrawnFigure]:
    """One figure for each figure that was measured side by side, with a panel for each transport."""
    figures = []
    for name in LABELS:
        own: dict[str, SideBySide] = {part["transport"]: part for part in parts if part["figure"] == name}
        if own:
            figures.append(_figure(name, own, arms))
    return figures


def _figure(name: str, parts: Mapping[str, SideBySide], arms: Sequence[Arm]) -> DrawnFigure:
    transports = [transport for transport in TRANSPORT_ORDER if transport in parts]
    shown = [arm for arm in arms if any(arm["id"] in part["medians"] for part in parts.values())]
    styles = arm_styles(arms)
    label, unit = LABELS[name]
    drawn = [one for part in parts.values() for one in over_lowest(part)]
    least = min([1.0, *(one["low"] or one["ratio"] for one in drawn)])
    largest = max([1.5, *(one["high"] or one["ratio"] for one in drawn)])

    def panel(axes: Axes, transport: str, left: bool) -> None:
        part = parts[transport]
        lowest = next(iter(part["medians"]))
        ratios = {one["arm"]: one for one in over_lowest(part)}
        _axes(axes, least, largest)
        for y, arm in enumerate(shown):
            if arm["id"] == lowest:
                text = f"lowest: {number(part['medians'][lowest])} {unit}"
                _dot(axes, y, (1.0, None, None), text, styles[lowest])
            elif one := ratios.get(arm["id"]):
                text = f"{'≈ ' if one['claimed'] is None else ''}{number(one['ratio'])}"
                _dot(axes, y, (one["ratio"], one["low"], one["high"]), text, styles[arm["id"]])
            else:
                axes.text(
                    1.02, y, "not measured", va="center", color=MUTED, fontsize=SMALL, fontstyle="italic"
                )
        name_rows(axes, [arm["id"] for arm in shown], left)
        axes.set_xlabel("times that of the lowest", fontsize=SMALL)

    spoken = [parts[transport] for transport in sentences.PREFERRED if transport in parts]
    heading = ratio_sentence(spoken[0], arms)
    said = "; ".join(ratio_sentence(part, arms) for part in spoken)
    height = ROW * len(shown)
    figure = f"side-by-side-{name.partition('_')[0]}"
    wide, narrow = draw_both((height, height), transports, panel, figure, heading, said, (140, 12))
    return DrawnFigure(
        name=figure,
        label=label,
        heading=heading,
        caption=_caption(spoken),
        wide=wide,
        narrow=narrow,
        columns=["Server", "Transport", "Over", "Ratio", "Interval", "What may be said", f"Median, {unit}"],
        rows=[row for transport in transports for row in _rows(parts[transport])],
    )


def _axes(axes: Axes, least: float, largest: float) -> None:
    """A log axis from `least` to `largest`, with room for texts at the right."""
    import matplotlib.ticker as ticker

    axes.set_xscale("log")
    axes.set_xlim(least / 1.06, largest * max(largest / least, 2.0) ** 0.35)
    axes.axvline(1, color=MUTED, linewidth=1, zorder=1)
    ticks = [value for value in TICKS if value <= largest * 1.05]
    axes.set_xticks(ticks, [tick(value) for value in ticks])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.tick_params(axis="both", length=0)
    axes.grid(axis="x", linewidth=0.8, zorder=0)
    axes.spines["bottom"].set_visible(False)


def _dot(
    axes: Axes, y: int, figures: tuple[float, float | None, float | None], text: str, style: ArmStyle
) -> None:
    """A dot with its interval, and `text` beside it. `figures` are estimate, low and high."""
    middle, low, high = figures
    draw_dot(axes, y, style, middle, low, high)
    least, largest = axes.get_xlim()
    axes.text(
        max(high or 0.0, middle) * (largest / least) ** 0.02, y, text, va="center", fontsize=SMALL, color=INK
    )


def _caption(parts: Sequence[SideBySide]) -> str:
    lives = counted(min(part["lives"] for part in parts), "life", "lives")
    covered = [part["coverage"] for part in parts if part["coverage"] is not None]
    covers = f"exact {min(covered) * 100:.1f} % interval over lives" if covered else "no interval"
    how = PRIORITIES[parts[0]["priority"]]
    return (
        f"All servers were alive at the same time and took turns in random order, {how}. A turn is "
        f"{parts[0]['load']}. Dot: the ratio to the lowest inside the same milliseconds, over {lives} at "
        f"least; bar: {covers}. ≈: the two cannot be told apart, because the interval holds 1 or the "
        "difference is below 3 %."
    )


def _rows(part: SideBySide) -> list[list[str]]:
    transport = TRANSPORTS[part["transport"]]
    lowest = next(iter(part["medians"]))
    rows = [[lowest, transport, "–", "1", "–", "lowest", number(part["medians"][lowest])]]
    return rows + [_row(one, transport, part["medians"][one["arm"]]) for one in part["ratios"]]


def _row(one: PairedRatio, transport: str, median: float) -> list[str]:
    figures = [number(one["ratio"]), bounds(one) or "–"]
    return [one["arm"], transport, one["over"], *figures, CLAIMS[one["claimed"]], number(median)]
