"""A crash of a client is known in the case in which it happens, and excuses no other one."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from conformance.agent.agent import Agent
from conformance.client_target import ClientTarget
from conformance.judging import judged
from conformance.judging.client_runner import ClientRunner
from conformance.judging.collecting import all_questions
from conformance.judging.known_deviations import Deviation
from conformance.requirements import FEATURES
from conformance.verdicts import Silent, Verdict
from tests.strict_client.agent import StrictPool

TARGET = ClientTarget(level=1, given="strict", command=("strict",), features=frozenset(FEATURES))
CASES = ("test_delivers_a_large_event[websocket]", "test_lives[websocket]")


class DiesFirst(StrictPool):
    """Its first agents end at an event, as many as a case is asked; the others never."""

    def __init__(self, times: int) -> None:
        super().__init__(None)
        self._left = times

    async def take(self) -> Agent:
        self._left -= 1
        return await (StrictPool("process-ends").take() if self._left >= 0 else super().take())


def entry(id_: str, *covers: Silent) -> Deviation:
    versions = SpecifierSet()
    return Deviation("strict", versions, id_, "it is known", "a file", {}, covers=covers)


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
    def find(id_: str, *case: object, **subject: Any) -> Deviation | None:
        return next((one for one in known if one.id == id_), None)

    monkeypatch.setattr(judged, "find_deviation", find)
    questions = [question for question in all_questions("client") if question.label in CASES]
    runner = ClientRunner(TARGET, jobs=1, strict=False)
    runner.start(questions)
    runner._pool = DiesFirst(1 if of_the_case == "known deviation" else 2)  # type: ignore[assignment]
    try:
        outcomes = {question.name: runner.outcome(question).judgement for question in questions}
    finally:
        runner.stop()

    assert outcomes["test_delivers_a_large_event"].verdict == of_the_case
    assert outcomes["test_lives"].verdict == of_survival
    assert "test_delivers_a_large_event[websocket]" in str(outcomes["test_lives"].actual)
    assert Verdict.PASS not in {outcome.verdict for outcome in outcomes.values()}
