"""One cause behind many cases: found in what came of all of them, and by a question to the server.

A case that depends on it says nothing about its requirement. It is not judged: neither failed nor passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from conformance.client.http import Answer
from conformance.client.session import sessions_of
from conformance.client.steps import Attempt, Step
from conformance.client.transcript import RECORDING, TO_CLIENT, TO_SERVER, Recording
from conformance.finding.server import diagnosis_of
from conformance.judging import unjoined
from conformance.judging.outcomes import Cause, Outcome, Question
from conformance.judging.presence import Absence
from conformance.target import Target
from conformance.verdicts import Inconclusive, Judgement, Verdict
from sioprobe.diagnosis import Cause as Diagnosed

__all__ = ["MANY", "Finding", "Key", "Tried", "find_causes", "not_judged", "waits_for_causes", "worked_in"]

MANY = 5  # cases; where fewer fail, each speaks for itself
REQUESTS = 20  # of one session, to see how many of them find it
AROUND_SECONDS = 0.5  # the packets of a server that dies arrive later than its end shows elsewhere
NAMED = 3  # of the cases that ran when a server went away

Tried = Sequence[tuple[Question, Outcome]]
Key = tuple[Step, str, int]

KEPT = {
    Step.REQUEST: ("EIO-PL-01",),
    Step.WEBSOCKET: ("EIO-HS-10", "EIO-UP-02", "EIO-UP-16"),
    Step.UPGRADE: ("EIO-UP-02",),
    Step.ANSWER: ("SIO-CN-02", "SIO4-01"),
    Step.CONNECT: ("SIO-CN-02", "SIO4-01"),
}
"""The requirements that ask for the step itself: they fail, whatever the cause is."""
USED_AT_ONCE = "EIO-HS-23"
"""The same of sessions that their server does not know."""

SAID = {
    Step.HANDSHAKE: ("no session opens", ""),
    Step.WEBSOCKET: ("no WebSocket opens", "a proxy that drops the header Upgrade does this"),
    Step.REQUEST: ("no request of a session is answered by HTTP 200", ""),
    Step.UPGRADE: ("no session can upgrade to WebSocket", ""),
    Step.ANSWER: (
        "no CONNECT is answered",
        "another parser does this, and so does a connect handler that hangs",
    ),
    Step.CONNECT: ("no client is let into the main namespace", ""),
    Step.EVENT: (
        "no event is answered",
        "the application may lack the handlers of the contract ('sioprobe conform --contract' has them); "
        "--level 0 judges what needs none",
    ),
}
"""What is said of a step that never works, and what may help."""
NO_UPGRADE = (
    "the server offers no upgrade either; if it shall have no WebSocket, a profile says so"
    " ([capabilities] websocket = false)"
)
ELSEWHERE = (
    "a WebSocket without a session opens; a balancer does this that sends WebSockets to another process "
    "than the polling of their session"
)
"""What may help where only the WebSockets of upgrades fail."""
BETWEEN = {Step.WEBSOCKET: "for", Step.REQUEST: "by"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause, the outcomes that it explains, and the cases that need not be asked any more."""

    cause: Cause
    explains: Callable[[Question, Outcome], bool]
    dooms: Callable[[Question], bool]

    def accounts_for(self, question: Question, outcome: Outcome) -> bool:
        """Whether the case says nothing because of this cause."""
        if outcome.judgement.verdict is Verdict.NOT_JUDGED:
            return self.dooms(question)
        return self.explains(question, outcome)


async def find_causes(
    target: Target, tried: Tried, absence: Absence | None, started: float, *, many: int = MANY
) -> list[Finding]:
    """The causes, in the order in which they count. `started` is when the run began (monotonic clock).

    A step that fails in less than `many` cases is no cause.
    """
    # With either of them other steps fail too, or seem to.
    if absence is not None:
        return [_gone(tried, absence, started)]
    if lost := await _lost_sessions(target, tried):
        return [lost]
    found = []
    broken = _never_worked(tried, many)
    for step in Step:
        mine = {key for key in broken if key[0] is step}
        # Below contract level 1 nobody owes an answer to an event.
        if mine and (step is not Step.EVENT or target.level > 0):
            found.append(await _broken_step(target, tried, step, mine))
    if cause := unjoined.cause_of(tried, MANY):
        found.append(Finding(cause, unjoined.explains, unjoined.dooms))
    return found


