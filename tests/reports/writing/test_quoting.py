"""Numbers that name their source: the text, the place, the factor."""

from __future__ import annotations

from typing import Any

import pytest

from reports.writing.quoting import Quotes, Saying, look_up, pointer

RESULTS: Any = {
    "cells": [
        {
            "metrics": {"p99": {"estimate": 21_345.6, "low": 20_000.0, "high": 22_000.0}},
            "connections": 12_345,
        },
        {"metrics": {"p99": {"estimate": None, "low": None, "high": None}}, "connections": 50},
    ],
    "medians": {"a/b~c": 2.0, "d": 8.0},
    "note": "<b>12</b>",
}
QUOTES = Quotes(RESULTS)
P99 = "/cells/0/metrics/p99"


def test_a_pointer_leads_back_to_its_value() -> None:
    assert pointer("medians", "a/b~c") == "/medians/a~1b~0c"
    assert look_up(RESULTS, pointer("medians", "a/b~c")) == 2.0
    assert look_up(RESULTS, "/cells/1/connections") == 50
    with pytest.raises(KeyError):
        look_up(RESULTS, "/nothing")


def test_a_number_is_looked_up_and_names_its_place() -> None:
    quote = QUOTES.number(f"{P99}/estimate", factor=1e-3)
    assert str(quote) == "21.3"
    assert quote.__html__() == f'<span data-from="{P99}/estimate" data-factor="0.001">21.3</span>'


def test_a_whole_number_keeps_all_its_digits() -> None:
    assert str(QUOTES.number("/cells/0/connections")) == "12\u202f345"
    assert str(QUOTES.whole("/cells/0/connections", factor=1 / 100)) == "123"


def test_what_is_missing_is_a_dash() -> None:
    assert str(QUOTES.number("/cells/1/metrics/p99/estimate")) == "–"
    assert QUOTES.between("/cells/1/metrics/p99") == "–"
    assert QUOTES.bounds("/cells/1/metrics/p99") == ""


def test_one_number_can_be_divided_by_another() -> None:
    quote = QUOTES.number("/medians/d", over=pointer("medians", "a/b~c"))
    assert str(quote) == "4.00"
    assert 'data-over="/medians/a~1b~0c"' in quote.__html__()


def test_an_interval_names_both_ends() -> None:
    assert str(QUOTES.between(P99, 1e-3)) == "20.0–22.0"
    assert str(QUOTES.bounds(P99)) == "[20\u202f000, 22\u202f000]"
    assert QUOTES.between(P99).__html__().count("data-from") == 2  # type: ignore[union-attr]


def test_a_text_is_escaped() -> None:
    assert QUOTES.shown("/note").__html__() == '<span data-from="/note">&lt;b&gt;12&lt;/b&gt;</span>'


def test_a_sentence_lists_the_numbers_that_stand_in_it() -> None:
    said = Saying(QUOTES)
    told = f"p99 {said.number(f'{P99}/estimate', factor=1e-3)} ms{said.between(P99, 1e-3)}"
    said.number("/medians/d")
    found = said.said(told, None, "More.")
    assert found["text"] == "p99 21.3 ms (20.0–22.0) More."
    assert [(one["text"], one["source"]) for one in found["quotations"]] == [
        ("21.3", f"{P99}/estimate"),
        ("20.0", f"{P99}/low"),
        ("22.0", f"{P99}/high"),
    ]
