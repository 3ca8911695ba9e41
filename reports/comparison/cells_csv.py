"""The CSV: one line for each cell."""

from __future__ import annotations

import csv
import io

from reports.statistics.metrics import METRICS
from sioprobe.results.types import Results


def render_csv(results: Results) -> str:
    """One line for each cell. Figures have the units of results.json."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f"{name}{suffix}" for name in METRICS for suffix in ("", "_low", "_high")]
    writer.writerow(
        [
            "arm",
            "transport",
            "scenario",
            "connections",
            "status",
            "valid",
            "suspect",
            "invalid",
            "errors",
            *names,
            "flags",
        ]
    )
    for cell in results["cells"]:
        figures: list[object] = []
        for name in METRICS:
            metric = cell["metrics"][name]
            figures += [_plain(metric["estimate"]), _plain(metric["low"]), _plain(metric["high"])]
        blocks = cell["blocks"]
        writer.writerow(
            [
                cell["arm"],
                cell["transport"],
                cell["scenario"],
                cell["connections"],
                cell["status"],
                blocks["VALID"],
                blocks["SUSPECT"],
                blocks["INVALID"],
                cell["errors"],
                *figures,
                cell["reason"] or "; ".join(f"{kind}: {detail}" for kind, detail in cell["flags"].items()),
            ]
        )
    return out.getvalue()


def _plain(value: float | None) -> object:
    return "" if value is None else round(value, 6)
