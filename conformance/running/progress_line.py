"""One line on a terminal that says how far a run is. Each line overwrites the one before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from conformance.verdicts import Verdict, is_failure

__all__ = ["ProgressLine"]

ERASE = "\r\x1b[2K"


class ProgressLine:
    """The line, on a stream that is a terminal. `total` is the number of cases."""

    def __init__(self, stream: TextIO, total: int, width: int) -> None:
        self._stream = stream
        self._total = total
        self._width = width
        self._started = time.monotonic()

    def show(self, counts: Mapping[Verdict, int]) -> None:
        """Write the line for what has been judged so far."""
        seconds = time.monotonic() - self._started
        self._stream.write(ERASE + line(counts, self._total, seconds)[: self._width - 1])
        self._stream.flush()

    def clear(self) -> None:
        """Make the line empty for what follows."""
        self._stream.write(ERASE)
        self._stream.flush()


def line(counts: Mapping[Verdict, int], total: int, seconds: float) -> str:
    """`214 of 385 cases judged, 8 s: 3 fail, 205 pass, 6 not applicable`; failures first."""
    judged = f"{sum(counts.values())} of {total} cases judged, {seconds:.0f} s"
    found = Counter({verdict: number for verdict, number in counts.items() if number})
    ordered = sorted(found, key=lambda verdict: (not is_failure(verdict), list(Verdict).index(verdict)))
    said = ", ".join(f"{found[verdict]} {verdict}" for verdict in ordered)
    return f"{judged}: {said}" if said else judged
