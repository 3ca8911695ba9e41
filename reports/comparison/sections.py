"""The sections of a full comparison, as the page shows them: findings, figures, and one table for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.panels import DrawnFigure, Shown
from reports.charts.section_figures import draw_section
from reports.writing.quoting import Quotes, pointer
from reports.writing.units import ShownAs, shown_as
from reports.writing.wording import TRANSPORTS
from sioprobe.results.comparison import Section, SectionRow
from sioprobe.results.types import Results

__all__ = ["SectionView", "section_views"]


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section. `findings` are those that are no title of a figure, each with its place.

    Places are JSON pointers into results.json.
    """

    id: str
    title: str
    status: str
    reason: str | None
    place: str
    findings: list[tuple[str, str]]
    figures: list[tuple[DrawnFigure, str | None]]
    columns: list[str]
    rows: Sequence[Sequence[Shown]]


def section_views(results: Results, quotes: Quotes, drawn: bool) -> list[SectionView]:
    """All sections in the order of results.json; with figures if `drawn`."""
    return [
        _view(results, section, pointer("sections", n), quotes, drawn)
        for n, section in enumerate(results.get("sections", []))
    ]


def _view(results: Results, section: Section, place: str, quotes: Quotes, drawn: bool) -> SectionView:
    figures = draw_section(section, results["arms"]) if drawn else []
    places = {finding: f"{place}/findings/{n}" for n, finding in enumerate(section["findings"])}
    titles = {figure.heading for figure in figures}
    columns, rows = _table(section, place, quotes)
    return SectionView(
        id=f"section-{section['name']}",
        title=section["title"],
        status=section["status"],
        reason=section["reason"],
        place=place,
        findings=[(finding, where) for finding, where in places.items() if finding not in titles],
        figures=[(figure, places.get(figure.heading)) for figure in figures],
        columns=columns,
        rows=rows,
    )


def _table(section: Section, place: str, quotes: Quotes) -> tuple[list[str], list[list[Shown]]]:
    """A line for each row; columns without any value are left out."""
    rows = section["rows"]
    situations = list(
        dict.fromkeys(name for row in rows for name in row["at"] if row["at"][name] is not None)
    )
    figures = [name for name in section["units"] if any(row["figures"].get(name) is not None for row in rows)]
    kinds = {name: shown_as(name, section["units"][name]) for name in figures}
    columns = [
        "Server",
        "Transport",
        *(name.replace("_", " ") for name in situations),
        *(kind.title for kind in kinds.values()),
        "Notes",
    ]

    def cells(n: int, row: SectionRow) -> list[Shown]:
        at = place + pointer("rows", n)
        return [
            row["arm"],
            TRANSPORTS[row["transport"]] if row["transport"] else "–",
            *(quotes.shown(at + pointer("at", name)) if name in row["at"] else "–" for name in situations),
            *(_figure(section, row, at, name, kind, quotes) for name, kind in kinds.items()),
            quotes.shown(f"{at}/problem") if row.get("problem") else quotes.joined(f"{at}/notes"),
        ]

    return columns, [cells(n, row) for n, row in enumerate(rows)]


def _figure(section: Section, row: SectionRow, at: str, name: str, kind: ShownAs, quotes: Quotes) -> Shown:
    """One figure of a row; a number of things has all its digits."""
    value, place = row["figures"].get(name), at + pointer("figures", name)
    if value is None:
        return "–"
    if section["units"][name] == "count" and value == int(value):
        return quotes.whole(place)
    return quotes.number(place, factor=kind.factor)
