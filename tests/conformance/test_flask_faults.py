"""Every case about Flask-SocketIO passes on the faultless server, and notices the breaks that it should."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest

from conformance.client.timing import Timing
from conformance.collect import all_questions
from conformance.requirements import CAPABILITIES
from conformance.runner import Question
from conformance.target import Target, parse_url
from conformance.verdicts import Verdict
from sioprobe.wire import OpenData
from tests.conformance.flask_fault_servers import FAULTLESS
from tests.conformance.flask_faults import CASES, FAULTS
from tests.conformance.mutation import PING_SECONDS, PONG_SECONDS, Answered, one
from tests.servers import start_command

CASES_AT_ONCE = 24

QUESTIONS = [
    question for question in all_questions()
    if "flask_contract" in question.requirement.capabilities
    # What comes of an event is above the transports: one of them is enough here.
    and question.transport in (None, "websocket")
]  # fmt: skip


def target_of(url: str) -> Target:
    """The server as a target, without the probe: a fault must not end the run before its case."""
    opened = OpenData("unknown", ("websocket",), PING_SECONDS * 1000, PONG_SECONDS * 1000, 1_000_000)
    capabilities = CAPABILITIES | {"flask_contract": True}
    timing = Timing(PING_SECONDS, PONG_SECONDS)
    return Target(parse_url(url), opened, timing, level=2, capabilities=capabilities, title=url)


Answers = dict[str, list[Answered]]


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """What the cases say: all of the faultless server, and those of each fault of that fault."""

    async def run(urls: dict[str, str]) -> Answers:
        places = asyncio.Semaphore(CASES_AT_ONCE)

        async def ask(name: str, questions: list[Question]) -> tuple[str, list[Answered]]:
            target = target_of(urls[name])
            return name, await asyncio.gather(*(one(question, target, places) for question in questions))

        asked = [ask(FAULTLESS, QUESTIONS)]
        for name in FAULTS:
            asked.append(ask(name, [item for item in QUESTIONS if name in CASES.get(item.name, ())]))
        return dict(await asyncio.gather(*asked))

    with start_command([sys.executable, "-m", "tests.conformance.flask_fault_servers"]) as servers:
        yield asyncio.run(run(servers.about["faults"]))


def test_each_case_has_a_fault_that_it_notices() -> None:
    assert set(CASES) == {question.name for question in QUESTIONS}


def test_the_faultless_server_passes_every_case(answers: Answers) -> None:
    odd = [item for item in answers[FAULTLESS] if item.outcome.judgement.verdict is not Verdict.PASS]
    assert [str(item) for item in odd] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_noticed_by_its_cases(answers: Answers, fault: str) -> None:
    assert answers[fault]
    assert [str(item) for item in answers[fault] if not item.noticed] == []
