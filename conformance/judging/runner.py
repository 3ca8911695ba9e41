"""Runs cases against a server. This module knows nothing of pytest."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from conformance.client.revisions import REVISIONS
from conformance.client.session import sessions_of
from conformance.client.transcript import RECORDING, Recording
from conformance.client.websocket import WebSocket
from conformance.crowd import CROWDS, NUMBER
from conformance.expect import CLOSED, expect_wellformed
from conformance.judging.causes import (
    MANY,
    Finding,
    Key,
    find_causes,
    not_judged,
    waits_for_causes,
    worked_in,
)
from conformance.judging.judged import judged, redacted
from conformance.judging.outcomes import Outcome, Question
from conformance.judging.presence import Presence
from conformance.judging.question_loop import QuestionLoop
from conformance.judging.standstill import heartbeat_overdue
from conformance.target import Target
from conformance.verdicts import (
    HarnessError,
    Judgement,
    NotApplicable,
    PathHides,
    Verdict,
    Violation,
    is_failure,
    judge,
)
from conformance.waiting import PLACES, Places
from sioprobe.wire import RemoteProtocolError

__all__ = ["Outcome", "Question", "Runner", "answer_question", "told"]


# An unexpected pass too: a missed heartbeat may look like the close that a deviation says does not come.
DOUBTFUL = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.UNEXPECTED_PASS)
REPEATS = 3  # of a case that failed while the machine stood still or the server's process was replaced
UNDECIDED = 5  # so many cases may be asked again because something stopped them before their question
CONNECT_SECONDS = 1.0  # connectTimeout where none is declared: what the documentation of socket.io recommends
EARLY = 30  # cases that fail, before a cause is looked for in mid-run
DOUBTED = 10  # so many may be asked again because a server may have stood still
RESTART_SECONDS = 15.0  # that a process manager may take to replace a process

Try = tuple[str, str | None]  # why a case is asked again, and what it found


class Runner(QuestionLoop):
    """Asks a server, or a cluster of several processes."""

    def __init__(self, target: Target, others: Sequence[Target] = (), *, jobs: int, strict: bool) -> None:
        super().__init__(target.timing.ping_timeout)
        self._target = target
        self._others = others
        self._strict = strict
        self._jobs = jobs
        self._places = Places(jobs)
        self._processes = target.processes
        self._replaced: list[float] = []  # when the server was seen to have a new process
        self._undecided = 0
        self._doubted: dict[Question, str] = {}  # why the server may have stood still
        self._presence = Presence(target, RESTART_SECONDS)
        self._started = time.monotonic()
        self._unjudged = 0
        self._all_judged = asyncio.Event()
        self._worked: set[Key] = set()
        self._happy = self._unhappy = 0
        self._look_at = EARLY
        self._early: list[Finding] = []  # found in mid-run
        self._findings: list[Finding] | None = None
        self._explaining = asyncio.Lock()

    def _queue(self, questions: Iterable[Question]) -> None:
        """The slow ones first, the exclusive ones alone after all others, then the last.

        If the server is far away, those of a crowd run at the same time.
        """
        far = self._target.timing.mostly_waits
        ordered = sorted(questions, key=_turn_far_away if far else _turn)
        self._started = time.monotonic()
        self._unjudged = len(ordered)
        before: tuple[asyncio.Future[None], ...] = ()
        crowd: str | None = None
        for number, question in enumerate(ordered):
            if question.exclusive and not (crowd and question.crowd == crowd):
                before = tuple(self._tried.values())
            crowd = question.crowd if far else None
            # The task takes it along.
            NUMBER.set(number if crowd else None)
            self._add(question, self._ask(question, before))
        NUMBER.set(None)

    async def _ask(self, question: Question, before: tuple[asyncio.Future[None], ...]) -> Outcome:
        try:
            outcome = await self._judge(question, before)
        finally:
            self._unjudged -= 1
            if self._unjudged == 0:
                self._all_judged.set()
        self._judged(question, outcome)
        if self.at_once or not waits_for_causes(outcome, self._worked):
            return outcome
        await self._all_judged.wait()
        async with self._explaining:
            if self._findings is None:
                found = await self._find_causes(MANY)
                known = {one.cause.what for one in found}
                self._findings = [*found, *(one for one in self._early if one.cause.what not in known)]
        causes = (found.cause for found in self._findings if found.accounts_for(question, outcome))
        cause = next(causes, None)
        return outcome if cause is None else not_judged(outcome, cause)

    async def _find_causes(self, many: int) -> list[Finding]:
        absence = self._presence.absence
        return await find_causes(self._target, self.outcomes_so_far(), absence, self._started, many=many)

    async def _look_early(self, outcome: Outcome) -> None:
        """Look for a cause once most cases fail, so that the rest need not wait for nothing each."""
        verdict = outcome.judgement.verdict
        self._happy += verdict is Verdict.PASS
        self._unhappy += verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        if self.at_once or self._early or self._unhappy < max(self._look_at, self._happy):
            return
        self._look_at = 2 * self._unhappy
        self._early = await self._find_causes(EARLY // 2)

    async def _judge(self, question: Question, before: tuple[asyncio.Future[None], ...]) -> Outcome:
        if before:
            await asyncio.wait(before)
        await self._places.take()
        PLACES.set(self._places if self._jobs > 1 else None)
        started = time.monotonic()
        try:
            outcome = await self._answer(question)
            if is_failure(outcome.judgement.verdict):
                # No other case takes this place until it is clear that there is a server to ask.
                await self._presence.confirm()
        finally:
            self._places.give()
            self._tried[question].set_result(None)
        self._outcomes[question] = outcome
        self._worked |= worked_in([outcome])
        await self._look_early(outcome)
        self._undecided += outcome.judgement.verdict is Verdict.INCONCLUSIVE
        self._doubt(question, outcome, started)
        failures: list[Try] = []
        while len(failures) < REPEATS and (blame := await self._blame(question, outcome, started)):
            failures.append((blame, outcome.judgement.actual or outcome.judgement.reason))
            await asyncio.wait(self._tried.values())
            async with self._alone:
                PLACES.set(None)
                started = time.monotonic()
                outcome = await self._answer(question)
                self._doubt(question, outcome, started)
        if self._target.timing.is_far and outcome.judgement.verdict in DOUBTFUL:
            outcome = _without_heartbeat(self._target, outcome)
        if not failures:
            return outcome
        return replace(outcome, earlier=f"asked {len(failures) + 1} times: {told(failures)}")

    async def _answer(self, question: Question) -> Outcome:
        if self._is_doomed(question):
            return self._unasked(question)
        return await answer_question(question, self._target, self._others, strict=self._strict)

    def _is_doomed(self, question: Question) -> bool:
        """Whether a cause that is known already would keep the case from its question."""
        return self._presence.absence is not None or any(found.dooms(question) for found in self._early)

    def _unasked(self, question: Question) -> Outcome:
        try:
            _arguments(question, self._target, self._others)
        except NotApplicable as error:
            return Outcome(judge(question.requirement.level, error))
        return Outcome(Judgement(Verdict.NOT_JUDGED))

    async def _blame(self, question: Question, outcome: Outcome, started: float) -> str | None:
        """What else may have caused a failure; None if nothing is known.

        A cluster that loses something is never asked again.
        """
        if outcome.judgement.verdict not in DOUBTFUL or question.requirement.contract == 3:
            return None
        if self._is_doomed(question):
            return None
        if stall := self._standstill.stalled_since(started):
            return f"while this machine stood still for {stall:.1f} s"
        if outcome.unjoined > 0.9 * self._target.settings.get("connect_timeout", CONNECT_SECONDS):
            # A busy machine may bring a short case so far.
            return (
                f"after the server closed a session that had joined no namespace for {outcome.unjoined:.1f} s"
            )
        await self._look_for_replacement()
        if any(moment >= started for moment in self._replaced):
            # EIO-SV-01 fails for this, once in a run.
            return "while the server's process ended and another took its place"
        if doubt := self._doubted.get(question):
            # If there are many, the server is at fault.
            await asyncio.wait(self._tried.values())
            if len(self._doubted) <= DOUBTED:
                return doubt
        if outcome.judgement.verdict is Verdict.INCONCLUSIVE:
            # A server that loses a packet now and then may stop a case before its question. If many cases
            # are stopped, something is wrong, and asking again would hide it.
            await asyncio.wait(self._tried.values())
            if self._undecided <= UNDECIDED:
                return "before it reached its question"
        return None

    def _doubt(self, question: Question, outcome: Outcome, started: float) -> None:
        """Note why the server may have stood still, if it may."""
        self._doubted.pop(question, None)
        if outcome.judgement.verdict not in DOUBTFUL:
            return
        if outcome.overdue:
            self._doubted[question] = "while a ping was still to be answered, as far as the server knew"
        elif (outcome.in_vain or question.slow) and (busy := self._standstill.starved_since(started)):
            self._doubted[question] = f"while {busy}"

    async def _look_for_replacement(self) -> None:
        if not self._processes:
            return
        deadline = time.monotonic() + RESTART_SECONDS
        while not (now := await self._target.processes_now()) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        if now and now != self._processes:
            self._processes = now
            self._replaced.append(time.monotonic())


def _turn(question: Question) -> tuple[bool, bool, bool]:
    return (question.exclusive, question.last, not question.slow)


def _turn_far_away(question: Question) -> tuple[bool, bool, int, bool, bool]:
    """Polling takes more ways, so it begins earlier. What must be alone comes last."""
    crowd = CROWDS.index(question.crowd) if question.crowd else len(CROWDS)
    return (question.exclusive, question.last, crowd, not question.slow, question.transport == "websocket")


async def answer_question(
    question: Question, target: Target, others: Sequence[Target] = (), *, strict: bool = False
) -> Outcome:
    """Run one case and judge it."""
    recording = Recording(target.address.connection.secrets)
    RECORDING.set(recording)
    closings: list[str] = []
    CLOSED.set(closings)
    # No case waits that long. One that does is our mistake, not the server's.
    limit = 60 + 4 * target.timing.heartbeat + max(target.settings.values(), default=0)
    limit += 120 * target.timing.distance
    error: BaseException | None = None
    try:
        arguments = _arguments(question, target, others)
        async with asyncio.timeout(limit):
            await question.run(**arguments)
        for session in sessions_of(recording):
            expect_wellformed(session)
    except TimeoutError:
        error = HarnessError(f"the case did not end within {limit:.0f} s")
    except (RemoteProtocolError, json.JSONDecodeError) as wrong:
        # Cases decode nothing but what the server sent.
        error = Violation("what can be decoded", f"the server sent something else: {wrong}")
    except Exception as exception:  # the verdict says whose fault it is
        error = exception
    seconds = time.monotonic() - recording.started
    for session in sessions_of(recording):
        session.note_steps()
    transcript = recording.read()  # before the sessions are released, which says nothing
    judgement = judged(question, error, target, strict=strict)
    sessions = sessions_of(recording)
    overdue = any(map(heartbeat_overdue, sessions))
    if target.timing.is_far and not sessions:
        # The case has sessions of its own making, and answers no ping.
        overdue = seconds > target.timing.ping_interval + 0.6 * target.timing.ping_timeout
    await _release(recording)
    attempts = [
        replace(one, failure=one.failure and recording.redact(one.failure)) for one in recording.attempts
    ]
    outcome = Outcome(
        redacted(judgement, recording),
        _closed(closings, recording),
        transcript,
        seconds,
        error,
        started=recording.started,
        attempts=tuple(attempts),
        unjoined=_unjoined(recording),
        overdue=overdue,
        in_vain=recording.in_vain,
    )
    return outcome if target.timing.keeps_heartbeat else _without_heartbeat(target, outcome)


def _without_heartbeat(target: Target, outcome: Outcome) -> Outcome:
    """The outcome from far away: if the heartbeat may have closed a session, nobody knows more."""
    timing, judgement = target.timing, outcome.judgement
    if not outcome.overdue or judgement.verdict not in (*DOUBTFUL, Verdict.NON_STRICT, Verdict.INFO):
        return outcome
    hidden = PathHides(
        f"pingTimeout is {timing.ping_timeout:.1f} s, and a request takes {timing.round_trip:.1f} s, so pongs"
        f" may come too late ({judgement.actual or judgement.reason})"
    )
    return replace(outcome, judgement=Judgement(Verdict.HIDDEN, reason=str(hidden)))


def _arguments(question: Question, target: Target, others: Sequence[Target]) -> dict[str, object]:
    """The arguments that the case names. Raises NotApplicable if the server lacks what the case needs.

    `second` is another process of its cluster, `cluster` are all of them, the target first.
    """
    needed = question.requirement
    if needed.contract == 3 and not others:
        raise NotApplicable("needs a cluster: give a second --url")
    if needed.revision is not None and needed.revision not in target.revisions:
        raise NotApplicable(f"the server does not speak Engine.IO {needed.revision}")
    for server in (target, *others) if needed.contract == 3 else (target,):
        if min(needed.contract, 2) > server.level:
            which = "the server" if server is target else server.address.url
            raise NotApplicable(f"needs contract level {needed.contract}, {which} has {server.level}")
    wanted = [
        name
        for name in needed.capabilities
        # What a server lacks over polling says nothing about WebSocket.
        if name != "binary_polling" or question.transport in (None, "polling")
    ]
    if question.transport is not None:
        wanted.append("upgrade" if question.transport == "upgraded" else question.transport)
    for capability in wanted:
        if not target.capabilities[capability]:
            raise NotApplicable(f"the server has no {capability}")
    cluster = [target, *others]
    if needed.revision is not None:
        cluster = [replace(server, revision=REVISIONS[needed.revision]) for server in cluster]
    available = {"target": cluster[0], "transport": question.transport, "cluster": cluster}
    if others:
        available["second"] = cluster[1]
    return {name: available[name] for name in inspect.signature(question.run).parameters}


def _closed(closings: list[str], recording: Recording) -> str | None:
    if closings:
        return recording.redact(closings[-1])
    sessions = sessions_of(recording)
    closure = sessions[0].closure if sessions else None
    return recording.redact(str(closure)) if closure else None


def _unjoined(recording: Recording) -> float:
    sessions = [session for session in sessions_of(recording) if not session.socket_ids]
    return max((one.closure.at - one.started for one in sessions if one.closure), default=0.0)


def told(failures: list[Try]) -> str:
    """What came of each try. What is like the try before is not repeated."""
    parts: list[str] = []
    said: str | None = None
    first = 1
    for (blame, found), alike in itertools.groupby(failures):
        last = first + len(list(alike)) - 1
        tries = f"try {first}" if first == last else f"tries {first} to {last}"
        parts.append(f"{tries} failed {blame}: {'the same' if parts and found == said else found}")
        said, first = found, last + 1
    return "; ".join(parts)


async def _release(recording: Recording) -> None:
    await asyncio.gather(*(session.release() for session in sessions_of(recording)), return_exceptions=True)
    for one in recording.opened:
        if isinstance(one, WebSocket):
            one.abort()