def waits_for_causes(outcome: Outcome, worked: set[Key]) -> bool:
    """Whether a cause may explain the outcome, given the steps that have worked so far."""
    if outcome.judgement.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        return True
    return any(one.failure is not None and _key(one) not in worked for one in outcome.attempts)


def not_judged(outcome: Outcome, cause: Cause) -> Outcome:
    """The same, with what was seen, as a case that nobody judges."""
    old = outcome.judgement
    because = f"not judged because {cause.what}"
    judgement = Judgement(
        Verdict.NOT_JUDGED, old.expected, old.actual, "; ".join(filter(None, (because, old.reason)))
    )
    return replace(outcome, judgement=judgement, cause=cause)


# A server that is gone


def _gone(tried: Tried, absence: Absence, started: float) -> Finding:
    # The last packet came before, and failures since then tell of nothing else.
    heard = [
        outcome.started + entry.time
        for _, outcome in tried
        for entry in outcome.transcript
        if entry.direction == TO_CLIENT and entry.raw and entry.layer in ("polling", "websocket")
    ]
    died = min(max(heard, default=absence.since), absence.since)
    when = f"{max(died - started, 0.0):.0f} s after the start"
    if "HTTP" in absence.seen:
        what = f"the server opened no more sessions {when}"
    else:
        what = f"the server {'stopped answering' if 'no answer' in absence.seen else 'went away'} {when}"
    seen = f"{absence.seen}; asked again for {absence.asked_for:.0f} s"
    running = [
        (_last_sent(outcome, died), f"{question.requirement.id} {question.label}")
        for question, outcome in tried
        if outcome.attempts and outcome.started <= died <= outcome.started + outcome.seconds
    ]
    last = [name for _, name in sorted(running, reverse=True)][:NAMED]
    then = f"; the last packets before came from {', '.join(last)}" if last else ""

    def explains(_: Question, outcome: Outcome) -> bool:
        verdict = outcome.judgement.verdict
        if verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
            return False
        return outcome.started + outcome.seconds >= died - AROUND_SECONDS

    return Finding(Cause(what, seen + then), explains, lambda _: True)


def _last_sent(outcome: Outcome, before: float) -> float:
    sent = (outcome.started + entry.time for entry in outcome.transcript if entry.direction == TO_SERVER)
    return max((moment for moment in sent if moment <= before), default=0.0)


# Sessions that their server does not know


async def _lost_sessions(target: Target, tried: Tried) -> Finding | None:
    def explains(question: Question, outcome: Outcome) -> bool:
        verdict = outcome.judgement.verdict
        if verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.HARNESS_ERROR):
            return False
        if verdict is Verdict.FAIL and question.requirement.id == USED_AT_ONCE:
            return False
        return any(map(_is_400, outcome.attempts))

    if sum(explains(*one) for one in tried) < MANY:
        return None
    refused = await _refused_requests(target)
    if not refused:
        return None
    if refused < REQUESTS:
        what = "several processes that share no sessions answer at this address"
        seen = f"{refused} of {REQUESTS} requests of one session went to a process that does not know it"
        advice = "make the balancer sticky, or give the URL of one process"
    else:
        what = "the server does not know its own sessions"
        seen = f"all of {REQUESTS} requests of a new session got HTTP 400"
        advice = "several processes behind one address do so if they share no sessions"
    cause = Cause(what, f"{seen}; {advice}")
    return Finding(cause, explains, lambda question: question.transport in ("polling", "upgraded"))


async def _refused_requests(target: Target) -> int:
    """How many of the requests of a new session, each on a new connection, get HTTP 400."""
    recording = Recording(target.address.connection.secrets)
    RECORDING.set(recording)
    try:
        session = await target.open("polling", poll=False)
        body = session.revision.payload([session.revision.heartbeat]).encode()
        answers = [await session.request("POST", body=body) for _ in range(REQUESTS)]
    except Inconclusive:
        return 0
    for session in sessions_of(recording):
        await session.release()
    return sum(isinstance(answer, Answer) and answer.status == 400 for answer in answers)


