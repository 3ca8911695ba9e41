"""Verdicts: what the outcome of a case means, for the level of its requirement and the known deviations.

Knows neither pytest nor the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

__all__ = [
    "NO_LONGER",
    "Conclusion",
    "HarnessError",
    "Inconclusive",
    "Judgement",
    "Level",
    "NonStrict",
    "NotApplicable",
    "NotBegun",
    "PathHides",
    "Silent",
    "Unresponsive",
    "Verdict",
    "Violation",
    "conclude",
    "exit_code",
    "is_failure",
    "judge",
    "with_deviation",
]


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    REFERENCE = "reference"
    GAP = "gap"


class Verdict(StrEnum):
    """The outcome of one case, in the words of the result file."""

    PASS = "pass"
    NON_STRICT = "non-strict"
    FAIL = "fail"
    INFO = "info"
    NOT_APPLICABLE = "not applicable"
    HIDDEN = "hidden by the path"
    INCONCLUSIVE = "inconclusive"
    HARNESS_ERROR = "harness error"
    KNOWN_DEVIATION = "known deviation"
    UNEXPECTED_PASS = "unexpected pass"
    NOT_JUDGED = "not judged"


class Violation(Exception):
    """The server broke the requirement. `expected` lists all that would have been right."""

    def __init__(self, expected: str | tuple[str, ...], actual: str) -> None:
        self.expected = (expected,) if isinstance(expected, str) else expected
        self.actual = actual
        super().__init__(f"expected {' or '.join(self.expected)}; {actual}")


class NonStrict(Violation):
    """What the server did is tolerated, but the requirement asks for more."""


class NotBegun(Violation):
    """There was no session, or it joined nothing, so the case could not ask its question."""


class Silent(StrEnum):
    """What no longer answers."""

    SESSION = "session"  # an open one
    SERVER = "server"  # it gives no fresh session
    PROCESS = "process"  # of a client: it has ended


class Unresponsive(Violation):
    """The server no longer serves."""

    def __init__(self, expected: str | tuple[str, ...], actual: str, silent: Silent = Silent.SESSION) -> None:
        super().__init__(expected, actual)
        self.silent = silent


class NotApplicable(Exception):
    """The case says nothing about this server. The message is the reason."""


class Inconclusive(Exception):
    """Something stopped the case before it could ask its question."""


class PathHides(Exception):
    """What the case asks for cannot be provoked through this path: a proxy or the distance is in the way.

    The message is the reason. `expected` and `actual` say what came, where that looks like a violation.
    """

    def __init__(self, reason: str, violation: Violation | None = None) -> None:
        super().__init__(reason)
        self.expected = violation.expected if violation else ()
        self.actual = violation.actual if violation else None


class HarnessError(Exception):
    """The judge itself failed, so there is no verdict on the server."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its explanation. `silent`: what no longer answered, whatever the verdict."""

    verdict: Verdict
    expected: tuple[str, ...] = field(default=())
    actual: str | None = None
    reason: str | None = None
    silent: Silent | None = None


_OF_A_VIOLATION = {
    Level.MUST: Verdict.FAIL,
    Level.SHOULD: Verdict.NON_STRICT,
    Level.MAY: Verdict.INFO,
    Level.REFERENCE: Verdict.NON_STRICT,
    Level.GAP: Verdict.INFO,
}


def judge(level: Level, error: BaseException | None, *, strict: bool = False) -> Judgement:
    """The judgement of a case that ended with `error` (None where it returned).

    `strict` makes two more things a failure: a broken SHOULD, and what is only tolerated in a MUST.
    A MAY, the reference's behaviour and a gap in the spec are never failures.
    """
    if error is None:
        return Judgement(Verdict.PASS)
    if isinstance(error, Violation):
        verdict = _OF_A_VIOLATION[level]
        if isinstance(error, NonStrict) and verdict is Verdict.FAIL:
            verdict = Verdict.NON_STRICT
        if strict and level in (Level.MUST, Level.SHOULD):
            verdict = Verdict.FAIL
        silent = error.silent if isinstance(error, Unresponsive) else None
        return Judgement(verdict, error.expected, error.actual, silent=silent)
    if isinstance(error, NotApplicable):
        return Judgement(Verdict.NOT_APPLICABLE, reason=str(error))
    if isinstance(error, PathHides):
        return Judgement(Verdict.HIDDEN, error.expected, error.actual, str(error))
    if isinstance(error, Inconclusive):
        return Judgement(Verdict.INCONCLUSIVE, reason=str(error))
    if isinstance(error, HarnessError):
        return Judgement(Verdict.HARNESS_ERROR, reason=str(error))
    return Judgement(Verdict.HARNESS_ERROR, reason=f"{type(error).__name__}: {error}")


