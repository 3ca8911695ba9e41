"""What a run says: lines for the console, the explanation of a failure, the result file."""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import sioprobe
from conformance.client.address import Address
from conformance.client.revisions import REVISIONS
from conformance.client.transcript import Entry
from conformance.collect import all_questions
from conformance.requirements import catalogue, with_cases
from conformance.runner import Outcome, Question
from conformance.target import Target
from conformance.verdicts import Level, Verdict, is_failure, outcome_of
from sioprobe.results.files import write_conformance
from sioprobe.results.types import Conformance

__all__ = [
    "PROTOCOLS", "build", "explain", "explain_verdict", "fitted", "header", "now", "program", "reason_of",
    "reproduce", "summary", "transcript_text", "write",
]  # fmt: skip

Results = list[tuple[Question, Outcome]]

PROTOCOLS = tuple(map(str, REVISIONS.values()))
"""The revisions that are judged, named in every report."""

TRANSCRIPT_LINE = re.compile(r" +[0-9]+\.[0-9]{3} (?:C→S|S→C) \S+ +")

REMARKS = (Verdict.NON_STRICT, Verdict.INFO)


def now() -> datetime:
    return datetime.now(UTC)


def program() -> str:
    """The command that runs the suite, as its caller names it."""
    return os.environ.get("SIOPROBE_PROG") or "python -m conformance"


def header(target: Target) -> list[str]:
    """What is judged, by which suite."""
    opened = target.opened
    lines = [
        f"conformance suite {sioprobe.__version__}: {len(with_cases())} requirements, "
        f"of {' and '.join(map(str, REVISIONS.values()))}",
        f"target {target.title} at {target.address.url}{target.address.path}: "
        f"Engine.IO {' and '.join(map(str, target.revisions))}, contract level {target.level}, "
        f"pingInterval {opened.ping_interval} ms, pingTimeout {opened.ping_timeout} ms, "
        f"maxPayload {'not named' if (limit := _max_payload(target)) is None else f'{limit} bytes'}, "
        f"upgrades {list(opened.upgrades)}",
    ]
    return [*lines, target.note] if target.note else lines


def _max_payload(target: Target) -> int | float | None:
    """As the OPEN packet names it; revision 3 need not."""
    return target.opened.max_payload if 4 in target.revisions else target.opened.max_payload or None


def reproduce(question: Question, address: Address) -> str:
    """The command that runs one case again. In the place of a secret stands `...` or its file."""
    words = ["--url", address.url, *address.connection.given, "--", "-k", question.label]
    return f"{program()} {shlex.join(words)}"


def explain(question: Question, outcome: Outcome, address: Address) -> str:
    """A failure, readable without a debugger."""
    lines = [f"    {line}" for line in transcript_text(outcome.transcript).splitlines()]
    return "\n".join(
        [explain_verdict(question, outcome), *lines, f"  reproduce: {reproduce(question, address)}"]
    )


def explain_verdict(question: Question, outcome: Outcome) -> str:
    """The requirement, what was allowed, what came, and how the session closed."""
    entry, judgement = question.requirement, outcome.judgement
    on = f" over {question.transport}" if question.transport else ""
    lines = [f"{entry.id} ({entry.level})  {entry.text}"]
    lines.append(f"  {question.file}::{question.name}{on}: {judgement.verdict}")
    for number, text in enumerate(judgement.expected):
        lines.append(f"  {'expected' if number == 0 else '      or'}  {text}")
    if judgement.actual is not None:
        lines.append(f"  actual    {judgement.actual}")
    if reason := reason_of(outcome):
        lines.append(f"  reason    {reason}")
    if outcome.closed is not None:
        lines.append(f"  closed    {outcome.closed}")
    return "\n".join(lines)


def fitted(text: str, width: int) -> str:
    """`text` with long lines broken under their own column; a command stays whole, to be copied."""
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) < width or line.startswith("  reproduce: "):
            lines.append(line)
            continue
        start = TRANSCRIPT_LINE.match(line)
        indent = len(start[0]) if start else 12 if line.startswith("  ") else 2
        lines += textwrap.wrap(line, width - 1, subsequent_indent=" " * indent, break_on_hyphens=False)
    return "\n".join(lines)


