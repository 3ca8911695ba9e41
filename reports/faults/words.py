"""What faults did, in words: the cells of the tables, the headline and the findings."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence

from reports.faults.derivation import Range, Row, row_of
from reports.writing.wording import counted, listed
from sioprobe.results.faults import Faults

__all__ = [
    "COLUMNS",
    "LEGEND",
    "cells_of",
    "findings_of",
    "groups_of",
    "headline_of",
    "lines_of",
    "method_of",
    "notes_of",
    "pressure_of",
    "repeat_of",
]

COLUMNS = (
    "fault",
    "lost, own clients",
    "lost, others' clients",
    "doubled",
    "out of order",
    "deaf for",
    "emit waits up to",
    "emit raises or does not return",
    "all well after the mend",
)
NARROW = (
    "fault",
    "lost own",
    "lost others",
    "doubled",
    "reordered",
    "deaf",
    "emit waits",
    "raises/hangs",
    "well after",
)
"""The same for a terminal."""
LEGEND = (
    "**Own clients** are at the worker that emits, **others' clients** at the other worker. Behind a proxy "
    "nobody knows who is where, and all count as others' clients.",
    "**Deaf**: the longest time in which clients got nothing of what the other worker emitted. **For ever**: "
    "nothing came until the limit.",
    "**emit waits**: the longest time until the server's own `emit` returned. A worker that the fault itself "
    "stops is left out.",
    "**emit raises or does not return**: so many calls got no ack until the end. Clients cannot tell the two "
    "apart; what the servers printed may.",
    "**All well**: from then on everything came once and within {late} s, and `emit` was as fast.",
    "Counts are those of all clients of a repetition together. **Out of order** may happen without a fault: "
    "the server handles each event in a thread of its own.",
    "Two numbers are the least and the greatest of the repetitions.",
)
BUSY = 50.0
"""Percent of the time, from which a machine on which tasks wait for a core is called busy."""
LONG_WAIT = 1.0
"""Seconds from which a wait of `emit` is a finding."""


def groups_of(faults: Faults) -> list[tuple[str, str, list[Row]]]:
    """For each mode and queue its rows."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for cell in faults["faults"]:
        groups.setdefault((cell["mode"], cell["queue"]), []).append(row_of(cell))
    return [(mode, queue, rows) for (mode, queue), rows in groups.items()]


def cells_of(row: Row) -> list[str]:
    """The cells of a row, below COLUMNS."""
    name = row.cell["fault"]
    if not row.played:
        runs = row.cell["runs"]
        reason = f"not played to the end: {runs[0]['problem']}" if runs else f"not run: {row.cell['reason']}"
        return [name, reason, *[""] * (len(COLUMNS) - 2)]
    return [
        name,
        count(row.lost_own),
        count(row.lost_others) + (f" ({count(row.away)} while away)" if row.away.high else ""),
        count(row.doubled),
        count(row.reordered),
        _deaf(row),
        seconds(row.emit),
        count(row.unanswered),
        _well(row),
    ]


def _deaf(row: Row) -> str:
    parts = [seconds(row.deaf) if row.deaf.high else "no"] if row.deaf.high is not None else []
    if row.deaf_for_ever:
        parts.append(f"**for ever** in {row.deaf_for_ever} of {row.played}")
    return "; ".join(parts)


def _well(row: Row) -> str:
    parts = [seconds(row.well)] if row.well.high is not None else []
    if row.never:
        parts.append(f"**never** in {row.never} of {row.played}")
    if row.failed:
        parts.append(f"{row.failed} not played to the end")
    return "; ".join(parts)


def count(found: Range) -> str:
    """`0`, or `50–54`."""
    return _between(found, "{:.0f}", "")


def seconds(found: Range) -> str:
    """`1.0 s`, or `1.0–1.4 s`."""
    return _between(found, "{:.1f}", " s")


def _between(found: Range, form: str, unit: str) -> str:
    if found.low is None or found.high is None:
        return "–"
    ends = dict.fromkeys(form.format(end) for end in (found.low, found.high))
    return "–".join(ends) + unit


def headline_of(faults: Faults) -> str:
    """The one sentence."""
    rows = [row for _, _, rows in groups_of(faults) for row in rows if row.played]
    if not rows:
        return "No fault was played"
    never = [row for row in rows if row.never]
    if never:
        return f"Not well again at the limit: {listed(list(dict.fromkeys(map(_where, never))))}"
    longest = max(rows, key=lambda row: row.well.high or 0.0)
    latest = seconds(Range(longest.well.high, longest.well.high))
    return (
        f"After every fault all was well again, {latest} after the mend at the latest "
        f"({_where(longest)}, {longest.cell['fault']})"
    )


