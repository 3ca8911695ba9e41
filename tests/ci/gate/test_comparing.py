"""What the halves make of their answers: cases that changed, counts that differ."""

from __future__ import annotations

from typing import Any

import pytest

from ci.gate.conformance import _changed, _verdict
from ci.gate.counting import compare_counts

Key = tuple[str, str, str]


def cases(**verdicts: str) -> dict[Key, dict[str, Any]]:
    return {
        (name, "test_x", ""): {"verdict": verdict.replace("_", " ")} for name, verdict in verdicts.items()
    }


@pytest.mark.parametrize(
    ("base", "head", "broken"),
    [
        ("pass", "fail", True),
        ("non-strict", "fail", True),
        ("known deviation", "fail", True),
        ("known deviation", "unexpected pass", True),
        ("unexpected pass", "known deviation", False),
        ("fail", "fail", False),
        ("fail", "pass", False),
        ("inconclusive", "fail", False),
        ("harness error", "fail", False),
        ("not applicable", "fail", False),
        ("pass", "inconclusive", False),
        ("pass", "non-strict", False),
    ],
)
def test_what_the_base_keeps_and_the_head_breaks(base: str, head: str, broken: bool) -> None:
    assert bool(_changed(cases(A=base, B="pass"), cases(A=head, B="pass"))) is broken


def test_an_application_that_loses_a_known_deviation_has_broken_nothing() -> None:
    assert _verdict("unexpected pass", reference=False) == "pass"
    assert _verdict("unexpected pass", reference=True) == "unexpected pass"
    assert _verdict("fail", reference=False) == "fail"


def test_a_case_that_the_base_does_not_have_is_not_broken() -> None:
    assert _changed(cases(), cases(A="fail")) == []


def answer(one: dict[str, list[float]], other: dict[str, list[float]], **functions: Any) -> dict[str, Any]:
    return {
        "messages": 300,
        "notes": [],
        "sides": [
            {"name": name, "counts": counts, "functions": functions.get(name, [])}
            for name, counts in (("base", one), ("head", other))
        ],
    }


@pytest.mark.parametrize(
    ("base", "head", "equal"),
    [
        ([233.0, 233.0], [233.0, 233.0], True),
        ([233.0, 233.0], [240.0, 240.0], False),
        ([583.7, 584.1], [583.9, 585.0], True),
        # Two ranges that do not meet, but nearly.
        ([583.7, 584.1], [585.0, 585.2], True),
        ([583.7, 584.1], [590.0, 590.1], False),
        ([51.0, 51.0], [52.0, 52.0], False),
    ],
)
def test_counts_are_equal_where_their_ranges_meet_or_nearly_do(
    base: list[float], head: list[float], equal: bool
) -> None:
    (metric,) = compare_counts("cell", answer({"x": base}, {"x": head}))["metrics"]

    assert (metric["base"], metric["head"], metric["equal"]) == (base[0], head[0], equal)


def test_a_count_of_one_side_alone_is_not_compared() -> None:
    (metric,) = compare_counts("cell", answer({"x": [1.0, 1.0]}, {}))["metrics"]

    assert metric == {"name": "x", "base": 1.0, "head": None, "equal": None}


def test_functions_are_known_by_module_and_name_not_by_line() -> None:
    base = [["loads", "json/__init__.py:299", 1.0, 1.0], ["same", "a.py:10", 3.0, 3.0]]
    head = [["loads", "json/__init__.py:310", 2.0, 2.0], ["same", "a.py:20", 3.0, 3.0]]

    found = compare_counts("cell", answer({}, {}, base=base, head=head))["functions"]

    assert found == [{"name": "json.loads", "place": "json/__init__.py:310", "base": 1.0, "head": 2.0}]


def test_a_new_function_has_no_calls_in_the_base_and_python_comes_first() -> None:
    head = [["str.count", "C", 9.0, 9.0], ["new", "app.py:3", 1.0, 1.0]]

    found = compare_counts("cell", answer({}, {}, head=head))["functions"]

    assert [(entry["name"], entry["base"], entry["head"]) for entry in found] == [
        ("app.new", 0.0, 1.0),
        ("str.count", 0.0, 9.0),
    ]
