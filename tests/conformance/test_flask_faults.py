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
from tests.conformance.flask_faults import EVERY_FAULT, QUEUE_FAULTS
from tests.conformance.flask_faults.servers import FAULTLESS, FAULTLESS_PAIR
from tests.conformance.mutation import PING_SECONDS, PONG_SECONDS, Answered, one
from tests.servers import start_command

CASES_AT_ONCE = 24

QUESTIONS = [
    question for question in all_questions()
    if "flask_contract" in question.requirement.capabilities
    # What comes of an event is above the transports: one of them is enough here.
    and question.transport in (None, "websocket")
]  # fmt: skip


QUEUE_CASES = {f"test_flask_{case}" for _, cases in QUEUE_FAULTS.values() for case in cases}
SINGLE = [question for question in QUESTIONS if question.name not in QUEUE_CASES]
JOINED = [question for question in QUESTIONS if question.name in QUEUE_CASES]


def target_of(url: str, *, message_queue: bool) -> Target:
    """The server as a target, without the probe: a fault must not end the run before its case."""
    opened = OpenData("unknown", ("websocket",), PING_SECONDS * 1000, PONG_SECONDS * 1000, 1_000_000)
    return Target(
        parse_url(url),
        opened,
        Timing(PING_SECONDS, PONG_SECONDS),
        level=2,
        capabilities=CAPABILITIES | {"flask_contract": True},
        switches={"message_queue": message_queue},
        title=url,
    )


Answers = dict[str, list[Answered]]


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """What the cases say: all of the faultless servers, and those of each fault of that fault."""

    async def run(urls: dict[str, list[str]]) -> Answers:
        places = asyncio.Semaphore(CASES_AT_ONCE)

        async def ask(name: str, questions: list[Question]) -> tuple[str, list[Answered]]:
            first, *others = [target_of(url, message_queue=len(urls[name]) > 1) for url in urls[name]]
            second = others[0] if others else None
            asked = (one(question, first, places, second) for question in questions)
            return name, await asyncio.gather(*asked)

        def of_fault(cases: tuple[str, ...]) -> list[Question]:
            return [question for question in QUESTIONS if question.name.removeprefix("test_flask_") in cases]

        return dict(
            await asyncio.gather(
                ask(FAULTLESS, SINGLE),
                ask(FAULTLESS_PAIR, JOINED),
                *(ask(name, of_fault(cases)) for name, (_, cases) in EVERY_FAULT.items()),
            )
        )

    with start_command([sys.executable, "-m", "tests.conformance.flask_faults.servers"]) as servers:
        yield asyncio.run(run(servers.about["faults"]))


def test_each_case_has_a_fault_that_it_notices() -> None:
    noticing = {f"test_flask_{case}" for _, cases in EVERY_FAULT.values() for case in cases}
    assert noticing == {question.name for question in QUESTIONS}


@pytest.mark.parametrize("servers", [FAULTLESS, FAULTLESS_PAIR])
def test_the_faultless_servers_pass_every_case(answers: Answers, servers: str) -> None:
    odd = [item for item in answers[servers] if item.outcome.judgement.verdict is not Verdict.PASS]
    assert answers[servers]
    assert [str(item) for item in odd] == []


@pytest.mark.parametrize("fault", EVERY_FAULT)
def test_each_fault_is_noticed_by_its_cases(answers: Answers, fault: str) -> None:
    assert answers[fault]
    assert [str(item) for item in answers[fault] if not item.noticed] == []