def _where(row: Row) -> str:
    return f"{row.cell['mode']} with {row.cell['queue']}"


def notes_of(faults: Faults) -> list[str]:
    """What to know before one believes a figure."""
    notes = ["The run was stopped; this is what it had until then."] if faults["interrupted"] else []
    every = [run for cell in faults["faults"] for run in cell["runs"]]
    runs = [run for run in every if run["problem"] is None]
    if len(runs) < len(every):
        failed = counted(len(every) - len(runs), "repetition")
        notes.append(f"{failed} of {len(every)} could not be played to the end; the tables say which.")
    busy = [run for run in runs if (run["cpu_pressure"] or 0.0) >= BUSY]
    if busy:
        notes.append(
            f"The machine was busy in {len(busy)} of {counted(len(runs), 'repetition')}: for half of the "
            "time or more some process waited for a core. Servers that are kept waiting lose more, and later."
        )
    return notes


def pressure_of(faults: Faults) -> str:
    """How busy the machine was, by what each repetition saw."""
    runs = [run for cell in faults["faults"] for run in cell["runs"] if run["problem"] is None]
    found = Range.of(run["cpu_pressure"] for run in runs)
    if found.high is None:
        return "how busy it was is not known"
    return f"some process waited for a core for {_between(found, '{:.0f}', ' %')} of the time"


def repeat_of(faults: Faults) -> str:
    """The command without the folder of its result."""
    words, kept = iter(shlex.split(faults["command"])), []
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return shlex.join(kept)


def findings_of(faults: Faults) -> list[str]:
    """What a user should know first: what never came back, what waited, what was lost and doubled."""
    return [
        f"{mode} with {queue}: {finding}"
        for mode, queue, rows in groups_of(faults)
        for finding in _findings(rows)
    ]


def _findings(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        of = f"of {counted(row.played, 'repetition')}"
        if row.deaf_for_ever:
            deaf = row.deaf_for_ever
            yield f"after {row.cell['fault']} a worker stays deaf until the limit, in {deaf} {of}"
        if row.never > row.deaf_for_ever:
            others = row.never - row.deaf_for_ever
            yield f"after {row.cell['fault']} not all is well at the limit, in {others} {of}"
    waits = [row for row in rows if (row.emit.high or 0.0) >= LONG_WAIT]
    if waits:
        yield f"emit waits in {_each(waits, lambda row: row.emit, seconds)}"
    kinds: tuple[tuple[str, Callable[[Row], Range]], ...] = (
        ("emit raises or does not return", lambda row: row.unanswered),
        ("the servers print tracebacks", lambda row: row.tracebacks),
        ("own clients lose events", lambda row: row.lost_own),
        ("others' clients lose events", lambda row: row.lost_others),
        ("events come twice", lambda row: row.doubled),
        ("events overtake each other", lambda row: row.reordered),
    )
    for said, figure in kinds:
        some = [row for row in rows if figure(row).high]
        if some:
            yield f"{said} in {_each(some, figure, count)}"


def _each(rows: Sequence[Row], figure: Callable[[Row], Range], said: Callable[[Range], str]) -> str:
    return listed([f"{row.cell['fault']} ({said(figure(row))})" for row in rows])


def method_of(faults: Faults) -> str:
    """How it was measured, in some sentences."""
    return (
        f"{faults['workers']} workers. Each has a publisher with {faults['rate']:g} events a second and a "
        f"receiver, over {faults['transport']}. {counted(faults['repeat'], 'repetition')}, each on a cluster "
        "of its own, which plays the faults one after the other as long as it is well again. It is watched "
        f"for {faults['limit_seconds']:g} s after the mend. "
        f"{counted(faults['at_once'], 'cluster')} at a time."
    )


def lines_of(faults: Faults) -> list[str]:
    """The tables for a terminal, one line for each fault, and the headline."""
    lines = []
    for mode, queue, rows in groups_of(faults):
        cells = [[cell.replace("**", "") for cell in cells_of(row)] for row in rows]
        table = [list(NARROW), *(line for line, row in zip(cells, rows, strict=True) if row.played)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines.append(f"{mode}, {queue}")
        for line in [list(NARROW), *cells]:
            padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            lines.append(("  " + "  ".join(padded)).rstrip())
        lines.append("")
    return [*lines, *notes_of(faults), headline_of(faults)]
