"""The summary says as much as there is room for, and in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from conformance.client.address import parse_url
from conformance.client.timing import Timing
from conformance.client.transcript import Entry
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Cause, Outcome, Question
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from conformance.telling.summary import summary
from conformance.verdicts import Judgement, Verdict
from sioprobe.wire import OpenData

OPENED = OpenData("s", (), 1000, 1000, 1000)
TARGET = Target(
    parse_url("http://127.0.0.1:5000"), OPENED, Timing(1, 1), level=2, capabilities=dict(CAPABILITIES)
)
PACKETS = [Entry(number / 10, "C→S", "polling", "PONG", "3") for number in range(8)]


def results(*groups: tuple[int, Verdict]) -> list[tuple[Question, Outcome]]:
    """So many cases with each verdict. No two are of one requirement."""
    questions = iter({one.requirement.id: one for one in all_questions()}.values())
    return [
        (next(questions), Outcome(Judgement(verdict, ("an answer",), "nothing"), transcript=PACKETS))
        for number, verdict in groups
        for _ in range(number)
    ]


def lines_of(found: Sequence[tuple[Question, Outcome]], room: int) -> list[str]:
    lines = "\n".join(summary(TARGET, [*found], room=room)).splitlines()
    assert len(lines) <= room
    return lines


def test_few_failures_come_with_their_packets() -> None:
    lines = lines_of(results((2, Verdict.FAIL)), 50)
    assert sum(line.endswith("PONG   '3'") for line in lines) == 16
    assert sum(line.startswith("  reproduce: ") for line in lines) == 2


def test_more_failures_come_without_their_packets() -> None:
    lines = lines_of(results((9, Verdict.FAIL)), 50)
    assert sum(line == "  actual    nothing" for line in lines) == 9
    assert not any("PONG" in line for line in lines)
    assert any("--verbose" in line for line in lines)


def test_still_more_failures_keep_what_they_ask_for_and_what_came() -> None:
    lines = lines_of(results((16, Verdict.FAIL)), 50)
    assert sum(line == "  actual    nothing" for line in lines) == 16
    assert sum(" (" in line and not line.startswith(" ") for line in lines) == 16
    assert not any(line.startswith("  expected") for line in lines)


def test_many_failures_have_one_line_each_and_the_rest_is_counted() -> None:
    lines = lines_of(results((90, Verdict.FAIL)), 50)
    shown = [line for line in lines if line.endswith("  nothing")]
    assert len(shown) > 40
    assert f"  ... {90 - len(shown)} more" in lines


def test_what_is_no_failure_is_listed_where_there_is_room_and_counted_elsewhere() -> None:
    found = results((1, Verdict.FAIL), (30, Verdict.NON_STRICT), (3, Verdict.KNOWN_DEVIATION))
    lines = lines_of(found, 40)
    assert "not as strict as could be: 30; --verbose lists them" in lines
    assert sum(line.endswith("  nothing") for line in lines[lines.index("known deviations:") :]) == 3
    assert "not as strict as could be:" in lines_of(found, 80)


@pytest.mark.parametrize("number", [1, 16, 90])
def test_what_came_to_no_conclusion_is_not_called_a_failure(number: int) -> None:
    lines = lines_of(results((number, Verdict.INCONCLUSIVE), (1, Verdict.PASS)), 50)
    assert not any(line.startswith("failures") or ": failures" in line for line in lines)
    assert "inconclusive:" in lines or number == 1
    assert lines[-1].endswith(
        f": nothing failed, and not everything could be judged: 1 pass, {number} inconclusive"
    )
    both = lines_of(results((number, Verdict.INCONCLUSIVE), (1, Verdict.FAIL)), 50)
    assert f": failures: 1 fail, {number} inconclusive" in both[-1]
    assert "failures:" in both or number == 1


def test_causes_come_first_whatever_the_room() -> None:
    question, outcome = results((1, Verdict.NOT_JUDGED))[0]
    unjudged = Outcome(outcome.judgement, cause=Cause("the server went away", "connection refused"))
    lines = lines_of([(question, unjudged), *results((60, Verdict.FAIL))], 40)
    assert lines[:3] == [
        "cause: the server went away",
        "  connection refused",
        "  1 case is not judged because of it",
    ]
