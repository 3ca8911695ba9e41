"""The figures of a section: what is drawn over what, and in which words."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from reports.charts.section_figures import VIEWS, draw_section, heading_of_view
from sioprobe.results.comparison import SECTIONS
from tests.reports import synthetic
from tests.reports.synthetic_sections import sections

ARMS = list(synthetic.ARMS.values())


def section(name: str) -> Any:
    [found] = [one for one in sections() if one["name"] == name]
    return copy.deepcopy(found)


def labels(svg: str) -> set[str]:
    return set(re.findall(r">([^<>]+)</text>", svg))


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "settings"])
def test_each_view_of_a_section_is_drawn(name: Any) -> None:
    figures = draw_section(section(name), ARMS)
    assert [figure.name.partition(f"section-{name}-")[2] for figure in figures] == [
        view.figure.replace("_", "-") for view in VIEWS[name]
    ]
    for figure in figures:
        for svg in (figure.wide, figure.narrow):
            assert {"threading", "eventlet", "gevent"} <= labels(svg)
            assert not re.findall(r"#[0-9a-f]{6}\b", svg)


def test_the_title_is_the_finding_about_the_largest_situation() -> None:
    found = section("fanout")
    deliveries, last = VIEWS["fanout"]
    assert heading_of_view(found, deliveries).startswith("Over WebSocket in a room of 1\u202f000, deliveries")
    assert "reached everybody" in heading_of_view(found, last)
    found["findings"] = []
    assert heading_of_view(found, deliveries) == "Rooms of different sizes"


def test_a_title_names_as_many_servers_as_it_can() -> None:
    found = section("connections")
    arms = list(dict.fromkeys(row["arm"] for row in found["rows"]))[:3]
    told = [
        f"Memory of each of {n}: {', '.join(f'{arm} 1 KiB' for arm in arms[:m])}."
        for n, m in ((1, 3), (2, 2))
    ]
    found["findings"] = told
    memory, _ = VIEWS["connections"]
    assert heading_of_view(found, memory) == told[0]


def test_what_has_no_value_is_not_drawn() -> None:
    found = section("connections")
    for row in found["rows"]:
        row["figures"] = dict.fromkeys(row["figures"])
    assert draw_section(found, ARMS) == []
    assert draw_section(section("settings"), ARMS) == []


def test_text_and_binary_have_a_panel_each() -> None:
    [figure] = draw_section(section("payload"), ARMS)
    assert {"text, WebSocket", "binary, WebSocket"} <= labels(figure.wide)


def test_a_mode_without_a_value_says_so_between_the_others() -> None:
    found = section("connections")
    for row in found["rows"]:
        if row["arm"] == "eventlet" and row["transport"] == "upgrade":
            row["figures"]["connects_per_second"] = None
    figure = draw_section(found, ARMS)[1]
    assert "not measured" in labels(figure.wide)


def test_the_ideal_is_drawn_beside_the_speed_up() -> None:
    figure, costs = draw_section(section("processes"), ARMS)
    found = section("processes")
    found["units"] = {"cpu_us_per_message": "us"} | found["units"]
    lines = figure.wide.count("stroke-dasharray")
    for row in found["rows"]:
        row["figures"]["speedup"] = row["figures"]["speedup"] and 1.0
    flat, _ = draw_section(found, ARMS)
    assert flat.wide.count("stroke-dasharray") == lines
    assert costs.wide.count("stroke-dasharray") < lines
    # The share of the queue is in the whole, and no point of its own.
    description = re.search(r"<desc[^>]*>([^<]+)</desc>", costs.wide)
    assert description
    assert " 9.00 at" not in description[1]
    assert {"4", "redis, WebSocket"} <= labels(figure.wide)


def test_what_ran_on_too_few_cores_has_open_marks() -> None:
    found = section("processes")
    filled, _ = draw_section(found, ARMS)
    for row in found["rows"]:
        if row["at"]["processes"] == 4:
            row["notes"] = ["oversubscribed: 6 processes with generator and queue on 4 cores"]
    figure, _ = draw_section(found, ARMS)
    assert "Open marks" not in filled.caption
    assert figure.caption.endswith("nothing is known about how these scale on more.")
    inside = "fill: var(--paper)"
    assert figure.wide.count(inside) > filled.wide.count(inside)


def test_a_screen_reader_hears_every_value() -> None:
    figure = draw_section(section("fanout"), ARMS)[0]
    description = re.search(r"<desc[^>]*>([^<]+)</desc>", figure.wide)
    assert description
    assert "at room size 10, " in description[1]
    assert "at room size 1\u202f000" in description[1]
    assert description[1].count("gevent") == 1
