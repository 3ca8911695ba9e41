"""Writes two folders side by side: against.html, against.md and against.json."""

from __future__ import annotations

from pathlib import Path

from reports.against.derivation import compare
from reports.against.page import render_page, render_summary
from reports.statistics.kept_results import read_kept, short_names
from sioprobe.results.across import Against
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import write_against, write_text

__all__ = ["lines_of", "write_against_report"]

MOST_LINES = 20


def write_against_report(old: Path, new: Path, out: Path, *, force: bool) -> Against:
    """Three files in `out`. ResultFileError where the figures would say nothing, unless forced."""
    sides = [
        read_kept(folder, name) for folder, name in zip((old, new), short_names((old, new)), strict=True)
    ]
    against = compare(*sides)
    if against["meaningless"] and not force:
        reasons = "; ".join(against["meaningless"])
        raise ResultFileError(f"{old} and {new} say nothing about each other: {reasons} (--force shows them)")
    out.mkdir(parents=True, exist_ok=True)
    write_against(out / "against.json", against)
    write_text(out / "against.md", render_summary(against))
    write_text(out / "against.html", render_page(against))
    return against


def lines_of(against: Against) -> list[str]:
    """The answer for a console."""
    lines = [f"! not comparable: {reason}" for reason in against["meaningless"]]
    lines += against["findings"][:MOST_LINES]
    if len(against["findings"]) > MOST_LINES:
        lines.append(f"and {len(against['findings']) - MOST_LINES} more on the page")
    return lines + [f"note: {note}" for note in against["notes"]]
