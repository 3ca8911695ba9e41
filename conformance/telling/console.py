"""What a run says on the console: what is judged, and the explanation of a failure."""

from __future__ import annotations

import re
import textwrap

import sioprobe
from conformance.client.transcript import Entry
from conformance.judging.outcomes import Outcome, Question
from conformance.requirements import with_cases
from conformance.subject import Subject
from conformance.telling.known import about_software
from conformance.telling.result_file import PROTOCOLS, reason_of, reproduce

__all__ = ["explain", "explain_verdict", "fitted", "header", "transcript_text"]

COLUMN = re.compile(
    r" +[0-9]+\.[0-9]{3} (?:C→S|S→C) \S+ +"  # of a transcript
    r"|  (?:expected|      or|actual|reason|closed) +"
    r"|  [A-Z0-9]+-[A-Z0-9-]+ +"  # a requirement in a list
)


def header(subject: Subject) -> list[str]:
    """Who is judged, and by which suite."""
    return [
        f"conformance suite {sioprobe.__version__}: {len(with_cases(subject.role))} requirements, "
        f"of {' and '.join(PROTOCOLS)}",
        subject.described(),
        *about_software(subject),
        *subject.remarks(),
    ]


def explain(question: Question, outcome: Outcome, subject: Subject) -> str:
    """A failure, readable without a debugger."""
    lines = [f"    {line}" for line in transcript_text(outcome.transcript).splitlines()]
    return "\n".join(
        [explain_verdict(question, outcome), *lines, f"  reproduce: {reproduce(question, subject)}"]
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
    """`text` with long lines broken under their own column. A command stays whole, to be copied."""
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) < width or line.startswith("  reproduce: "):
            lines.append(line)
            continue
        start = COLUMN.match(line)
        indent = len(start[0]) if start else 4 if line.startswith("  ") else 2
        lines += textwrap.wrap(line, width - 1, subsequent_indent=" " * indent, break_on_hyphens=False)
    return "\n".join(lines)


def transcript_text(transcript: list[Entry]) -> str:
    """One line an entry: time, direction, layer, meaning, raw."""
    return "\n".join(
        f"{e.time:8.3f} {e.direction} {e.layer:<9} {e.meaning}" + (f"   {e.raw!r}" if e.raw else "")
        for e in transcript
    )
