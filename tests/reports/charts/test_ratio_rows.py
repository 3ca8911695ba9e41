"""The figures of arms side by side: what is drawn beside each dot, and the table of all pairs."""

from __future__ import annotations

import re

from reports.charts.panels import DrawnFigure
from reports.charts.ratio_rows import draw_ratios
from reports.statistics.side_by_side import side_by_side
from reports.writing.wording import number
from sioprobe.results.types import Arm
from tests.reports.lives import COSTS, lives

ARMS: list[Arm] = [{"id": arm, "title": arm, "status": "measured", "reason": None} for arm in COSTS]
WITHOUT = {arm: cost for arm, cost in COSTS.items() if arm != "threading"}
PARTS = side_by_side([*lives(), *lives(WITHOUT, transport="polling", priority="as others")])


def drawn() -> list[DrawnFigure]:
    return draw_ratios(PARTS, ARMS)


def texts(svg: str) -> list[str]:
    return re.findall(r">([^<]+)</text>", svg)


def test_there_is_a_figure_for_cpu_and_one_for_latency_with_a_panel_for_each_transport() -> None:
    figures = drawn()

    assert [figure.name for figure in figures] == ["side-by-side-cpu", "side-by-side-p50"]
    for figure in figures:
        for svg in (figure.wide, figure.narrow):
            assert {"Polling", "WebSocket", *COSTS} <= set(texts(svg))
        assert f'<title id="{figure.name}-wide-title">Over WebSocket, ' in figure.wide
        assert "Over Polling, " in figure.wide
    assert draw_ratios([], ARMS) == []


def test_a_figure_is_drawn_the_same_each_time() -> None:
    assert drawn() == drawn()


def test_each_arm_has_its_ratio_to_the_lowest_and_what_is_alike_is_marked() -> None:
    part = PARTS[2]
    shown = texts(drawn()[0].wide)

    assert (part["transport"], part["figure"]) == ("websocket", "cpu_us_per_message")
    lowest = next(iter(part["medians"]))
    assert f"lowest: {number(part['medians'][lowest])} µs a message" in shown
    for one in part["ratios"]:
        if one["over"] == lowest:
            alike = one["claimed"] is None
            assert alike is ({one["arm"], lowest} == {"gevent", "gevent-simple"})
            assert f"{'≈ ' if alike else ''}{number(one['ratio'])}" in shown


def test_an_arm_that_was_not_alive_is_not_measured() -> None:
    assert texts(drawn()[0].wide).count("not measured") == 1


def test_the_table_has_every_pair_of_the_results() -> None:
    rows = drawn()[0].rows
    pairs = [one for part in PARTS if part["figure"] == "cpu_us_per_message" for one in part["ratios"]]

    assert len(rows) == len(pairs) + 2
    assert {(row[0], row[2], row[3]) for row in rows if row[2] != "–"} == {
        (one["arm"], one["over"], number(one["ratio"])) for one in pairs
    }


def test_the_caption_says_how_it_was_measured() -> None:
    caption = drawn()[0].caption

    assert "16 times over 16 connections" in caption
    assert "exact 98.4 % interval over lives" in caption
    assert "in random order, before all other processes (nice -20)" in caption