def _is_400(attempt: Attempt) -> bool:
    return attempt.failure is not None and "HTTP 400" in attempt.failure


# A step that never works


def _key(attempt: Attempt) -> Key:
    return attempt.step, attempt.where, attempt.revision


def worked_in(outcomes: Iterable[Outcome]) -> set[Key]:
    """The steps that worked in one of the cases."""
    return {_key(one) for outcome in outcomes for one in outcome.attempts if one.failure is None}


def _never_worked(tried: Tried, many: int) -> set[Key]:
    """The steps that many cases took, all of them in vain."""
    worked = worked_in(outcome for _, outcome in tried)
    failed = Counter(key for _, outcome in tried for key in {_key(one) for one in outcome.attempts} - worked)
    return {key for key, number in failed.items() if number >= many}


async def _broken_step(target: Target, tried: Tried, step: Step, mine: set[Key]) -> Finding:
    what, advice = SAID[step]
    if step is Step.WEBSOCKET and "websocket" not in target.opened.upgrades:
        advice = NO_UPGRADE
    kept = KEPT.get(step, ())
    opens = (Step.WEBSOCKET, "a handshake") in {key[:2] for key in worked_in(outcome for _, outcome in tried)}
    if opens and step in (Step.WEBSOCKET, Step.UPGRADE):
        advice = ELSEWHERE
    if step in (Step.ANSWER, Step.CONNECT):
        diagnosis = await diagnosis_of(target.address)
        if diagnosis is not None and diagnosis.cause in (Diagnosed.PARSER, Diagnosed.NAMESPACE_REFUSED):
            advice, kept = diagnosis.sentence, ()

    def explains(question: Question, outcome: Outcome) -> bool:
        verdict = outcome.judgement.verdict
        if verdict in (Verdict.NOT_APPLICABLE, Verdict.HARNESS_ERROR):
            return False
        if verdict is Verdict.PASS and step is Step.EVENT:
            return False
        if verdict is Verdict.FAIL and question.requirement.id in kept:
            return False
        return any(one.failure is not None and _key(one) in mine for one in outcome.attempts)

    attempts = [one for _, outcome in tried for one in outcome.attempts if one.step is step]
    failures = Counter(one.failure for one in attempts if _key(one) in mine)
    failure, number = failures.most_common(1)[0]
    total = failures.total()
    seen = f"all of {total} failed{'' if number == total else f', {number} of them'} with: {failure}"
    cause = Cause(what + _where(step, mine, attempts), "; ".join(filter(None, (seen, advice))))
    return Finding(cause, explains, lambda question: _is_doomed(question, step, mine))


OVER = {"polling": {"polling"}, "websocket": {"websocket"}}


def _is_doomed(question: Question, step: Step, mine: set[Key]) -> bool:
    """Whether the case must take this step where it never works."""
    entry, transport = question.requirement, question.transport
    broken = {key[1] for key in mine if key[2] == (entry.revision or 4)}
    if not broken or entry.id in KEPT.get(step, ()):
        return False
    if step is Step.HANDSHAKE:
        return transport is not None and ("websocket" if transport == "websocket" else "polling") in broken
    if step is Step.WEBSOCKET:
        return {"websocket": "a handshake", "upgraded": "an upgrade"}.get(transport or "") in broken
    if step is Step.REQUEST:
        return transport in ("polling", "upgraded")
    if step is Step.UPGRADE:
        return transport == "upgraded"
    # All that asks the application connects first, and sends it events.
    return entry.contract > 0 and OVER.get(transport or "", {"polling", "websocket"}) <= broken


def _where(step: Step, mine: set[Key], attempts: Sequence[Attempt]) -> str:
    """Over which transports and in which revision the step is broken, if it worked in others."""
    taken = {_key(one) for one in attempts}
    words = []
    for place, word in ((1, BETWEEN.get(step, "over")), (2, "in Engine.IO")):
        broken, all_places = ({str(key[place]) for key in keys} for keys in (mine, taken))
        if broken < all_places or (step is Step.REQUEST and place == 1):
            words.append(f" {word} {' and '.join(sorted(broken))}")
    return "".join(words)
