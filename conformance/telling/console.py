"""What a run says on the console: what is judged, the explanation of a failure, the summary."""

from __future__ import annotations

import re
import textwrap

import sioprobe
from conformance.client.address import Address
from conformance.client.transcript import Entry
from conformance.judging.runner import Outcome, Question
from conformance.requirements import with_cases
from conformance.target import Target
from conformance.telling.known import about_software, suggestion
from conformance.telling.result_file import (
    PROTOCOLS,
    Results,
    counts,
    is_whole,
    max_payload,
    reason_of,
    reproduce,
)
from conformance.verdicts import Conclusion, Verdict, conclude, is_failure

__all__ = ["explain", "explain_verdict", "fitted", "header", "summary", "transcript_text"]

TRANSCRIPT_LINE = re.compile(r" +[0-9]+\.[0-9]{3} (?:C→S|S→C) \S+ +")

REMARKS = (Verdict.NON_STRICT, Verdict.INFO)


def header(target: Target) -> list[str]:
    """What is judged, and by which suite."""
    opened = target.opened
    lines = [
        f"conformance suite {sioprobe.__version__}: {len(with_cases())} requirements, "
        f"of {' and '.join(PROTOCOLS)}",
        f"target {target.title} at {target.address.url}{target.address.path}: "
        f"Engine.IO {' and '.join(map(str, target.revisions))}, contract level {target.level}, "
        f"pingInterval {opened.ping_interval} ms, pingTimeout {opened.ping_timeout} ms, "
        f"maxPayload {'not named' if (limit := max_payload(target)) is None else f'{limit} bytes'}, "
        f"upgrades {list(opened.upgrades)}",
    ]
    lines += about_software(target)
    return [*lines, target.note] if target.note else lines


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
    """`text` with long lines broken under their own column. A command stays whole, to be copied."""
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) < width or line.startswith("  reproduce: "):
            lines.append(line)
            continue
        start = TRANSCRIPT_LINE.match(line)
        indent = len(start[0]) if start else 12 if line.startswith("  ") else 2
        lines += textwrap.wrap(line, width - 1, subsequent_indent=" " * indent, break_on_hyphens=False)
    return "\n".join(lines)


def transcript_text(transcript: list[Entry]) -> str:
    """One line an entry: time, direction, layer, meaning, raw."""
    return "\n".join(
        f"{e.time:8.3f} {e.direction} {e.layer:<9} {e.meaning}" + (f"   {e.raw!r}" if e.raw else "")
        for e in transcript
    )


def summary(target: Target, results: Results, *, ended: bool = True) -> list[str]:
    """Failures, remarks, known deviations and their reasons, cases that were asked again, and the counts."""
    lines = []
    for title, verdicts in (
        ("failures", tuple(verdict for verdict in Verdict if is_failure(verdict))),
        ("not as strict as could be", REMARKS),
        ("known deviations", (Verdict.KNOWN_DEVIATION,)),
        ("better than listed", (Verdict.PASS,)),
    ):
        rows: dict[tuple[str, str], list[str]] = {}
        for question, outcome in results:
            judgement = outcome.judgement
            if judgement.verdict in verdicts and (judgement.verdict is not Verdict.PASS or judgement.reason):
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
    conclusion = conclude(judged, ended=ended, whole=is_whole(results))
    if conclusion is Conclusion.NOTHING_BROKEN:
        lines.append("a part of the cases was asked: the rest may still be broken")
    if (hint := suggestion(target, results)) is not None:
        lines.append(hint)
    lines.append(f"{target.title}, contract level {target.level}: {conclusion}: {found}")
    return lines
