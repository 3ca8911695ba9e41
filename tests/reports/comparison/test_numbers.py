"""Every number on the page is that of results.json.

Each number names its source, a JSON pointer. Here another reading of it makes the text again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.html import Element, Tree

NARROW = "\u202f"
NUMBER = re.compile(r"(?<![\w.])\d[\d\u202f,.]*\d|(?<![\w.])\d")
PLAIN = {"style", "script", "code", "svg"}
"""Elements whose text is no figure of the run; SVG is looked at below."""
OTHER_SOURCES = {"conformance", "method", "data"}
"""Parts that say what conformance-*.json, run.json and the method say."""


@pytest.fixture(scope="module")
def results(full_folder: Path) -> Any:
    return json.loads((full_folder / "results.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def root(full_folder: Path) -> Element:
    return Tree((full_folder / "report.html").read_text("utf-8")).root


def at(document: Any, pointer: str | None) -> Any:
    """The value at a JSON pointer."""
    for step in (pointer or "").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def texts_of(value: float) -> set[str]:
    """How a page may write a number: to three digits, or all digits of a whole one."""
    thousands = lambda text: text.replace(",", NARROW)  # noqa: E731
    whole = thousands(f"{math.floor(value + 1e-9):,}")
    if value == 0:
        return {"0", whole}
    rounded = float(f"{value:.3g}")
    decimals = max(2 - math.floor(math.log10(abs(rounded))), 0)
    return {thousands(f"{rounded:,.{decimals}f}"), whole}


def value_of(results: Any, source: str | None, over: str | None, factor: float) -> Any:
    value = at(results, source) if source else 1.0
    if isinstance(value, str) or value is None:
        return value
    return factor * value / (at(results, over) if over else 1.0)


def sourced(root: Element) -> list[Element]:
    return [one for one in root.all() if {"data-from", "data-over"} & set(one.attributes)]


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers_in(one)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from strings_in(one)
    elif isinstance(value, str):
        yield value


def test_each_number_is_the_one_at_its_source(root: Element, results: Any) -> None:
    found = sourced(root)
    assert len(found) > 900
    for one in found:
        data = one.attributes
        value = value_of(
            results, data.get("data-from"), data.get("data-over"), float(data.get("data-factor", 1))
        )
        if isinstance(value, str):
            assert one.text == re.sub(r"[ \t\n]+", " ", value).strip(), data
        elif value is None:
            assert one.text == "–", data
        else:
            assert one.text in texts_of(value), data


UNITS = {
    "ms": ("_us", 1e-3),
    "µs": ("_us", 1.0),
    "KiB": ("bytes", 1 / 1024),
    "% of a core": ("_cores", 100.0),
}
"""By the unit of a column: what its sources end with or hold, and the factor from there."""


def test_each_column_has_its_numbers_in_the_unit_of_its_head(root: Element) -> None:
    checked = 0
    for head, cell in cells_with_heads(root):
        unit = next((unit for unit in UNITS if re.search(rf", {re.escape(unit)}\b", head)), None)
        for one in sourced(cell):
            if unit is not None:
                name, factor = UNITS[unit]
                source = one.attributes["data-from"]
                assert name in source or "/latency/" in source, (head, source)
                assert float(one.attributes.get("data-factor", 1)) == pytest.approx(factor), (head, source)
                checked += 1
    assert checked > 300


def cells_with_heads(root: Element) -> Iterator[tuple[str, Element]]:
    """Each cell of a table with numbers, and the head of its column."""
    for table in [one for one in root.all() if one.attributes.get("class") == "data"]:
        rows = [
            [cell for cell in row.all() if cell.tag in ("td", "th")] for row in table.all() if row.tag == "tr"
        ]
        for row in rows[1:]:
            for head, cell in zip(rows[0], row, strict=True):
                yield head.text, cell
    for cell in root.all():
        if cell.tag == "td" and "data-label" in cell.attributes:
            yield cell.attributes["data-label"], cell


def test_each_number_in_a_sentence_is_quoted_from_its_source(results: Any) -> None:
    said = [one for part in ("answers", "guide", "choices") for one in sentences(results[part])]
    assert len(said) > 20
    quoted = 0
    for one in said:
        for quotation in one["quotations"]:
            value = value_of(results, quotation["source"], quotation["over"], quotation["factor"])
            if isinstance(value, str):
                assert quotation["text"] == value
            else:
                assert quotation["text"] in texts_of(value), quotation
                quoted += 1
        known = {number for quotation in one["quotations"] for number in NUMBER.findall(quotation["text"])}
        assumed = {"5\u202f000", "30", "200", "64"}
        rest = re.sub(r"\bp99\b|\d+ others", "", one["text"])
        assert set(NUMBER.findall(rest)) <= known | assumed, one
    assert quoted > 60


def sentences(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "quotations" in value:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from sentences(one)


def unsourced(element: Element) -> Iterator[str]:
    """The text of a page without its numbers that name a source, and without other sources."""
    attributes = element.attributes
    if (
        element.tag in PLAIN
        or attributes.get("id") in OTHER_SOURCES
        or {"data-from", "data-over", "data-plain"} & set(attributes)
    ):
        return
    for child in element.children:
        if isinstance(child, str):
            yield child
        else:
            yield from unsourced(child)


def test_what_names_no_source_has_no_figure_of_its_own(root: Element, results: Any) -> None:
    """Titles and notes that are put together: their numbers stand somewhere in results.json."""
    written = {
        text
        for value in numbers_in(results)
        for scale in (1, 1e-3, 1 / 1024, 100)
        for text in texts_of(value * scale)
    }
    written |= {number for text in strings_in(results) for number in NUMBER.findall(text)}
    written |= {str(len(results[name])) for name in ("arms", "cells", "conformance")}
    [body] = [one for one in root.all() if one.tag == "main"]
    for text in unsourced(body):
        for number in NUMBER.findall(text):
            assert number in written, text.strip()


def test_the_texts_in_a_figure_stand_in_its_table(root: Element, results: Any) -> None:
    """Beside the ticks of its axes, the numbers of a drawing are numbers of the table under it."""
    figures = [one for one in root.all() if one.attributes.get("class") == "figure"]
    drawn = 0
    for figure in figures:
        cells = [one.text for one in figure.all() if one.tag in ("td", "th")]
        table = {number for text in cells for number in NUMBER.findall(text)}
        for svg in [one for one in figure.all() if one.tag == "svg"]:
            for text in labels(svg):
                for number in NUMBER.findall(text):
                    drawn += 1
                    assert number in table, (figure.attributes["id"], text)
    assert drawn > 100


def labels(element: Element) -> Iterator[str]:
    """The texts beside the axes of a drawing, without names of servers."""
    if "matplotlib.axis" in element.attributes.get("id", "") or element.tag in ("title", "desc"):
        return
    if element.tag == "text" and not re.match(r"[a-z]+-\d+$", element.text):
        yield element.text
    for child in element.children:
        if isinstance(child, Element):
            yield from labels(child)


def test_the_facts_are_counted_from_the_results(root: Element, results: Any) -> None:
    [facts] = [one for one in root.all() if one.attributes.get("class") == "facts"]
    counts = [cell["blocks"] for cell in results["cells"]]
    blocks = sum(count for one in counts for name, count in one.items() if name != "FAILED")
    invalid, suspect = (sum(one[name] for one in counts) for name in ("INVALID", "SUSPECT"))
    assert (
        f"Measured{blocks} blocks in 3 min 41 s, {invalid} invalid and left out, {suspect} suspect"
        in facts.text
    )
