"""The end of a run's output: the causes first, then the failures with as much detail as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.subject import Subject
from conformance.telling.console import explain, explain_verdict, fitted
from conformance.telling.known import suggestion
from conformance.telling.result_file import Results, causes_of, counts, is_whole, reproduce
from conformance.verdicts import Conclusion, Verdict, conclude, is_failure

__all__ = ["TWO_SCREENS", "WIDTH", "summary"]

TWO_SCREENS = 60
"""Lines of the whole output of a run, if nobody asks for more."""
WIDTH = 100
"""Of the lines that are counted where there is no terminal."""

FAILURES = tuple(verdict for verdict in Verdict if is_failure(verdict))
REMARKS = ("not as strict as could be", (Verdict.NON_STRICT, Verdict.INFO))
DEVIATIONS = ("known deviations", (Verdict.KNOWN_DEVIATION,))
BETTER = ("better than listed", (Verdict.PASS,))
HIDDEN = ("hidden by the path", (Verdict.HIDDEN,))

Lines = list[str]


def summary(
    subject: Subject,
    results: Results,
    *,
    ended: bool = True,
    room: int | None = None,
    width: int | None = None,
) -> Lines:
    """Causes, failures, remarks, known deviations, cases that were asked again, and the counts.

    In `room` lines of `width` columns all failures are explained, if they fit; otherwise they are listed.
    Without `room` there is one line for each failure, as they stand explained above, and for all the rest.
    """
    head, end = _causes(results), _end(subject, results, ended=ended)
    others = [_rows(results, *section) for section in (REMARKS, DEVIATIONS, BETTER, HIDDEN)]
    others.append(_asked_again(results))
    if room is None:
        return [*head, *_rows(results, _title_of(results), FAILURES), *_joined(others), *end]
    columns = width or WIDTH
    room -= _size([*head, *end], columns)
    short = [_shortened(rows) for rows in others]
    failures = _failures(results, subject, room - _size(_joined(short), columns), columns)
    room -= _size(failures, columns)
    for place, rows in enumerate(others):
        said = [*short[:place], rows, *short[place + 1 :]]
        if _size(_joined(said), columns) <= room:
            short = said
    return [*head, *failures, *_joined(short), *end]


def _size(lines: Iterable[str], width: int) -> int:
    """The number of lines after long ones are broken."""
    return len(fitted("\n".join(lines), width).splitlines())


def _joined(parts: Iterable[Lines]) -> Lines:
    return [line for part in parts for line in part]


def _causes(results: Results) -> Lines:
    lines = []
    for cause, number in causes_of(results):
        lines += [f"cause: {cause.what}", f"  {cause.detail}"]
        lines.append(f"  {number} {'case is' if number == 1 else 'cases are'} not judged because of it")
    return lines


def _failures(results: Results, subject: Subject, room: int, width: int) -> Lines:
    """All of them with their packets, or without, or in two lines each or one, or as many of these as fit."""
    failed = [one for one in results if one[1].judgement.verdict in FAILURES]
    if not failed:
        return []
    explained = _joined([*explain(*one, subject).splitlines(), ""] for one in failed)
    if _size(explained, width) <= room:
        return explained
    more = [
        "all failures with their packets: --verbose or --html FILE; the first of them:",
        f"  reproduce: {reproduce(failed[0][0], subject)}",
    ]
    title = _title_of(results)
    for told in (_joined(_told_together(failed)), _in_two_lines(failed)):
        if _size([f"{title}:", *told, *more], width) <= room:
            return [f"{title}:", *told, *more]
    rows = _rows(results, title, FAILURES)
    left = len(rows)
    while left > 1 and _size([*rows[:left], *more], width) + (left < len(rows)) > room:
        left -= 1
    hidden = [f"  ... {len(rows) - left} more"] if left < len(rows) else []
    return [*rows[:left], *hidden, *more]


def _title_of(results: Results) -> str:
    """The word for cases that have not passed: "failures", if any of them says that something is broken."""
    found = {outcome.judgement.verdict for _, outcome in results} & set(FAILURES)
    return str(*found) if len(found) == 1 and found != {Verdict.FAIL} else "failures"


def _told_together(failed: Results) -> Iterable[Lines]:
    """Each failure without its packets. Cases of one requirement that failed alike are told once."""
    alike: dict[tuple[object, ...], Results] = {}
    for question, outcome in failed:
        judgement = outcome.judgement
        key = (question.requirement.id, judgement.verdict, judgement.actual, judgement.reason)
        alike.setdefault(key, []).append((question, outcome))
    for together in alike.values():
        lines = explain_verdict(*together[0]).splitlines()
        if len(together) > 1:
            lines[1] += f", and {_cases(len(together) - 1)} more"
        yield lines


def _in_two_lines(failed: Results) -> Lines:
    """Each requirement, and under it what came."""
    text_of = {question.requirement.id: explain_verdict(question, outcome) for question, outcome in failed}
    lines: Lines = []
    for row in _rows(failed, "", FAILURES)[1:]:
        requirement, said = row.split(maxsplit=1)
        head = text_of[requirement].splitlines()[0]
        lines += [*([] if head in lines else [head]), f"  actual    {said}"]
    return lines


def _cases(number: int) -> str:
    return f"{number} case{'' if number == 1 else 's'}"


def _rows(results: Results, title: str, verdicts: Sequence[Verdict]) -> Lines:
    """One line for each requirement and what came; cases that say the same are counted."""
    rows: dict[tuple[str, str], int] = {}
    for question, outcome in results:
        judgement = outcome.judgement
        # A pass is told if it has a reason.
        if judgement.verdict in verdicts and (judgement.verdict is not Verdict.PASS or judgement.reason):
            key = question.requirement.id, judgement.reason or judgement.actual or ""
            rows[key] = rows.get(key, 0) + 1
    lines = [
        f"  {requirement:<10} {text}" + (f" ({_cases(number)})" if number > 1 else "")
        for (requirement, text), number in rows.items()
    ]
    return [f"{title}:", *lines] if lines else []


def _asked_again(results: Results) -> Lines:
    lines = []
    for question, outcome in results:
        if said := outcome.earlier:
            if outcome.judgement.verdict in FAILURES:
                said = said.partition(":")[0]  # the failure itself has the rest
            lines.append(f"  {question.requirement.id:<10} {question.label}: {said}")
    return ["asked again, alone:", *lines] if lines else []


def _shortened(rows: Lines) -> Lines:
    """The section in one line."""
    return [f"{rows[0]} {len(rows) - 1}; --verbose lists them"] if rows else []


def _end(subject: Subject, results: Results, *, ended: bool) -> Lines:
    lines = []
    judged = [outcome.judgement.verdict for _, outcome in results]
    if not ended:
        lines.append(
            f"the run was cut short after {len(results)} cases: it says nothing about the {subject.role}"
        )
    elif all(verdict is Verdict.NOT_APPLICABLE for verdict in judged):
        lines.append(f"nothing was judged: no case applies to this {subject.role}")
    elif all(verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_JUDGED) for verdict in judged):
        lines.append("nothing was judged")
    conclusion = conclude(judged, ended=ended, whole=is_whole(results))
    if conclusion is Conclusion.NOTHING_BROKEN:
        part = "the path hides a part" if Verdict.HIDDEN in judged else "a part of the cases was asked"
        lines.append(f"{part}: the rest may still be broken")
    if (hint := suggestion(subject, results)) is not None:
        lines.append(hint)
    found = ", ".join(f"{number} {verdict}" for verdict, number in counts(results).items())
    said = str(conclusion)
    if conclusion is Conclusion.FAILURES and not {Verdict.FAIL, Verdict.UNEXPECTED_PASS} & set(judged):
        said = "nothing failed, and not everything could be judged"
    lines.append(f"{subject.title}, contract level {subject.level}: {said}: {found}")
    return lines
