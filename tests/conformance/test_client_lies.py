"""An agent that lies, hangs, prints garbage or dies is not taken for a client that passes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from conformance.agent.pool import Pool
from conformance.client_target import ClientTarget
from conformance.judging.client_runner import answer_question
from conformance.judging.collecting import all_questions
from conformance.verdicts import Judgement, Verdict

AGENT = Path(__file__).with_name("lying_agent.py")
FEATURES = frozenset({"polling", "websocket", "upgrade", "ack_in", "ack_out"})
CASES = (
    "test_delivers_each_value_unchanged[polling]",
    "test_delivers_nothing_of_half_an_answer[polling]",
    "test_keeps_questions_apart[polling]",
)


async def judged(lie: str) -> list[Judgement]:
    command = (sys.executable, str(AGENT), lie)
    target = ClientTarget(level=1, given="liar", command=command, features=FEATURES)
    pool = Pool(command, len(CASES), fresh=False)
    asked = [question for question in all_questions("client") if question.label in CASES]
    assert len(asked) == len(CASES)
    try:
        return [
            outcome.judgement
            for outcome, _ in await asyncio.gather(
                *(asyncio.create_task(answer_question(question, target, pool)) for question in asked)
            )
        ]
    finally:
        await pool.close()


@pytest.mark.parametrize(
    ("lie", "verdict", "said"),
    [
        (
            "connects nowhere",
            Verdict.HARNESS_ERROR,
            "says that it sees connect, and nothing came to the judge",
        ),
        ("invents an event", Verdict.HARNESS_ERROR, "says that it sees event, and the judge sent none"),
        ("invents an answer", Verdict.HARNESS_ERROR, "says that it sees acked, and the judge sent none"),
        ("prints garbage", Verdict.HARNESS_ERROR, "says that it sees event, and the judge sent none"),
        ("hangs", Verdict.HARNESS_ERROR, "hangs: nothing connected, and `reset` has no answer"),
        ("dies at once", Verdict.HARNESS_ERROR, "the process of the client ended with code 1: no time"),
        # Its process is the client's, as far as anybody can see.
        ("dies", Verdict.FAIL, "the process of the client ended with code 3"),
    ],
)
def test_a_lie_is_no_verdict_on_the_client(lie: str, verdict: Verdict, said: str) -> None:
    for judgement in asyncio.run(judged(lie)):
        assert judgement.verdict is verdict, judgement
        assert said in (judgement.actual or judgement.reason or "")
