"""The page of a history, from history.json alone. It fetches nothing; equal inputs give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from reports.history import panels, sentences
from reports.history.steps import COVERAGE, SMALLEST
from reports.writing import wording
from reports.writing.rendering import page_of
from sioprobe.results.across import History, HistoryGroup, HistorySeries

__all__ = ["render_page"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a group: a panel for each server, and the table of all its points."""

    label: str
    unit: str
    heading: str
    panels: list[panels.Panel]
    columns: list[str]
    rows: list[list[str]]


def render_page(history: History) -> str:
    """history.html."""
    data = json.dumps(history, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    steps = [
        (group, one, step) for group in history["groups"] for one in group["series"] for step in one["steps"]
    ]
    steps.sort(key=lambda found: found[0]["runs"][found[2]["after"]]["started_at"])
    context = {
        "history": history,
        "steps": [
            [
                sentences.days_of(group, step),
                sentences.series_words(one),
                f"{wording.number(step['old'])} → {wording.number(step['new'])} {one['unit']}",
                sentences.step_words(step),
                sentences.version_words(step["versions"]) or "nothing that is known",
            ]
            for group, one, step in steps
        ],
        "groups": [(group, _figures(group)) for group in history["groups"]],
        "width": panels.WIDTH,
        "height": panels.HEIGHT,
        "left": panels.LEFT,
        "right": panels.WIDTH - panels.RIGHT,
        "top": panels.TOP,
        "bottom": panels.HEIGHT - panels.BOTTOM,
        "version_words": sentences.version_words,
        "coverage": wording.percent(COVERAGE),
        "smallest": wording.percent(SMALLEST),
        "wording": wording,
        "data_note": ": every figure above is in it.",
    }
    return page_of("history.html.jinja", {"history.json": data}, context)


def _figures(group: HistoryGroup) -> list[Figure]:
    by_figure: dict[str, list[HistorySeries]] = {}
    for one in group["series"]:
        by_figure.setdefault(one["figure"], []).append(one)
    return [_figure(group, series) for series in by_figure.values()]


def _figure(group: HistoryGroup, series: Sequence[HistorySeries]) -> Figure:
    label = series[0]["label"]
    stepped = sum(bool(one["steps"]) for one in series)
    if not any(one["searched"] for one in series):
        heading = f"{label}: too few runs for steps"
    else:
        heading = f"{label}: {f'steps in {stepped} of {len(series)}' if stepped else 'no step'}"
    values = [{point["run"]: point["value"] for point in one["points"]} for one in series]
    return Figure(
        label=label,
        unit=series[0]["unit"],
        heading=heading,
        panels=[panels.panel_of(group, one) for one in series],
        columns=["Run", *(f"{one['name']}, {wording.TRANSPORTS[one['transport']]}" for one in series)],
        rows=[
            [wording.moment(run["started_at"]), *(wording.number(column.get(place)) for column in values)]
            for place, run in enumerate(group["runs"])
        ],
    )
