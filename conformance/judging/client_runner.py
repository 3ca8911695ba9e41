"""Runs cases against a client: each on a stage of its own, and each with an agent that no other case has."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from conformance.agent.agent import Agent
from conformance.agent.app import App
from conformance.agent.listener import AgentsGone, Listener
from conformance.agent.pool import Pool
from conformance.agent.process import SETTLE_SECONDS, CannotStart, Crash
from conformance.agent.pulled import Lost
from conformance.client.transcript import RECORDING, Recording
from conformance.client_target import ClientTarget
from conformance.judging.judged import judged, redacted
from conformance.judging.known_deviations import find_deviation
from conformance.judging.outcomes import Cause, Outcome, Question
from conformance.judging.question_loop import QuestionLoop
from conformance.judging.watched import WATCHED
from conformance.stage.bell import Bell
from conformance.stage.stage import LOOPBACK, Stage
from conformance.verdicts import (
    HarnessError,
    Inconclusive,
    Judgement,
    NotApplicable,
    NotBegun,
    Silent,
    Unresponsive,
    Verdict,
    Violation,
    is_failure,
    judge,
)

__all__ = ["ClientRunner", "answer_question"]

LIMIT_SECONDS = 60.0  # no case takes that long
HEARTBEAT = 0.6  # seconds: the shortest that a case uses
ACCIDENTS = 8  # so many cases are asked again for a weak reason: more of them are no accident


class Note(NamedTuple):
    """What came, and in which case. `silent`: a process ended, and no entry for that case covers it."""

    what: str
    silent: Silent | None = None


Notes = dict[tuple[str, str | None], list[Note]]  # of a requirement on a transport


class Agents(Protocol):
    """Gives agents to cases, as `Pool` does."""

    async def take(self) -> Agent: ...

    async def give(self, agent: Agent, *, usable: bool) -> None: ...

    async def close(self) -> None: ...


class ClientRunner(QuestionLoop):
    """Asks a client, in as many processes as there are jobs, or the `agents` that have come to the loop."""

    def __init__(
        self,
        target: ClientTarget,
        *,
        jobs: int,
        strict: bool,
        agents: Listener | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(HEARTBEAT, loop)
        self._target = target
        self._strict = strict
        self._places = asyncio.Semaphore(jobs) if agents is None else agents.places
        self._pool: Agents = agents or Pool(target.command, jobs + 1, fresh=target.fresh)
        self._lost: list[str] = []  # the cases in which an agent went away
        self._asked: dict[Question, asyncio.Future[None]] = {}  # and again, where there was a reason
        self._accidents = 0
        self._notes: Notes = defaultdict(list)

    def _queue(self, questions: Iterable[Question]) -> None:
        """First those that take long, as each does that is known to wait in vain."""
        for question in sorted(
            questions, key=lambda one: not (one.slow or find_deviation(one, self._target))
        ):
            self._asked[question] = self._loop.create_future()
            self._add(question, self._ask(question))

    async def _end(self) -> None:
        await super()._end()
        await self._pool.close()

    async def _ask(self, question: Question) -> Outcome:
        started = time.monotonic()
        try:
            try:
                async with self._places:
                    started = time.monotonic()
                    outcome, notes = await self._answer(question)
            finally:
                self._tried[question].set_result(None)
            if blame := self._blame(question, outcome, started):
                outcome, notes = await self._ask_again(question, outcome, blame)
            for requirement, what in notes:
                self._notes[requirement, question.transport].append(Note(f"{what} (in {question.label})"))
            if isinstance(outcome.error, Crash):
                known = outcome.judgement.verdict is Verdict.KNOWN_DEVIATION
                end = Note(f"{outcome.error} (in {question.label})", None if known else Silent.PROCESS)
                self._notes["CLI-SV-01", question.transport].append(end)
            if isinstance(outcome.error, Lost):
                self._lost.append(question.label)
        finally:
            self._asked[question].set_result(None)
        if question.requirement.id in WATCHED:
            await asyncio.wait(self._asked.values())
            outcome = self._with_notes(question, outcome)
        self._judged(question, outcome)
        return outcome

    def _with_notes(self, question: Question, outcome: Outcome) -> Outcome:
        """What came of a watched requirement, if its own case found nothing: what was noted in all others."""
        id_ = question.requirement.id
        noted = self._notes[id_, question.transport] + self._notes[id_, None]
        error: Exception
        if outcome.error is not None or outcome.cause is not None:
            return outcome
        if noted:
            error = _broken(id_, noted)
        elif id_ == "CLI-SV-01" and self._lost:
            error = Inconclusive(f"an agent went away in {self._lost[0]}, and its process may have ended")
        else:
            return outcome
        judgement = judged(question, error, self._target, strict=self._strict)
        return replace(outcome, error=error, judgement=judgement)

    async def _ask_again(
        self, question: Question, first: Outcome, blame: str
    ) -> tuple[Outcome, list[tuple[str, str]]]:
        """Ask once more, alone. A process that ends only once says nothing."""
        await asyncio.wait(self._tried.values())
        async with self._alone:
            outcome, notes = await self._answer(question)
        if outcome.cause is not None:  # nobody is left who could be asked
            return first, notes
        found = first.judgement.actual or first.judgement.reason
        if isinstance(first.error, Crash) and not isinstance(outcome.error, Crash):
            once = Inconclusive(f"once in two tries {found}")
            outcome = replace(outcome, judgement=judge(question.requirement.level, once))
        return replace(outcome, earlier=f"asked 2 times: the first failed {blame}: {found}"), notes

    def _blame(self, question: Question, outcome: Outcome, started: float) -> str | None:
        """Why a case is asked again, alone; None if there is no reason."""
        passed_so_far = outcome.error is None and question.requirement.id in WATCHED  # see _with_notes
        if passed_so_far or outcome.judgement.verdict is Verdict.KNOWN_DEVIATION:
            return None
        if isinstance(outcome.error, Crash):
            return "because the process ended"
        if isinstance(outcome.error, Lost):
            return "because its agent went away"
        if not is_failure(outcome.judgement.verdict) and outcome.judgement.verdict is not Verdict.NON_STRICT:
            return None
        if stall := self._standstill.stalled_since(started):
            return f"while this machine stood still for {stall:.1f} s"
        busy = self._standstill.starved_since(started)
        if question.slow and busy:
            return f"while {busy}"
        not_begun = "because nothing had begun" if isinstance(outcome.error, NotBegun) else None
        weak = f"while {busy}" if busy and outcome.in_vain else not_begun
        if weak is None or self._accidents == ACCIDENTS:
            return None
        self._accidents += 1
        return weak

    async def _answer(self, question: Question) -> tuple[Outcome, list[tuple[str, str]]]:
        return await answer_question(question, self._target, self._pool, strict=self._strict)


async def answer_question(
    question: Question,
    target: ClientTarget,
    pool: Agents,
    *,
    strict: bool = False,
) -> tuple[Outcome, list[tuple[str, str]]]:
    """Run one case and judge it. Returns what the stage noted in it, too."""
    recording = Recording()
    RECORDING.set(recording)
    stage = Stage(
        Bell(),
        recording,
        upgrades=question.transport == "upgraded",
        address=target.address or LOOPBACK,
        revision=target.revision,
        # Without an agent, the PINGs of a client show whether its session goes on.
        interval=1000 if target.revision.client_pings and not target.level else 25_000,
    )
    error: BaseException | None = None
    try:
        _expect_applicable(question, target)
        await _play(question, stage, target, pool)
        _look_at_notes(question, stage)
    except AgentsGone as gone:
        return Outcome(Judgement(Verdict.NOT_JUDGED), cause=Cause("the agent went away", str(gone))), []
    except Exception as exception:  # the verdict says whose fault it is
        error = exception
    seconds = time.monotonic() - recording.started
    judgement = redacted(judged(question, _as_verdict(error), target, strict=strict), recording)
    outcome = Outcome(judgement, stage.ended, recording.read(), seconds, error, started=recording.started)
    return replace(outcome, in_vain=stage.bell.in_vain), stage.notes


async def _play(question: Question, stage: Stage, target: ClientTarget, pool: Agents) -> None:
    agent = None
    if target.level:
        try:
            agent = await pool.take()
        except CannotStart as error:
            raise HarnessError(str(error)) from None
        stage.host = agent.reaches or stage.host
    app = App(stage, agent, target.command)
    usable = False
    died: Exception | None = None
    try:
        async with stage, asyncio.timeout(LIMIT_SECONDS):
            try:
                available = {"stage": stage, "app": app, "transport": question.transport}
                names = inspect.signature(question.run).parameters
                await question.run(**{name: available[name] for name in names})
                _expect_living(agent)
            finally:
                stage.ended = stage.sessions[0].over if stage.sessions else None
                usable = await app.leave()
                await stage.close()
    except Violation:
        # The end of a connection may be the end of the process.
        await asyncio.sleep(SETTLE_SECONDS)
        _expect_living(agent)
        if agent is not None and not usable and not stage.connections:
            raise HarnessError("the agent hangs: nothing connected, and `reset` has no answer") from None
        raise
    except TimeoutError:
        raise HarnessError(f"the case did not end within {LIMIT_SECONDS:.0f} s") from None
    finally:
        if agent is not None:
            if not usable:
                await asyncio.sleep(SETTLE_SECONDS)
            died = agent.process.crash() if agent.process.ended else None
            if not usable and died is None:
                stage.note("CLI-DC-06", "the application did not leave all its sessions within 4 s")
            await pool.give(agent, usable=usable)
    if died is not None:
        raise died


def _look_at_notes(question: Question, stage: Stage) -> None:
    if stage.complaints:
        raise Violation("packets that can be decoded", f"the client sent: {stage.complaints[0]}")
    id_ = question.requirement.id
    if noted := [Note(f"{what} (in this case)") for requirement, what in stage.notes if requirement == id_]:
        raise _broken(id_, noted)


def _broken(id_: str, noted: Sequence[Note]) -> Violation:
    """What was noted for a requirement."""
    expected = WATCHED.get(id_, "nothing of the kind")
    first = next((note for note in noted if note.silent), noted[0])
    said = first.what + (f", and {len(noted) - 1} more times" if len(noted) > 1 else "")
    return Unresponsive(expected, said, first.silent) if first.silent else Violation(expected, said)


def _expect_applicable(question: Question, target: ClientTarget) -> None:
    """Raises NotApplicable if the client lacks what the case needs."""
    needed = question.requirement
    if needed.revision not in (None, target.revision.number):
        raise NotApplicable(f"the client does not speak Engine.IO {needed.revision}")
    if needed.contract > target.level:
        raise NotApplicable(f"needs contract level {needed.contract}, the client has {target.level}")
    if not target.level:
        return
    wanted = list(needed.capabilities)
    if question.transport is not None:
        wanted.append("upgrade" if question.transport == "upgraded" else question.transport)
    for feature in wanted:
        if feature not in target.features:
            raise NotApplicable(f"the client has no {feature}")


def _expect_living(agent: Agent | None) -> None:
    if agent is not None and agent.process.ended:
        raise agent.process.crash()


def _as_verdict(error: BaseException | None) -> BaseException | None:
    """A process that ended is the client's fault; what it sent and nobody can decode as well."""
    if isinstance(error, Crash):
        return Unresponsive("the process lives", str(error), Silent.PROCESS)
    if isinstance(error, json.JSONDecodeError):
        return Inconclusive(f"what the client sent is no JSON: {error}")
    return error
