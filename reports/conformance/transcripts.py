"""The transcripts of a page. It holds them packed, and shows one when a reader asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.conformance.words import WORST_FIRST
from reports.writing.wording import printable, shortened
from sioprobe.results.types import Case, TranscriptLine

__all__ = ["Transcript", "packed"]

ROOM = 4_000_000
"""All transcripts of a page have at most so many characters before gzip makes about a twentieth of them.

The raw data holds every transcript whole.
"""
MOST_LINES = 200
"""Of one transcript."""

Transcript = list[tuple[str, str, str, str]]
"""Lines of seconds, direction, meaning and raw text, all printable."""


def packed(cases: Sequence[Case]) -> tuple[list[int | None], list[Transcript]]:
    """For each case the place of its transcript in the list, None if it has none or there was no room.

    The worst verdicts come first.
    """
    places: list[int | None] = [None] * len(cases)
    transcripts: list[Transcript] = []
    room = ROOM
    for n in sorted(range(len(cases)), key=lambda n: WORST_FIRST.index(cases[n]["verdict"])):
        lines = [_line(line) for line in cases[n].get("transcript", [])[:MOST_LINES]]
        size = sum(len(text) for line in lines for text in line)
        if lines and size <= room:
            room -= size
            places[n] = len(transcripts)
            transcripts.append(lines)
    return places, transcripts


def _line(line: TranscriptLine) -> tuple[str, str, str, str]:
    texts = (line["direction"], line.get("meaning") or "", shortened(line["raw"]))
    direction, meaning, raw = map(printable, texts)
    return f"{line['time']:.3f}", direction, meaning, raw