NO_LONGER = "listed as a known deviation, and not seen with"
"""How the reason of such a pass begins."""


def with_deviation(
    judgement: Judgement,
    reason: str,
    *,
    sometimes: bool = False,
    covers: tuple[Silent, ...] = (),
    untried: str | None = None,
) -> Judgement:
    """The judgement of a case that has a known deviation; `reason` explains the deviation.

    `sometimes` marks a deviation that comes and goes: a run without it proves nothing.
    `untried` names a version of the server with which nobody has seen the deviation: there, a pass is a pass.
    If the session or the server no longer answers, the deviation excuses that only if `covers` says so.
    """
    if judgement.silent is not None and judgement.silent not in covers:
        return judgement
    # What came looks as the list says, so the list explains it, whatever else the path hides.
    explained = judgement.verdict is Verdict.HIDDEN and judgement.actual is not None
    if explained or judgement.verdict in (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO):
        return Judgement(Verdict.KNOWN_DEVIATION, judgement.expected, judgement.actual, reason)
    if judgement.verdict is Verdict.PASS and not sometimes:
        if untried is not None:
            return replace(judgement, reason=f"{NO_LONGER} {untried}: {reason}")
        return Judgement(Verdict.UNEXPECTED_PASS, reason=f"listed as a known deviation: {reason}")
    return judgement


_FAILURES = (Verdict.FAIL, Verdict.UNEXPECTED_PASS, Verdict.INCONCLUSIVE)
_UNJUDGED = (Verdict.NOT_APPLICABLE, Verdict.NOT_JUDGED)


def is_failure(verdict: Verdict) -> bool:
    """Whether a case of this verdict has failed. One that was not judged has not, and makes the run fail."""
    return verdict in _FAILURES or verdict is Verdict.HARNESS_ERROR


class Conclusion(StrEnum):
    """The outcome of a run, in the words of the result file."""

    CONFORMANT = "conformant"
    NOTHING_BROKEN = "nothing broken"
    KNOWN_DEVIATIONS = "known deviations"
    FAILURES = "failures"
    HARNESS_ERROR = "harness error"


def conclude(verdicts: list[Verdict], *, ended: bool = True, whole: bool = True) -> Conclusion:
    """The outcome of a run.

    A run that was stopped, or in which no case could be judged, has judged nothing. Only a `whole` run,
    which asks for every MUST, can call a server conformant, and only if the path hides nothing.
    """
    nothing = all(verdict in _UNJUDGED for verdict in verdicts)
    if nothing or not ended or Verdict.HARNESS_ERROR in verdicts:
        return Conclusion.HARNESS_ERROR
    if any(verdict in _FAILURES or verdict is Verdict.NOT_JUDGED for verdict in verdicts):
        return Conclusion.FAILURES
    if Verdict.KNOWN_DEVIATION in verdicts:
        return Conclusion.KNOWN_DEVIATIONS
    seen = whole and Verdict.HIDDEN not in verdicts
    return Conclusion.CONFORMANT if seen else Conclusion.NOTHING_BROKEN


def exit_code(verdicts: list[Verdict]) -> int:
    """0: conformant, or only known deviations. 1: failures. 2: nothing was judged. 4: nothing could be."""
    if Verdict.NOT_JUDGED in verdicts and all(verdict in _UNJUDGED for verdict in verdicts):
        return 4
    return {Conclusion.HARNESS_ERROR: 2, Conclusion.FAILURES: 1}.get(conclude(verdicts), 0)
