"""The result file of a run, and the parts that every form of a result shares."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import sioprobe
from conformance.client.revisions import REVISIONS
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Cause, Outcome, Question
from conformance.requirements import catalogue, with_cases
from conformance.subject import Subject
from conformance.verdicts import Conclusion, Level, Verdict, conclude
from sioprobe.results.files import write_conformance
from sioprobe.results.types import Conformance

__all__ = [
    "PROTOCOLS",
    "Results",
    "build",
    "causes_of",
    "counts",
    "is_whole",
    "now",
    "program",
    "reason_of",
    "reproduce",
    "write",
]

Results = list[tuple[Question, Outcome]]

PROTOCOLS = tuple(map(str, REVISIONS.values()))
"""The revisions that are judged. Every report names them."""


def now() -> datetime:
    return datetime.now(UTC)


def program() -> str:
    """The command that runs the suite, in the words of whoever called it."""
    return os.environ.get("SIOPROBE_PROG") or "python -m conformance"


def reproduce(question: Question, subject: Subject) -> str:
    """The command that runs one case again. `...` or the name of a file stands for a secret."""
    words = [*subject.words(question.requirement), *subject.options, "--", "-k", question.label]
    return f"{program()} {shlex.join(words)}"


def reason_of(outcome: Outcome) -> str | None:
    """The reason of the verdict, and what came of earlier tries."""
    return "; ".join(filter(None, (outcome.judgement.reason, outcome.earlier))) or None


def counts(results: Results) -> dict[str, int]:
    """How many cases got each verdict, without verdicts that did not occur."""
    counter = Counter(outcome.judgement.verdict for _, outcome in results)
    return {str(verdict): counter[verdict] for verdict in Verdict if counter[verdict]}


def causes_of(results: Results) -> list[tuple[Cause, int]]:
    """Why cases were not judged, and how many for each cause."""
    found = Counter(outcome.cause for _, outcome in results if outcome.cause is not None)
    return found.most_common()


def is_whole(results: Results) -> bool:
    """Whether every case of every MUST was asked; those that do not apply count as asked."""
    asked = {(question.name, question.transport) for question, _ in results}
    roles = {question.requirement.role for question, _ in results}
    must = (one for role in roles for one in all_questions(role) if one.requirement.level is Level.MUST)
    return all((question.name, question.transport) in asked for question in must)


def build(subject: Subject, results: Results, started: datetime, *, ended: bool = True) -> dict[str, Any]:
    """The result file as a value (schema 1). `ended`: nobody stopped the run."""
    judged = [outcome.judgement.verdict for _, outcome in results]
    outcome = conclude(judged, ended=ended, whole=is_whole(results))
    return {
        "schema": 1,
        "kind": "conformance",
        "suite": {
            "version": sioprobe.__version__,
            "protocols": list(PROTOCOLS),
            "requirements": len(with_cases(subject.role)),
            "cases": len(results),
            "without_cases": [
                {"id": one.id, "level": str(one.level), "requirement": one.text, "reason": one.reason}
                for one in catalogue(subject.role).values()
                if one.reason is not None
            ],
        },
        "target": {
            "library": subject.library,
            "version": subject.version,
            "mode": subject.mode,
            "title": subject.title,
            "contract_level": subject.level,
            **subject.facts(),
        },
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round((now() - started).total_seconds(), 3),
        "conformant": outcome is Conclusion.CONFORMANT,
        "outcome": str(outcome),
        "counts": counts(results),
        "causes": [
            {"what": cause.what, "detail": cause.detail, "cases": number}
            for cause, number in causes_of(results)
        ],
        "cases": [_case(question, outcome, subject) for question, outcome in results],
    }


def _case(question: Question, outcome: Outcome, subject: Subject) -> dict[str, Any]:
    judgement = outcome.judgement
    return {
        "id": question.requirement.id,
        "requirement": question.requirement.text,
        "level": str(question.requirement.level),
        "spec": question.requirement.spec,
        "case": f"{question.file}::{question.name}",
        "transport": question.transport,
        "verdict": str(judgement.verdict),
        "closed": outcome.closed,
        "expected": list(judgement.expected),
        "actual": judgement.actual,
        "reason": reason_of(outcome),
        "transcript": [asdict(entry) for entry in outcome.transcript],
        "reproduce": reproduce(question, subject),
    }


def write(path: Path, subject: Subject, results: Results, started: datetime, *, ended: bool = True) -> None:
    """Check the result and write its file, whole or not at all. Raises ResultFileError."""
    write_conformance(path, cast(Conformance, build(subject, results, started, ended=ended)))
