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
from conformance.target import Target
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
    "max_payload",
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


def reproduce(question: Question, target: Target) -> str:
    """The command that runs one case again. `...` or the name of a file stands for a secret."""
    words = ["--url", target.address.url]
    if question.requirement.contract == 3:
        words += [word for url in target.others for word in ("--url", url)]
    words += [*target.address.connection.given, *target.options, "--", "-k", question.label]
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
    must = (one for one in all_questions() if one.requirement.level is Level.MUST)
    return all((question.name, question.transport) in asked for question in must)


def max_payload(target: Target) -> int | float | None:
    """maxPayload of the OPEN packet; None if a server of revision 3 does not name it."""
    return target.opened.max_payload if 4 in target.revisions else target.opened.max_payload or None


def build(target: Target, results: Results, started: datetime, *, ended: bool = True) -> dict[str, Any]:
    """The result file as a value (schema 1). `ended`: nobody stopped the run."""
    opened = target.opened
    judged = [outcome.judgement.verdict for _, outcome in results]
    outcome = conclude(judged, ended=ended, whole=is_whole(results))
    return {
        "schema": 1,
        "kind": "conformance",
        "suite": {
            "version": sioprobe.__version__,
            "protocols": list(PROTOCOLS),
            "requirements": len(with_cases()),
            "cases": len(results),
            "without_cases": [
                {"id": one.id, "level": str(one.level), "requirement": one.text, "reason": one.reason}
                for one in catalogue().values()
                if one.reason is not None
            ],
        },
        "target": {
            "url": target.address.url,
            "library": target.library,
            "version": target.version,
            "mode": target.mode,
            "title": target.title,
            "contract_level": target.level,
            "revisions": list(target.revisions),
            "round_trip": round(target.timing.round_trip, 4) or None,
            "handshake": {
                "pingInterval": opened.ping_interval,
                "pingTimeout": opened.ping_timeout,
                "maxPayload": max_payload(target),
                "upgrades": list(opened.upgrades),
            },
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
        "cases": [_case(question, outcome, target) for question, outcome in results],
    }


def _case(question: Question, outcome: Outcome, target: Target) -> dict[str, Any]:
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
        "reproduce": reproduce(question, target),
    }


def write(path: Path, target: Target, results: Results, started: datetime, *, ended: bool = True) -> None:
    """Check the result and write its file, whole or not at all. Raises ResultFileError."""
    write_conformance(path, cast(Conformance, build(target, results, started, ended=ended)))
