"""The judgement of a case that has ended, for the subject that was asked."""

from __future__ import annotations

from conformance.client.transcript import Recording
from conformance.judging.known_deviations import find_deviation
from conformance.judging.outcomes import Question
from conformance.subject import Subject
from conformance.verdicts import Judgement, judge

__all__ = ["judged", "redacted"]


def judged(question: Question, error: BaseException | None, subject: Subject, *, strict: bool) -> Judgement:
    """The judgement of a case that ended with `error` (None where it returned), with what is known of it."""
    judgement = judge(question.requirement.level, error, strict=strict)
    deviation = find_deviation(question, subject)
    if deviation is None:
        return judgement
    return deviation.applied(judgement, subject.versions, named=subject.named)


def redacted(judgement: Judgement, recording: Recording) -> Judgement:
    """The judgement without the secrets of the recording."""

    def clean(text: str | None) -> str | None:
        return None if text is None else recording.redact(text)

    return Judgement(
        judgement.verdict,
        tuple(recording.redact(text) for text in judgement.expected),
        clean(judgement.actual),
        clean(judgement.reason),
        judgement.silent,
    )
