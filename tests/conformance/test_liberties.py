"""A server that does what the protocol leaves open breaks nothing. A small fault breaks one requirement."""

from __future__ import annotations

import asyncio

from conformance.judging.runner import Question
from conformance.verdicts import Verdict
from tests.conformance.mutation import Answered, cases, judge, judge_alone
from tests.strict_server.liberties import EVERY, Liberty

CASES_AT_ONCE = 32
MOST_AGAIN = 20  # more have another reason than the crowd


def of_revision_3() -> list[Question]:
    return [case for case in cases() if case.requirement.revision == 3]


def not_passed(
    asked: list[Question], *, fault: str | None = None, liberties: frozenset[Liberty] = frozenset()
) -> list[Answered]:
    """What does not pass, in the crowd and again alone."""
    places = asyncio.Semaphore(CASES_AT_ONCE)
    found = failures(asyncio.run(judge(fault, asked, places, liberties)))
    if len(found) > MOST_AGAIN:
        return found
    return failures([asyncio.run(judge_alone(fault, item.question, liberties)) for item in found])


def failures(answered: list[Answered]) -> list[Answered]:
    return [item for item in answered if item.outcome.judgement.verdict is not Verdict.PASS]


def test_a_server_that_takes_every_liberty_breaks_nothing() -> None:
    handshakes = [case for case in cases() if case.requirement.area == "EIO-HS"]

    assert [str(item) for item in not_passed(of_revision_3() + handshakes, liberties=EVERY)] == []


def test_a_connect_with_data_breaks_one_requirement() -> None:
    """As the official client, all other cases read it for what it is."""
    broken = not_passed(of_revision_3(), fault="eio3-connect-answer-has-a-sid")

    assert {item.question.requirement.id for item in broken} == {"SIO4-02"}
    assert all(item.noticed for item in broken)


def test_ids_that_need_escaping_break_one_requirement() -> None:
    """All requests escape the id of their session, as the official client does."""
    asked = [case for case in cases() if case.requirement.area in ("EIO-HS", "EIO-UP")]

    broken = not_passed(asked, fault="session-id-is-not-url-safe")

    assert [item.question.requirement.id for item in broken] == ["EIO-HS-22"]
