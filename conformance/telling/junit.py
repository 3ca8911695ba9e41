"""A run as JUnit XML: one suite, one testcase for each case, ids as properties, transcripts as output.

Unlike pytest's own form it names no file of this machine, and prints no output of a skipped case twice.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import datetime
from pathlib import Path

import sioprobe
from conformance.judging.outcomes import Outcome, Question
from conformance.subject import Subject
from conformance.telling.console import explain_verdict, transcript_text
from conformance.telling.result_file import PROTOCOLS, Results, causes_of, reason_of, reproduce
from conformance.verdicts import Verdict, is_failure
from sioprobe.results.files import write_text

__all__ = ["write_junit"]

DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"

SKIPPED = (Verdict.NOT_APPLICABLE, Verdict.HIDDEN, Verdict.KNOWN_DEVIATION, Verdict.NOT_JUDGED)

# What XML 1.0 cannot hold, whatever the escape.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, subject: Subject, results: Results, started: datetime) -> None:
    """Write the file, whole or not at all. Raises ResultFileError."""
    outcomes = Counter(_outcome(outcome.judgement.verdict) for _, outcome in results)
    causes = causes_of(results)
    numbers = {
        "tests": str(len(results) + len(causes)),
        "failures": str(outcomes["failure"] + len(causes)),
        "errors": str(outcomes["error"]),
        "skipped": str(outcomes["skipped"]),
        "time": f"{sum(outcome.seconds for _, outcome in results):.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": "sioprobe conform", **numbers})
    stamp = started.replace(tzinfo=None).isoformat(timespec="seconds")
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": _clean(subject.title), "timestamp": stamp, **numbers}
    )
    _properties(
        suite,
        {
            "suite": f"sioprobe {sioprobe.__version__}",
            "protocols": ", ".join(PROTOCOLS),
            "url" if subject.role == "server" else "command": subject.where,
            "library": subject.library,
            "version": subject.version,
            "mode": subject.mode,
            "contract level": str(subject.level),
        },
    )
    for cause, number in causes:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": "cause", "name": _clean(cause.what), "time": "0.000"}
        )
        message = f"{number} cases are not judged because of it"
        told = ElementTree.SubElement(case, "failure", {"message": message, "type": "cause"})
        told.text = _clean(f"{cause.what}\n  {cause.detail}")
    for question, outcome in results:
        _add_case(suite, question, outcome, subject)
    ElementTree.indent(root)
    write_text(path, DECLARATION + ElementTree.tostring(root, "unicode"))


def _outcome(verdict: Verdict) -> str | None:
    """The element for a verdict; None for a case that counts as passed.

    A case that was not judged is skipped, and so is a known deviation. Neither is a pass. The cause for
    which cases were not judged is a failure of its own.
    """
    if verdict is Verdict.HARNESS_ERROR:
        return "error"
    if is_failure(verdict):
        return "failure"
    return "skipped" if verdict in SKIPPED else None


def _add_case(suite: ElementTree.Element, question: Question, outcome: Outcome, subject: Subject) -> None:
    entry, judgement = question.requirement, outcome.judgement
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {"classname": entry.id, "name": question.label, "time": f"{outcome.seconds:.3f}"},
    )
    _properties(
        case,
        {
            "requirement": entry.id,
            "level": str(entry.level),
            "verdict": str(judgement.verdict),
            "closed": outcome.closed or "",
        },
    )
    if (element := _outcome(judgement.verdict)) is not None:
        message = judgement.actual or reason_of(outcome) or ""
        if element == "skipped":
            message = reason_of(outcome) or message
        told = ElementTree.SubElement(
            case, element, {"message": _clean(message), "type": str(judgement.verdict)}
        )
        told.text = _clean(
            f"{explain_verdict(question, outcome)}\n  reproduce: {reproduce(question, subject)}"
        )
    if outcome.transcript:
        output = ElementTree.SubElement(case, "system-out")
        output.text = _clean(transcript_text(outcome.transcript))


def _properties(parent: ElementTree.Element, values: dict[str, str | None]) -> None:
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        if value is not None:
            ElementTree.SubElement(properties, "property", {"name": name, "value": _clean(value)})


def _clean(text: str) -> str:
    """`text` in which an escape (`\\x1e`) stands for what XML cannot hold."""
    return UNWRITABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
