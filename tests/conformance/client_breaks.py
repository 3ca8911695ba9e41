"""Judges the real clients with one break at a time, each in agent processes of its own.

Only the cases of the requirements that a break names are asked. A break is noticed where a case says that a
requirement is broken, which it did not say of the unbroken client, and says so again when it is asked again.
What is watched in all cases is judged over its own cases here.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from conformance.agent.pool import Pool
from conformance.client_target import ClientTarget
from conformance.finding.client import find_client
from conformance.judging.client_runner import answer_question
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Question
from conformance.verdicts import Verdict, is_failure
from tests.conformance.broken import BROKEN, TRIES, Judged, printed_by
from tests.conformance.mutation import Answered
from tests.reference_breaks.client_python import BREAKS, FIRST, UNBROKEN
from tests.reference_breaks.registry import Break

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
BREAKS_FOLDER = ROOT / "tests" / "reference_breaks"
NODE_AGENT = ROOT / "conformance" / "agents" / "js" / "agent.mjs"

CLIENTS_AT_ONCE = 8  # broken ones, of each reference
AGENTS = 3  # of each broken client
UNBROKEN_AGENTS = 8

# Of the breaks that were written before the cases were read, those that no case noticed then.
UNSEEN_AT_FIRST = {
    "node": {
        "limit-counts-characters",
        "emits-before-it-is-connected",
        "acks-have-no-namespace",
        "texts-that-look-like-dates-become-dates",
        "text-is-composed",
    },
    "node-2": set(),
    "python": {"large-messages-come-later", "comes-back-after-a-kick", "leaves-the-default-namespace-only"},
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A client, and its breaks by name. `first` are those that came before the cases were read."""

    breaks: Mapping[str, Break]
    first: frozenset[str]

    def command(self, name: str) -> list[str]:
        """What starts its agent with this break."""
        raise NotImplementedError


class NodeReference(Reference):
    """socket.io-client, engine.io-client and what stands below. `WORDS` are those of the agent."""

    BREAKS: ClassVar[Path] = BREAKS_FOLDER / "client_node.mjs"
    WORDS: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def find(cls) -> NodeReference:
        return cls(*printed_by(cls.BREAKS))

    def command(self, name: str) -> list[str]:
        agent = [str(NODE_AGENT), *self.WORDS]
        if name == UNBROKEN:
            return ["node", *agent]
        return ["env", f"REFERENCE_BREAK={name}", "node", "--import", self.BREAKS.as_uri(), *agent]


class Node2Reference(NodeReference):
    """Version 2.5 of them, which speaks Engine.IO 3."""

    BREAKS = BREAKS_FOLDER / "client_node_2.mjs"
    WORDS = ("2",)


class PythonReference(Reference):
    """The asynchronous client of python-socketio and python-engineio, and aiohttp."""

    @classmethod
    def find(cls) -> PythonReference:
        return cls(BREAKS, frozenset(FIRST))

    def command(self, name: str) -> list[str]:
        return [
            "env",
            f"PYTHONPATH={ROOT}",
            sys.executable,
            "-m",
            "tests.reference_breaks.client_python",
            name,
        ]


@dataclass(slots=True)
class Client:
    """A client with or without a break, and the agents that play it."""

    target: ClientTarget
    pool: Pool

    async def ask(self, question: Question) -> Answered:
        """The outcome of one case."""
        # In a task of its own: a case sets context variables.
        outcome, _ = await asyncio.create_task(answer_question(question, self.target, self.pool))
        return Answered(question, outcome)


@asynccontextmanager
async def playing(command: list[str], target: ClientTarget, agents: int) -> AsyncIterator[Client]:
    """A client that is started by this command, and is taken for `target`."""
    pool = Pool(command, agents, fresh=False)
    try:
        yield Client(target, pool)
    finally:
        await pool.close()


async def judge(reference: Reference, entries: Iterable[Break]) -> tuple[Judged, list[Judged]]:
    """What the cases say of the unbroken client, and of each break; in the order given.

    The cases are those of the requirements that these breaks name.
    """
    entries = list(entries)
    named = tuple(requirement for entry in entries for requirement in entry.requirements)
    command = reference.command(UNBROKEN)
    target = await find_client(shlex.join(command), command, None)
    every = [question for question in all_questions("client") if question.requirement.id.startswith(named)]
    every.sort(key=lambda question: not question.slow)
    async with playing(command, target, UNBROKEN_AGENTS) as client:
        answered = list(await asyncio.gather(*(client.ask(question) for question in every)))
        # What a busy machine has made fail is asked again alone, as a run of the suite does.
        for number, item in enumerate(answered):
            for _ in range(TRIES):
                if is_failure(answered[number].outcome.judgement.verdict):
                    answered[number] = await client.ask(item.question)
    # What the client itself breaks says nothing of a break.
    kept = [item.question for item in answered if item.outcome.judgement.verdict is Verdict.PASS]
    places = asyncio.Semaphore(CLIENTS_AT_ONCE)
    jobs = (_judge(reference, entry, kept, target, places) for entry in entries)
    return Judged(Break(UNBROKEN, "nothing", ("",)), answered), list(await asyncio.gather(*jobs))


async def _judge(
    reference: Reference,
    entry: Break,
    questions: list[Question],
    target: ClientTarget,
    places: asyncio.Semaphore,
) -> Judged:
    """What the cases of the requirements that a break names say of it."""
    asked = [question for question in questions if question.requirement.id.startswith(entry.requirements)]
    judged = Judged(entry, [])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(places)
        client = await stack.enter_async_context(playing(reference.command(entry.name), target, AGENTS))
        together = [asyncio.create_task(client.ask(question)) for question in asked]
        try:
            for answer in asyncio.as_completed(together):
                item = await answer
                judged.answered.append(item)
                if item.outcome.judgement.verdict in BROKEN:
                    again = await client.ask(item.question)
                    if again.outcome.judgement.verdict in BROKEN:
                        judged.noticed.append(again)
                        break  # one that notices is enough
        finally:
            for task in together:
                task.cancel()
            await asyncio.gather(*together, return_exceptions=True)
    return judged
