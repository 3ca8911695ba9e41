"""The judgement of a case that has ended, for the subject that was asked."""

from __future__ import annotations

from conformance.client.transcript import Recording
from conformance.judging.known_deviations import Deviation, find_deviation
from conformance.judging.outcomes import Question
from conformance.subject import Subject
from conformance.verdicts import Judgement, judge

__all__ = ["judged", "known", "redacted"]


def judged(question: Question, error: BaseException | None, subject: Subject, *, strict: bool) -> Judgement:
    """The judgement of a case that ended with `error` (None where it returned), with what is known of it."""
    judgement = judge(question.requirement.level, error, strict=strict)
    deviation = known(question, subject)
    if deviation is None:
        return judgement
    return deviation.applied(judgement, subject.versions, named=subject.named)


def known(question: Question, subject: Subject) -> Deviation | None:
    """The entry of the known deviations for this case on this subject."""
    return find_deviation(
        question.requirement.id,
        question.name,
        question.transport,
        library=subject.library,
        version=subject.version,
        mode=subject.mode,
        switches=subject.switches,
        queue=subject.queue,
    )


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
