"""Blocks with reservations, in one line for each verdict: what is equal is told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reports.writing.wording import NARROW_SPACE, counted, tick
from sioprobe.results.types import ExcludedBlock

__all__ = ["grouped", "reservations"]

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
    numbers: dict[str, list[list[float]]] = {}
    for line in lines:
        found = [float(number) for number in _NUMBER.findall(line)]
        numbers.setdefault(_NUMBER.sub("\0", line), []).append(found)
    return sorted(
        ((_filled(shape, every), len(every)) for shape, every in numbers.items()), key=lambda one: -one[1]
    )


def _filled(shape: str, every: list[list[float]]) -> str:
    ranges = []
    for values in zip(*every, strict=True):
        low, high = min(values), max(values)
        ranges.append(tick(low) if low == high else f"{tick(low)}–{tick(high)}")
    first, *rest = shape.split("\0")
    text = first + "".join(number + part for number, part in zip(ranges, rest, strict=True))
    return text.replace("%", f"{NARROW_SPACE}%").replace(f" {NARROW_SPACE}", NARROW_SPACE)
