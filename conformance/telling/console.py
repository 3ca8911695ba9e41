"""What a run says on the console: what is judged, and the explanation of a failure."""

from __future__ import annotations

import re
import textwrap

import sioprobe
from conformance.client.transcript import Entry
from conformance.judging.outcomes import Outcome, Question
from conformance.requirements import with_cases
from conformance.target import Target
from conformance.telling.known import about_software
from conformance.telling.result_file import (
    PROTOCOLS,
    max_payload,
    reason_of,
    reproduce,
)

__all__ = ["explain", "explain_verdict", "fitted", "header", "transcript_text"]

COLUMN = re.compile(
    r" +[0-9]+\.[0-9]{3} (?:C→S|S→C) \S+ +"  # of a transcript
    r"|  (?:expected|      or|actual|reason|closed) +"
    r"|  [A-Z0-9]+-[A-Z0-9-]+ +"  # a requirement in a list
)


def header(target: Target) -> list[str]:
    """What is judged, and by which suite."""
    opened = target.opened
    others = "".join(f" and {url}" for url in target.others)
    lines = [
        f"conformance suite {sioprobe.__version__}: {len(with_cases())} requirements, "
        f"of {' and '.join(PROTOCOLS)}",
        f"target {target.title} at {target.address.url}{target.address.path}{others}: "
        f"Engine.IO {' and '.join(map(str, target.revisions))}, contract level {target.level}, "
        f"pingInterval {opened.ping_interval} ms, pingTimeout {opened.ping_timeout} ms, "
        f"maxPayload {'not named' if (limit := max_payload(target)) is None else f'{limit} bytes'}, "
        f"upgrades {', '.join(opened.upgrades) or 'none'}",
    ]
    lines += about_software(target)
    if target.timing.distance:
        milliseconds = f"{1000 * target.timing.distance:.0f} ms"
        lines.append(f"a request takes {milliseconds} (far away, or busy), and each wait is longer for it")
    return [*lines, target.note] if target.note else lines


def explain(question: Question, outcome: Outcome, target: Target) -> str:
    """A failure, readable without a debugger."""
    lines = [f"    {line}" for line in transcript_text(outcome.transcript).splitlines()]
    return "\n".join(
        [explain_verdict(question, outcome), *lines, f"  reproduce: {reproduce(question, target)}"]
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
