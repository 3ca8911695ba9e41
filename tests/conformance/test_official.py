"""Every test of the official suites is represented: its requirements and cases are there."""

from __future__ import annotations

from collections import Counter

import pytest

from conformance.judging.collecting import all_questions
from conformance.requirements import with_cases
from conformance.telling.official_suites import OfficialTest, as_json, as_text, official_tests, read_table


def test_each_official_test_is_listed_once() -> None:
    numbers = [test.number for file in ("revision-4.toml", "revision-3.toml") for test in read_table(file)]
    suites = Counter(number[:2] for number in numbers)
    assert suites == {"E3": 24, "E4": 25, "S5": 32}
    assert numbers == [
        f"{suite}.{number:02}"
        for suite, count in (("E4", 25), ("S5", 32), ("E3", 24))
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("test", official_tests(), ids=lambda test: test.number)
def test_its_requirements_and_cases_are_there(test: OfficialTest) -> None:
    asked = {(case.requirement.id, case.name) for case in all_questions()}
    assert test.requirements
    for id_ in test.requirements:
        assert id_ in with_cases()
        # A requirement stands there because one of the cases asks for it.
        assert any((id_, name) in asked for name in test.cases), id_
    for name in test.cases:
        assert any((id_, name) in asked for id_ in test.requirements), name
    assert test.better


def test_all_of_them_are_listed() -> None:
    assert len(official_tests()) == 81


def test_the_table_can_be_read() -> None:
    text = as_text(official_tests())
    assert "    S5.31  closes on event data that is no array: SIO-EV-01" in text
    assert f"{len(official_tests())} official tests" in text.splitlines()[-1]
    assert '"number": "E4.01"' in as_json(official_tests())
