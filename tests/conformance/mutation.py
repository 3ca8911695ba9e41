"""Runs the cases against the strict server with one fault at a time, all in this process.

The cases of a fault's own requirement are asked, on all transports.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from conformance.client.address import parse_url
from conformance.client.timing import Timing
from conformance.judging.collecting import all_questions
from conformance.judging.runner import Outcome, Question, answer_question
from conformance.judging.standstill import StandstillWatch
from conformance.requirements import CAPABILITIES, Requirement
from conformance.target import Target
from conformance.verdicts import Verdict
from sioprobe.wire import OpenData
from tests.strict_server.liberties import Liberty
from tests.strict_server.server import StrictServer

PING_SECONDS = 1.0
PONG_SECONDS = 2.0  # room for a busy machine
MAX_PAYLOAD = 100_000
CONFIG: dict[str, Any] = {
    "ping_interval": PING_SECONDS,
    "ping_timeout": PONG_SECONDS,
    "max_payload": MAX_PAYLOAD,
    "revisions": (4, 3),
}

# Whose cases wait for a limit that is far away by default.
LIMITS = {"EIO-UP-09": {"upgrade_timeout": 1.0}, "SIO-CN-05": {"connect_timeout": 1.0}}
# What the server has on demand: it would show in the cases of other requirements.
ON_DEMAND = "recovery"

# What the strict server has, and a server must say or show that it has.
HAS = CAPABILITIES | {"permessage_deflate": True}

TRIES = 5  # of a case during which this machine stood still

NOTICED = (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO)


@dataclass(frozen=True, slots=True)
class Answered:
    """The outcome of one case against one server."""

    question: Question
    outcome: Outcome

    @property
    def noticed(self) -> bool:
        return self.outcome.judgement.verdict in NOTICED

    def __str__(self) -> str:
        judgement = self.outcome.judgement
        return f"{self.question.label}: {judgement.verdict}: {judgement.actual or judgement.reason}"


def settings_of(requirement: Requirement) -> dict[str, Any]:
    """What a server needs of its own for the cases of this requirement."""
    on_demand = {ON_DEMAND: True} if ON_DEMAND in requirement.capabilities else {}
    return LIMITS.get(requirement.id, {}) | on_demand


def target_of(server: StrictServer, settings: dict[str, Any]) -> Target:
    """The server as a target, without the probe: a fault must not end the run before its case."""
    opened = OpenData("unknown", ("websocket",), PING_SECONDS * 1000, PONG_SECONDS * 1000, MAX_PAYLOAD)
    configured = {"ping_interval": PING_SECONDS, "ping_timeout": PONG_SECONDS, **settings}
    return Target(
        parse_url(server.url),
        opened,
        Timing(PING_SECONDS, PONG_SECONDS),
        level=2,
        capabilities=HAS | {"eio3": True, ON_DEMAND: ON_DEMAND in settings},
        settings=configured,
        processes=(os.getpid(),),
        title=server.url,
    )


async def judge(
    fault: str | None,
    questions: list[Question],
    places: asyncio.Semaphore,
    liberties: Iterable[Liberty] = (),
) -> list[Answered]:
    """The outcomes of these cases against servers of their own."""
    together: dict[str, list[Question]] = defaultdict(list)
    alone: list[list[Question]] = []
    for question in questions:
        if question.exclusive:
            alone.append([question])
        else:
            # A server with a near limit closes sessions that other cases leave idle: it is asked by itself.
            together[str(settings_of(question.requirement))].append(question)

    async def ask(asked: list[Question]) -> list[Answered]:
        settings = settings_of(asked[0].requirement)
        async with StrictServer(fault, **CONFIG, **settings, liberties=liberties) as server:
            target = target_of(server, settings)
            return await asyncio.gather(*(one(question, target, places) for question in asked))

    answered = await asyncio.gather(*(ask(asked) for asked in (*together.values(), *alone)))
    return [item for items in answered for item in items]


async def judge_alone(fault: str | None, question: Question, liberties: Iterable[Liberty] = ()) -> Answered:
    """The outcome of one case with nothing beside it, asked again while this machine stands still."""
    for _ in range(TRIES):
        pulse = StandstillWatch(PONG_SECONDS)
        beating = asyncio.create_task(pulse.beat())
        started = time.monotonic()
        [answered] = await judge(fault, [question], asyncio.Semaphore(1), liberties)
        stalled = pulse.stalled_since(started)
        beating.cancel()
        if not stalled:
            break
    return answered


async def judge_cluster(
    fault: str | None, questions: list[Question], places: asyncio.Semaphore, *, joined: bool
) -> list[Answered]:
    """The outcomes of these cases against clusters of their own, of two servers with this fault.

    Joined, both are one server: what a cluster without a fault is to its clients.
    """

    async def ask(question: Question) -> Answered:
        async with places, StrictServer(fault, **CONFIG) as here, StrictServer(fault, **CONFIG) as other:
            targets = [target_of(server, {}) for server in (here, here if joined else other)]
            return await one(question, targets[0], others=targets[1:])

    return await asyncio.gather(*(ask(question) for question in questions))


async def one(
    question: Question,
    target: Target,
    places: AbstractAsyncContextManager[None] | None = None,
    others: Sequence[Target] = (),
) -> Answered:
    """The outcome of one case, which waits for one of the places where some are given."""
    async with places or nullcontext():
        # In a task of its own: a case sets context variables.
        return Answered(question, await asyncio.create_task(answer_question(question, target, others)))


def cases() -> list[Question]:
    """All cases that one server can answer which claims nothing beyond the contract."""
    return [question for question in _asked_of_all() if question.requirement.contract < 3]


def cluster_cases() -> list[Question]:
    """The cases that take two servers."""
    return [question for question in _asked_of_all() if question.requirement.contract == 3]


def _asked_of_all() -> list[Question]:
    """Without those that only a server is asked which says that it has what they need."""
    return [
        question
        for question in all_questions()
        if all(HAS[name] or name == ON_DEMAND for name in question.requirement.capabilities)
    ]


def of_requirement(questions: list[Question], requirement_id: str) -> list[Question]:
    """The cases of one requirement, all transports."""
    return [replace(question) for question in questions if question.requirement.id == requirement_id]
