"""The judge of clients can fail: every fault of the strict client is noticed, and every case notices one.

Statements of both revisions of Engine.IO are asked of a faultless client of each.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from conformance.client.revisions import REVISIONS
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

Asked = tuple[Question, int]  # with the revision that the client speaks
Answers = dict[Asked, tuple[Verdict, str]]


async def answer(asked: Asked, fault: str | None) -> tuple[Verdict, str]:
    question, revision = asked
    target, pool = replace(TARGET, revision=REVISIONS[revision]), StrictPool(fault, revision)
    outcome, _ = await asyncio.create_task(answer_question(question, target, pool))
    judgement = outcome.judgement
    return judgement.verdict, f"{question.label}: {judgement.verdict}: {judgement.actual or judgement.reason}"


async def ask_all() -> tuple[Answers, dict[str, Answers]]:
    """What all cases say of the faultless client, and the cases of each fault of that fault.

    What is not as it should be is asked again, alone.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(asked: Asked, fault: str | None) -> tuple[Verdict, str]:
        async with places:
            return await answer(asked, fault)

    async def several(asked: list[Asked], fault: str | None) -> Answers:
        asked = sorted(asked, key=lambda one: not one[0].slow)
        return dict(zip(asked, await asyncio.gather(*(one(each, fault) for each in asked)), strict=True))

    every = [
        (question, revision)
        for question in all_questions("client")
        for revision in (
            (4, 3) if question.requirement.revision is None else (question.requirement.revision,)
        )
    ]
    of_fault = {
        fault.name: [
            (question, revision)
            for question, revision in every
            if question.requirement.id == fault.requirement
            and revision == (question.requirement.revision or 4)
        ]
        for fault in FAULTS
    }
    faultless, *faulty = await asyncio.gather(
        several(every, None), *(several(questions, name) for name, questions in of_fault.items())
    )
    for asked, (verdict, _) in faultless.items():
        if verdict is not Verdict.PASS:
            faultless[asked] = await answer(asked, None)
    by_fault = dict(zip(of_fault, faulty, strict=True))
    for name, found in by_fault.items():
        if not any(verdict in NOTICED for verdict, _ in found.values()):
            for asked in found:
                found[asked] = await answer(asked, name)
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
        for (question, _), (verdict, _) in found.items():
            if verdict in NOTICED:
                notices[question.name].add(fault)
    assert sorted({question.name for question in all_questions("client")} - notices.keys()) == []


def test_every_requirement_has_a_fault() -> None:
    assert with_cases("client").keys() == {fault.requirement for fault in FAULTS}