def reason_of(outcome: Outcome) -> str | None:
    """Why the verdict is what it is, and what came of earlier tries."""
    return "; ".join(filter(None, (outcome.judgement.reason, outcome.earlier))) or None


def transcript_text(transcript: list[Entry]) -> str:
    """One line an entry: time, direction, layer, meaning, raw."""
    return "\n".join(
        f"{e.time:8.3f} {e.direction} {e.layer:<9} {e.meaning}" + (f"   {e.raw!r}" if e.raw else "")
        for e in transcript
    )


def counts(results: Results) -> dict[str, int]:
    """How many cases got each verdict; verdicts that did not occur are left out."""
    counter = Counter(outcome.judgement.verdict for _, outcome in results)
    return {str(verdict): counter[verdict] for verdict in Verdict if counter[verdict]}


def summary(target: Target, results: Results, *, ended: bool = True) -> list[str]:
    """Failures, remarks, known deviations with their reasons, what was asked again, and the counts."""
    lines = []
    for title, verdicts in (
        ("failures", tuple(verdict for verdict in Verdict if is_failure(verdict))),
        ("not as strict as could be", REMARKS),
        ("known deviations", (Verdict.KNOWN_DEVIATION,)),
    ):
        rows: dict[tuple[str, str], list[str]] = {}
        for question, outcome in results:
            judgement = outcome.judgement
            if judgement.verdict in verdicts:
                text = judgement.reason or judgement.actual or ""
                rows.setdefault((question.requirement.id, text), []).append(question.label)
        if rows:
            lines.append(f"{title}:")
        for (requirement_id, text), labels in rows.items():
            times = f" ({len(labels)} cases)" if len(labels) > 1 else ""
            lines.append(f"  {requirement_id:<10} {text}{times}")
    again = [(question, outcome.earlier) for question, outcome in results if outcome.earlier]
    if again:
        lines.append("asked again, alone:")
    lines += [f"  {question.requirement.id:<10} {question.label}: {text}" for question, text in again]
    found = ", ".join(f"{number} {verdict}" for verdict, number in counts(results).items())
    judged = [outcome.judgement.verdict for _, outcome in results]
    if not ended:
        lines.append(f"the run was cut short after {len(results)} cases: it says nothing about the server")
    elif all(verdict is Verdict.NOT_APPLICABLE for verdict in judged):
        lines.append("nothing was judged: no case applies to this server")
    outcome_word = outcome_of(judged, ended=ended, whole=is_whole(results))
    if outcome_word == "nothing broken":
        lines.append("a part of the cases was asked: the rest may still be broken")
    lines.append(f"{target.title}, contract level {target.level}: {outcome_word}: {found}")
    return lines


def is_whole(results: Results) -> bool:
    """Whether every case of every MUST was asked; those that do not apply count as asked."""
    asked = {(question.name, question.transport) for question, _ in results}
    must = (one for one in all_questions() if one.requirement.level is Level.MUST)
    return all((question.name, question.transport) in asked for question in must)


def build(target: Target, results: Results, started: datetime, *, ended: bool = True) -> dict[str, Any]:
    """The result file as a value (schema 1). `ended`: the run came to its end by itself."""
    opened = target.opened
    judged = [outcome.judgement.verdict for _, outcome in results]
    outcome = outcome_of(judged, ended=ended, whole=is_whole(results))
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
            "handshake": {
                "pingInterval": opened.ping_interval,
                "pingTimeout": opened.ping_timeout,
                "maxPayload": _max_payload(target),
                "upgrades": list(opened.upgrades),
            },
        },
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round((now() - started).total_seconds(), 3),
        "conformant": outcome == "conformant",
        "outcome": outcome,
        "counts": counts(results),
        "cases": [_case(question, outcome, target.address) for question, outcome in results],
    }


def _case(question: Question, outcome: Outcome, address: Address) -> dict[str, Any]:
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
        "reproduce": reproduce(question, address),
    }


def write(path: Path, target: Target, results: Results, started: datetime, *, ended: bool = True) -> None:
    """Write the result file, checked, whole or not at all. Raises ResultFileError."""
    write_conformance(path, cast(Conformance, build(target, results, started, ended=ended)))
