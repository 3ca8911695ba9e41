"""Every case about Flask-SocketIO passes on the faultless server, and notices the breaks that it should."""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Iterator

import pytest

from conformance.client.address import parse_url
from conformance.client.timing import Timing
from conformance.judging.collecting import all_questions
from conformance.judging.runner import Question
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from conformance.verdicts import Verdict
from sioprobe.wire import OpenData
from tests.conformance.flask_faults import EVERY_FAULT, QUEUE_FAULTS
from tests.conformance.flask_faults.servers import FAULTLESS, FAULTLESS_PAIR, PING_SECONDS, PONG_SECONDS
from tests.conformance.mutation import Answered, one
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
    with start_command([sys.executable, "-m", "tests.conformance.flask_faults.servers"]) as servers:
        urls: dict[str, list[str]] = servers.about["faults"]
        yield ask_again(asyncio.run(ask_all(urls)), urls)


async def ask_all(urls: dict[str, list[str]]) -> Answers:
    places = asyncio.Semaphore(CASES_AT_ONCE)

    async def ask(name: str, questions: list[Question]) -> tuple[str, list[Answered]]:
        return name, await asyncio.gather(*(ask_one(question, urls[name], places) for question in questions))

    def of_fault(cases: tuple[str, ...]) -> list[Question]:
        return [question for question in QUESTIONS if question.name.removeprefix("test_flask_") in cases]

    return dict(
        await asyncio.gather(
            ask(FAULTLESS, SINGLE),
            ask(FAULTLESS_PAIR, JOINED),
            *(ask(name, of_fault(cases)) for name, (_, cases) in EVERY_FAULT.items()),
        )
    )


async def ask_one(question: Question, urls: list[str], places: asyncio.Semaphore) -> Answered:
    first, *others = [target_of(url, message_queue=len(urls) > 1) for url in urls]
    return await one(question, first, places, others)


def ask_again(answers: Answers, urls: dict[str, list[str]]) -> Answers:
    """The same, with what is not as it should be asked again, alone: all of it ran in one crowd."""
    for name, items in answers.items():
        for place, item in enumerate(items):
            if as_it_should_be(name, item):
                continue
            items[place] = asyncio.run(ask_one(item.question, urls[name], asyncio.Semaphore(1)))
            # Said in pytest's summary, whichever came of it.
            warnings.warn(f"asked again, alone, of {name}: {item}; now {items[place]}", stacklevel=1)
    return answers


def as_it_should_be(name: str, item: Answered) -> bool:
    passed = item.outcome.judgement.verdict is Verdict.PASS
    return passed if name in (FAULTLESS, FAULTLESS_PAIR) else item.noticed


def test_each_case_has_a_fault_that_it_notices() -> None:
    noticing = {f"test_flask_{case}" for _, cases in EVERY_FAULT.values() for case in cases}
    assert noticing == {question.name for question in QUESTIONS}


@pytest.mark.parametrize("name", [FAULTLESS, FAULTLESS_PAIR, *EVERY_FAULT])
def test_the_cases_pass_without_a_fault_and_notice_each(answers: Answers, name: str) -> None:
    assert answers[name]
    assert [str(item) for item in answers[name] if not as_it_should_be(name, item)] == []
