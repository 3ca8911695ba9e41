"""`python -m reports.capacity RESULT FIGURE`: draw what `sioprobe capacity` found, as PNG or SVG.

The upper panel shows latency over the requested rate, the lower one the CPU of server and generator.
The axes of latency and rate are logarithmic. At the knee a level line turns upwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import read_capacity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "main"]

P50, P99 = "#0072b2", "#d55e00"
GENERATOR, INK, MUTED = "#009e73", "#222222", "#767676"
"""Colours of Okabe and Ito: readers with any colour vision can tell them apart."""


def draw(result: dict[str, Any]) -> Figure:
    """The figure of one result."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    _draw_latency(above, result)
    _draw_cpu(below, result)
    knee = result["knee"]
    if knee is not None:
        for axes in (above, below):
            axes.axvline(knee["rate"], color=INK, linewidth=1, linestyle=(0, (4, 2)))
        above.annotate(
            f"{knee['rate']:,.0f}/s",
            (knee["rate"], 1.0),
            xycoords=("data", "axes fraction"),
            # Above the axes, since points may lie below their edge.
            va="bottom",
            ha="center",
            color=INK,
        )
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        # One height for the labels of decades and of the values between them.
        axes.tick_params(axis="x", which="both", length=3.5, pad=4)
    below.set_xlabel("requested rate, operations per second over all connections")
    figure.suptitle(_title(result), fontsize=11, x=0.01, ha="left")
    return figure


def _title(result: dict[str, Any]) -> str:
    lines = textwrap.wrap(result["statement"], 92, break_long_words=False, break_on_hyphens=False)
    what = f"{result['scenario']} over {result['transport']}, {result['connections']} connections"
    return "\n".join([*lines, what])


def _draw_latency(axes: Axes, result: dict[str, Any]) -> None:
    """p50 and p99 of each probe. A hollow mark did not meet the objective."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for key, colour, name in (("p50_us", P50, "p50"), ("p99_us", P99, "p99")):
        measured = [probe for probe in result["probes"] if probe[key]]
        for met in (True, False):
            some = [probe for probe in measured if probe["met"] is met]
            axes.scatter(
                [probe["rate"] for probe in some],
                [probe[key] / 1000 for probe in some],
                s=34,
                facecolors=colour if met else "none",
                edgecolors=colour,
                label=f"{name}, objective met" if met else f"{name}, not met",
            )
        _join(axes, measured, key, colour)
    for condition, limit_us in result.get("latency_limits_us", {}).items():
        axes.axhline(limit_us / 1000, color=MUTED, linewidth=1, linestyle=":")
        axes.annotate(
            f" {condition}",
            (0.45, limit_us / 1000),  # right of the legend
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            va="bottom",
            # The line of the knee may stand behind it.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            color=MUTED,
            fontsize=9,
        )
    axes.set_ylabel("latency, ms")
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0.0, 0.96))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_plain)
        axis.set_minor_formatter(_minor)


def _join(axes: Axes, probes: list[dict[str, Any]], key: str, colour: str) -> None:
    """A line through the median of the probes at each rate."""
    by_rate: dict[float, list[float]] = {}
    for probe in probes:
        by_rate.setdefault(probe["rate"], []).append(probe[key] / 1000)
    rates = sorted(by_rate)
    axes.plot(
        rates, [sorted(by_rate[rate])[len(by_rate[rate]) // 2] for rate in rates], color=colour, linewidth=1
    )


def _draw_cpu(axes: Axes, result: dict[str, Any]) -> None:
    probes = sorted(result["probes"], key=lambda probe: probe["rate"])
    for key, colour, name, marker in (
        ("server_cpu_share", INK, "server", "s"),
        ("generator_cpu_share", GENERATOR, "generator, busiest second", "^"),
    ):
        some = [probe for probe in probes if probe[key] is not None]
        axes.scatter(
            [probe["rate"] for probe in some],
            [100 * probe[key] for probe in some],
            s=22,
            color=colour,
            marker=marker,
            label=name,
        )
    axes.set_ylim(0, 105 if max([*_shares(probes), 0.0]) <= 1.0 else None)
    axes.axhline(90, color=MUTED, linewidth=1, linestyle=":")
    axes.set_ylabel("CPU, % of a core")
    axes.legend(frameon=False, fontsize=9, loc="upper left")


def _shares(probes: list[dict[str, Any]]) -> list[float]:
    keys = ("server_cpu_share", "generator_cpu_share")
    return [probe[key] for probe in probes for key in keys if probe[key] is not None]


def _plain(value: float, position: float = 0.0) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _minor(value: float, position: float = 0.0) -> str:
    """Label 2 and 5 of each decade. Without these a short range has hardly any label."""
    digit = f"{value:e}"[0]
    return _plain(value) if digit in "25" else ""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    prog = os.environ.get("SIOPROBE_PROG") or "python -m reports.capacity"
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Draw the result of sioprobe capacity.",
    )
    parser.add_argument("result", type=Path, help="what --report wrote")
    parser.add_argument("figure", type=Path, help="the figure to write: FILE.png or FILE.svg")
    options = parser.parse_args(arguments)
    try:
        result = read_capacity(options.result)
        figure = draw(result)
        options.figure.parent.mkdir(parents=True, exist_ok=True)
        metadata: dict[str, Any] = {"Date": None} if options.figure.suffix == ".svg" else {}
        figure.savefig(options.figure, dpi=150, metadata=metadata)
    except ResultFileError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"{prog}: error: {error}; pip install 'sioprobe[report]'", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"{prog}: error: {options.figure}: cannot be written: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
