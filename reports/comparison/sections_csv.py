"""The CSV of the sections: one line for each figure of each row, and one for each row without any."""

from __future__ import annotations

import csv
import io

from sioprobe.results.types import Results

__all__ = ["render_sections_csv"]


def render_sections_csv(results: Results) -> str:
    """Figures have the units of results.json, which stand beside them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["section", "arm", "transport", "situation", "figure", "unit", "value", "problem", "notes"]
    )
    for section in results.get("sections", []):
        for row in section["rows"]:
            situation = "; ".join(f"{name}={value}" for name, value in row["at"].items() if value is not None)
            head = [section["name"], row["arm"], row["transport"] or "", situation]
            tail = [row.get("problem") or "", " | ".join(row["notes"])]
            known = [(name, value) for name, value in row["figures"].items() if value is not None]
            for name, value in known:
                writer.writerow([*head, name, section["units"][name], round(value, 6), *tail])
            if not known:
                writer.writerow([*head, "", "", "", *tail])
    return out.getvalue()
