"""The judge of clients can fail: every fault of the strict client is noticed, and every case notices one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from conformance.client_target import ClientTarget
from conformance.judging.client_runner import answer_question
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Question
from conformance.requirements import FEATURES, with_cases
from conformance.verdicts import Verdict
from tests.figures import FIGURE
from tests.strict_client.agent import StrictPool
from tests.strict_client.faults import FAULTS

AT_ONCE = 60
NOTICED = (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO)
TARGET = ClientTarget(level=1, given="strict", command=("strict",), features=frozenset(FEATURES))

Answers = dict[Question, tuple[Verdict, str]]


async def answer(question: Question, fault: str | None) -> tuple[Verdict, str]:
    outcome, _ = await asyncio.create_task(answer_question(question, TARGET, StrictPool(fault)))
    judgement = outcome.judgement
    return judgement.verdict, f"{question.label}: {judgement.verdict}: {judgement.actual or judgement.reason}"


async def ask_all() -> tuple[Answers, dict[str, Answers]]:
    """What all cases say of the faultless client, and the cases of each fault of that fault.

    What is not as it should be is asked again, alone.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(question: Question, fault: str | None) -> tuple[Verdict, str]:
        async with places:
            return await answer(question, fault)

    async def several(questions: list[Question], fault: str | None) -> Answers:
        questions = sorted(questions, key=lambda question: not question.slow)
        return dict(
            zip(questions, await asyncio.gather(*(one(each, fault) for each in questions)), strict=True)
        )

    every = all_questions("client")
    of_fault = {
        fault.name: [question for question in every if question.requirement.id == fault.requirement]
        for fault in FAULTS
    }
    faultless, *faulty = await asyncio.gather(
        several(every, None), *(several(questions, name) for name, questions in of_fault.items())
    )
    for question, (verdict, _) in faultless.items():
        if verdict is not Verdict.PASS:
            faultless[question] = await answer(question, None)
    by_fault = dict(zip(of_fault, faulty, strict=True))
    for name, found in by_fault.items():
        if not any(verdict in NOTICED for verdict, _ in found.values()):
            for question in found:
                found[question] = await answer(question, name)
    return faultless, by_fault


@pytest.fixture(scope="module")
def answers() -> tuple[Answers, dict[str, Answers]]:
    return asyncio.run(ask_all())


def test_the_faultless_client_passes_every_case(answers: tuple[Answers, dict[str, Answers]]) -> None:
    assert [said for verdict, said in answers[0].values() if verdict is not Verdict.PASS] == []


def test_every_fault_is_noticed(
    answers: tuple[Answers, dict[str, Answers]], record_property: Callable[[str, object], None]
) -> None:
    missed = {
        fault: [said for _, said in found.values()]
        for fault, found in answers[1].items()
        if not any(verdict in NOTICED for verdict, _ in found.values())
    }
    record_property(
        FIGURE, f"faults of the strict client noticed: {len(FAULTS) - len(missed)} of {len(FAULTS)}"
    )
    assert missed == {}


def test_every_case_notices_a_fault(answers: tuple[Answers, dict[str, Answers]]) -> None:
    notices: dict[str, set[str]] = defaultdict(set)
    for fault, found in answers[1].items():
        for question, (verdict, _) in found.items():
            if verdict in NOTICED:
                notices[question.name].add(fault)
    assert sorted({question.name for question in all_questions("client")} - notices.keys()) == []


def test_every_requirement_has_a_fault() -> None:
    assert with_cases("client").keys() == {fault.requirement for fault in FAULTS}
