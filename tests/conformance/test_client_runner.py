"""The runner of clients: what is asked again, and what was noted in other cases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from conformance.client_target import ClientTarget
from conformance.judging import client_runner
from conformance.judging.client_runner import ACCIDENTS, ClientRunner
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Outcome, Question
from conformance.judging.standstill import StandstillWatch
from conformance.judging.watched import WATCHED
from conformance.requirements import FEATURES, Requirement
from conformance.stage.stage import Stage
from conformance.verdicts import Level, NotBegun, Verdict
from tests.strict_client.agent import StrictPool
from tests.strict_client.websocket import WebSocket

Case = Callable[..., Awaitable[None]]

TARGET = ClientTarget(level=1, given="strict", command=("strict",), features=frozenset(FEATURES))


@pytest.fixture(autouse=True)
def strict_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_runner, "Pool", lambda command, size, fresh: StrictPool(None))
    # On a busy machine too:
    monkeypatch.setattr(StandstillWatch, "stalled_since", lambda watch, moment: 0.0)
    monkeypatch.setattr(StandstillWatch, "starved_since", lambda watch, moment: None)


def question(name: str, run: Case, requirement: str = "CLI-CN-03") -> Question:
    entry = Requirement(requirement, Level.MUST, "a text", "a place", 1, (), ())
    return Question(name, "test_x.py", entry, "polling", run)


def outcomes(*questions: Question) -> Iterator[Outcome]:
    runner = ClientRunner(TARGET, jobs=8, strict=False)
    runner.start(questions)
    try:
        yield from [runner.outcome(one) for one in questions]
    finally:
        runner.stop()


def test_a_case_that_did_not_begin_is_asked_again() -> None:
    asked: Counter[str] = Counter()

    async def begins_later(stage: Stage) -> None:
        asked["later"] += 1
        if asked["later"] == 1:
            raise NotBegun("CONNECT to /", "none within 5 s")

    (outcome,) = outcomes(question("later", begins_later))

    assert outcome.judgement.verdict is Verdict.PASS
    said = "asked 2 times: the first failed because nothing had begun: none within 5 s"
    assert outcome.earlier == said


def test_a_client_that_never_begins_is_not_asked_twice_each_time() -> None:
    asked: Counter[str] = Counter()

    async def never(stage: Stage) -> None:
        asked["never"] += 1
        raise NotBegun("CONNECT to /", "none within 5 s")

    found = [*outcomes(*(question(f"case {number}", never) for number in range(20)))]

    assert {one.judgement.verdict for one in found} == {Verdict.FAIL}
    assert asked["never"] == 20 + ACCIDENTS


def test_what_was_noted_in_another_case_breaks_the_requirement() -> None:
    async def passes(stage: Stage) -> None:
        pass

    async def noting(stage: Stage) -> None:
        stage.note("CLI-PL-03", "a second GET")

    watched, other = outcomes(question("watched", passes, "CLI-PL-03"), question("noting", noting))

    assert other.judgement.verdict is Verdict.PASS
    assert watched.judgement.verdict is Verdict.FAIL
    assert watched.judgement.expected == (WATCHED["CLI-PL-03"],)
    assert watched.judgement.actual == "a second GET (in noting[polling])"


def test_a_close_frame_may_come_after_a_close_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    close = WebSocket.close

    def close_after_a_packet(socket: WebSocket) -> None:
        socket.send("1")
        asyncio.get_running_loop().call_later(0.05, close, socket)

    monkeypatch.setattr(WebSocket, "close", close_after_a_packet)
    (leaves,) = (
        one
        for one in all_questions("client")
        if (one.name, one.transport) == ("test_leaves_in_order", "websocket")
    )

    (outcome,) = outcomes(leaves)

    assert outcome.judgement.verdict is Verdict.PASS
