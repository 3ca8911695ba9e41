"""side_by_side.csv: one line for each pair of arms that were alive at the same time."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from sioprobe.results.comparison import SideBySide

__all__ = ["render_side_by_side_csv"]

COLUMNS = (
    "transport",
    "figure",
    "arm",
    "over",
    "ratio",
    "low",
    "high",
    "claimed",
    "coverage",
    "lives",
    "priority",
    "arm_median_us",
    "over_median_us",
)


def render_side_by_side_csv(parts: Sequence[SideBySide]) -> str:
    """The ratios of results.json, with the medians of both arms in µs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for part in parts:
        for one in part["ratios"]:
            figures = [one["ratio"], one["low"], one["high"]]
            medians = [part["medians"][one["arm"]], part["medians"][one["over"]]]
            writer.writerow(
                [
                    part["transport"],
                    part["figure"],
                    one["arm"],
                    one["over"],
                    *("" if value is None else round(value, 6) for value in figures),
                    one["claimed"] or "",
                    "" if part["coverage"] is None else round(part["coverage"], 6),
                    part["lives"],
                    part["priority"],
                    *(round(value, 6) for value in medians),
                ]
            )
    return out.getvalue()
