"""Processes that no queue joins: one cause behind all that is asked of several processes."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.judging.outcomes import Cause, Outcome, Question
from conformance.verdicts import Verdict

__all__ = ["cause_of", "dooms", "explains"]

AREA = "SIO-CL"
ACROSS, HEARS = "SIO-CL-01", "SIO-CL-12"
"""These ask for it themselves: a broadcast reaches the other process, and who hears whom at the end."""


def cause_of(tried: Sequence[tuple[Question, Outcome]], many: int) -> Cause | None:
    """The cause, if no broadcast has reached the other process in any case, and `many` have asked for one."""
    asked = [one.judgement.verdict for question, one in tried if question.requirement.id == ACROSS]
    if len(asked) < many or set(asked) != {Verdict.FAIL}:
        return None
    seen = f"all of {len(asked)} cases of {ACROSS} failed; processes that no queue joins do this"
    return Cause(
        "no event goes from one process to another",
        f"{seen} (Flask-SocketIO: message_queue in each of them, with the same channel)",
    )


def dooms(question: Question) -> bool:
    """Whether the case needs events that go from one process to another."""
    return question.requirement.area == AREA and question.requirement.id not in (ACROSS, HEARS)


def explains(question: Question, outcome: Outcome) -> bool:
    """Whether the case failed because of it."""
    return dooms(question) and outcome.judgement.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
