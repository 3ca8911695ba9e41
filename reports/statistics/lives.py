"""From the slices of a life to one figure: by how much one server's slices cost more than another's.

A life is a random order of turns played backwards, again and again. Each order and each backward order
holds every server once, so it gives one ratio of two servers that met the same milliseconds. The life's
figure is the Hodges-Lehmann estimate over the logarithms of these ratios: a garbage collection in one turn
blows up a sum, but not this. Slices of one life are no independent witnesses (hash seed, addresses and
heap are those of the life), so a life gives one figure and no interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.statistics.intervals import median
from reports.statistics.signed_rank import hodges_lehmann

__all__ = ["CPU", "P50", "log_change", "per_message"]

CPU, P50 = 1, 3
"""Columns of a slice: [side, CPU ns, wall ns, p50 in µs]."""


def log_change(life: Mapping[str, Any], side: str, base: str, column: int) -> float:
    """The logarithm of `side`'s figure over `base`'s in this life. ValueError where it has no such turns."""
    sides: Sequence[str] = life["sides"]
    of, over = sides.index(side), sides.index(base)
    slices = life["slices"]
    logs = []
    for start in range(0, len(slices) - len(sides) + 1, len(sides)):
        turn = {entry[0]: entry[column] for entry in slices[start : start + len(sides)]}
        # A clock that is coarser than a turn may not move: nothing is known of that turn.
        if turn.get(of, 0) > 0 and turn.get(over, 0) > 0:
            logs.append(math.log(turn[of] / turn[over]))
    if not logs:
        raise ValueError(f"no turns of {side} and {base}")
    return hodges_lehmann(logs)


def per_message(life: Mapping[str, Any], side: str, column: int) -> float:
    """The median slice of a side: CPU in µs a message, or the p50 in µs."""
    number = life["sides"].index(side)
    values = [entry[column] for entry in life["slices"] if entry[0] == number]
    return median(values) / 1000 / life["messages"] if column == CPU else median(values)
