"""A crash of a client is known in the case in which it happens, and excuses no other one."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from conformance.agent.process import Crash
from conformance.client_target import ClientTarget
from conformance.judging import client_runner, judged
from conformance.judging.client_runner import ClientRunner
from conformance.judging.known_deviations import Deviation
from conformance.judging.outcomes import Question
from conformance.requirements import FEATURES, Requirement
from conformance.subject import Subject
from conformance.verdicts import Level, Silent
from tests.strict_client.agent import StrictPool

TARGET = ClientTarget(level=1, given="strict", command=("strict",), features=frozenset(FEATURES))


async def ends() -> None:
    raise Crash("the process of the client ended with code 1")


async def lives() -> None:
    pass


def question(case: Any, requirement: str) -> Question:
    entry = Requirement(requirement, Level.MUST, "a text", "a place", 1, (), ())
    return Question(case.__name__, "test_x.py", entry, "polling", case)


def entry(id_: str, *covers: Silent) -> Deviation:
    return Deviation("strict", SpecifierSet(), id_, "it is known", "a file", {}, covers=covers)


@pytest.mark.parametrize(
    ("known", "of_the_case", "of_survival"),
    [
        ([entry("CLI-EV-03", Silent.PROCESS), entry("CLI-SV-01")], "known deviation", "known deviation"),
        ([entry("CLI-EV-03"), entry("CLI-SV-01")], "fail", "fail"),
        ([entry("CLI-SV-01")], "fail", "fail"),
    ],
)
def test_only_the_crash_of_an_entry_is_known(
    known: list[Deviation], of_the_case: str, of_survival: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(question: Question, subject: Subject) -> Deviation | None:
        return next((one for one in known if one.id == question.requirement.id), None)

    monkeypatch.setattr(judged, "find_deviation", find)
    monkeypatch.setattr(client_runner, "Pool", lambda command, size, fresh: StrictPool(None))
    crash, survival = question(ends, "CLI-EV-03"), question(lives, "CLI-SV-01")
    runner = ClientRunner(TARGET, jobs=1, strict=False)
    runner.start([crash, survival])
    try:
        verdicts = [runner.outcome(one).judgement.verdict for one in (crash, survival)]
        said = runner.outcome(survival).judgement.actual
    finally:
        runner.stop()

    assert verdicts == [of_the_case, of_survival]
    assert said == "the process of the client ended with code 1 (in ends[polling])"
