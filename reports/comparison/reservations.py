"""Blocks with reservations, in one line for each verdict: equal ones are counted together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reports.writing.wording import NARROW_SPACE, counted, listed, tick
from sioprobe.results.types import ExcludedBlock, Results

__all__ = ["flags", "grouped", "judgements", "reservations", "together"]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")


def reservations(blocks: Sequence[ExcludedBlock], measured: int) -> list[str]:
    """`41 of 84 blocks SUSPECT: run delay 5–18 % (29), stall (12)`, the worst verdict first."""
    lines = []
    for verdict in ("INVALID", "SUSPECT"):
        own = [block for block in blocks if block["verdict"] == verdict]
        if own:
            # What follows a colon explains a reason.
            reasons = grouped(reason.partition(":")[0] for block in own for reason in block["reasons"])
            why = ", ".join(f"{reason} ({count})" for reason, count in reasons) or "no reason was recorded"
            lines.append(f"{len(own)} of {counted(measured, 'block')} {verdict}: {why}")
    return lines


def grouped(lines: Iterable[str]) -> list[tuple[str, int]]:
    """Lines that differ only in their numbers, as one with the range of these; the most frequent first."""
    found = [(line, len(whose)) for line, whose in together((line, "") for line in lines)]
    return sorted(found, key=lambda one: -one[1])


def together(lines: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """The same for lines that are somebody's: each line with those whose it is, in their order."""
    numbers: dict[str, list[list[float]]] = {}
    whose: dict[str, list[str]] = {}
    for line, who in lines:
        shape = _NUMBER.sub("\0", line)
        numbers.setdefault(shape, []).append([float(number) for number in _NUMBER.findall(line)])
        whose.setdefault(shape, []).append(who)
    return [(_filled(shape, every), whose[shape]) for shape, every in numbers.items()]


def judgements(results: Results) -> list[str]:
    """The outcome and the counts of each judged server, those of one kind in one line."""
    told = [
        (
            f"{one['outcome']} ({', '.join(f'{count} {name}' for name, count in one['counts'].items())})",
            one["arm"],
        )
        for one in results["conformance"]
    ]
    return [f"Conformance of {listed(arms)}: {line}" for line, arms in together(told)]


def flags(results: Results) -> list[str]:
    """What limits the figures of the cells, each kind once."""
    told = [
        (f"{kind}: {detail}", cell["arm"])
        for cell in results["cells"]
        for kind, detail in cell["flags"].items()
    ]
    return [f"{listed(list(dict.fromkeys(arms)))}: {line}" for line, arms in together(told)]


def _filled(shape: str, every: list[list[float]]) -> str:
    ranges = []
    for values in zip(*every, strict=True):
        low, high = min(values), max(values)
        ranges.append(tick(low) if low == high else f"{tick(low)}–{tick(high)}")
    first, *rest = shape.split("\0")
    text = first + "".join(number + part for number, part in zip(ranges, rest, strict=True))
    return re.sub(r"\s*%", f"{NARROW_SPACE}%", text)
