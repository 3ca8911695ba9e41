"""Numbers and texts as printed."""

from __future__ import annotations

import pytest

from reports.writing import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.01234, "0.0123"),
        (1.0, "1.00"),
        (99.95, "100"),
        (236.4, "236"),
        (1234.5, "1\u202f230"),
        (12_345_678, "12\u202f300\u202f000"),
        (-42.25, "\u221242.2"),
        (7, "7"),
        (1000, "1\u202f000"),
    ],
)
def test_number_has_three_significant_digits(value: float | None, text: str) -> None:
    assert wording.number(value) == text


def test_interval_joins_its_ends_unless_they_read_alike() -> None:
    assert wording.interval(1.0, 2.0) == "1.00–2.00"
    assert wording.interval(1000.1, 1000.2) == "1\u202f000"
    assert wording.interval(None, 2.0) == "–"


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_listed(names: list[str], text: str) -> None:
    assert wording.listed(names) == text


@pytest.mark.parametrize(
    ("iso", "text"),
    [
        ("2026-10-19T10:30:00+02:00", "2026-10-19 08:30 UTC"),
        ("2026-10-19T10:30:00", "2026-10-19 10:30"),
        ("yesterday", "yesterday"),
        (None, "unknown"),
    ],
)
def test_moment(iso: str | None, text: str) -> None:
    assert wording.moment(iso) == text


def test_duration() -> None:
    start = "2026-10-19T08:30:00+00:00"
    assert wording.duration(start, "2026-10-19T08:33:41+00:00") == "3 min 41 s"
    assert wording.duration(start, "2026-10-19T08:30:41+00:00") == "41 s"
    assert wording.duration(start, None) is None
    assert wording.duration(start, "later") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1eb", "a\\x1eb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("é → 8\u202f610", "é → 8\u202f610"),
        ("a\nb", "a\\nb"),
    ],
)
def test_what_does_not_show_itself_is_written_out(text: str, shown: str) -> None:
    assert wording.printable(text) == shown


def test_a_line_break_is_kept_where_it_is_asked_for() -> None:
    assert wording.printable("a\nb\r", keep="\n") == "a\nb\\r"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.0464, 0.031, 0.0612), "+4.6 % [+3.1, +6.1]"),
        ((-0.5, None, None), "-50.0 %"),
        ((-0.0001, -0.01, 0.01), "+0.0 % [-1.0, +1.0]"),
        ((None, None, None), "–"),
    ],
)
def test_a_change_has_a_sign_and_its_interval(values: tuple[float | None, ...], text: str) -> None:
    assert wording.change(*values) == text
