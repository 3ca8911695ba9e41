"""The CSV files beside a report. Figures have the units of results.json."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from reports.statistics.metrics import METRICS
from sioprobe.results.comparison import SideBySide
from sioprobe.results.types import Results

__all__ = ["cells_csv", "sections_csv", "side_by_side_csv"]

_CELL: Final = ("arm", "transport", "scenario", "connections", "status")


def cells_csv(results: Results) -> str:
    """One line for each cell."""
    rows = []
    for cell in results["cells"]:
        rows.append(
            [
                *(cell[key] for key in _CELL),
                *(cell["blocks"][verdict] for verdict in ("VALID", "SUSPECT", "INVALID")),
                cell["errors"],
                *(cell["metrics"][name][end] for name in METRICS for end in ("estimate", "low", "high")),
                cell["reason"] or "; ".join(f"{kind}: {detail}" for kind, detail in cell["flags"].items()),
            ]
        )
    columns = [*_CELL, "valid", "suspect", "invalid", "errors"]
    columns += [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    return _csv([*columns, "flags"], rows)


def sections_csv(results: Results) -> str:
    """One line for each figure of each row, with its unit, and one for each row without any."""
    rows = []
    for section in results.get("sections", []):
        for row in section["rows"]:
            situation = "; ".join(f"{name}={value}" for name, value in row["at"].items() if value is not None)
            head = [section["name"], row["arm"], row["transport"], situation]
            tail = [row.get("problem"), " | ".join(row["notes"])]
            known = {name: value for name, value in row["figures"].items() if value is not None}
            rows += [[*head, name, section["units"][name], value, *tail] for name, value in known.items()]
            rows += [] if known else [[*head, None, None, None, *tail]]
    columns = ("section", "arm", "transport", "situation", "figure", "unit", "value", "problem", "notes")
    return _csv(columns, rows)


def side_by_side_csv(parts: Sequence[SideBySide]) -> str:
    """One line for each pair of arms that were alive at the same time, with the medians of both in µs."""
    rows = [
        [
            *(part["transport"], part["figure"], one["arm"], one["over"]),
            *(one["ratio"], one["low"], one["high"], one["claimed"]),
            *(part["coverage"], part["lives"], part["priority"]),
            *(part["medians"][one["arm"]], part["medians"][one["over"]]),
        ]
        for part in parts
        for one in part["ratios"]
    ]
    columns = ["transport", "figure", "arm", "over", "ratio", "low", "high", "claimed", "coverage", "lives"]
    return _csv([*columns, "priority", "arm_median_us", "over_median_us"], rows)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        [round(value, 6) if isinstance(value, float) else value for value in row] for row in rows
    )
    return out.getvalue()
