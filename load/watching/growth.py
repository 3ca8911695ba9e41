"""How much a figure of a server grows with each life of a client: over several windows, with an interval.

One difference says little. The first clients let a server import modules, fill caches and enlarge its pools,
and in a short run one step of the allocator is a large part of the whole. So the first third of the lives is
left out, and the others make windows of about equally many lives. The estimate is the median of the windows.
The interval runs between two of them, so it assumes nothing about how they are distributed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median
from typing import Any

__all__ = ["Growth", "growth_of"]

WARM_UP = 1 / 3
"""The share of the lives that is left out at the beginning."""
MOST_WINDOWS = 8
"""With so many windows the smallest and the largest may be odd: the interval leaves both out."""
FEWEST_WINDOWS = 5
"""The fewest whose range holds the true median in 90 % of cases."""
SLOWING = 0.75
"""What grows with the logarithm of the lives grows 0.6 times as much in the later half."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth for each life, in the unit of the figure. `lives` are those in the windows.

    `coverage` is the chance that the interval from `low` to `high` holds the true median of the windows.
    """

    per_life: float
    low: float
    high: float
    coverage: float
    windows: int
    lives: int
    slowing: bool
    """Whether the later half of the windows grew less than three quarters as much as the earlier one."""

    @property
    def total(self) -> float:
        """Growth of all lives in the windows, without those that are odd."""
        return self.per_life * self.lives

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def growth_of(looks: Sequence[tuple[int, float]]) -> Growth | None:
    """The growth that these looks show, in the order of time; None if they make too few windows.

    Each look is the number of lives that have ended, and the figure at that moment.
    """
    bounds = _bounds(looks)
    windows = [(after - before) / (later - earlier) for (earlier, before), (later, after) in pairwise(bounds)]
    count = len(windows)
    if count < FEWEST_WINDOWS:
        return None
    beyond = 1 if count >= MOST_WINDOWS else 0
    ordered, half = sorted(windows), count // 2
    return Growth(
        per_life=median(windows),
        low=ordered[beyond],
        high=ordered[-1 - beyond],
        coverage=1 - 2 * sum(math.comb(count, below) for below in range(beyond + 1)) / 2**count,
        windows=count,
        lives=bounds[-1][0] - bounds[0][0],
        slowing=median(windows[-half:]) < SLOWING * median(windows[:half]),
    )


def _bounds(looks: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The looks after the warm-up between which the windows lie, as equal in lives as the looks allow.

    A window of less than half of its share is joined to a neighbour. Its growth would be an accident.
    """
    if not looks:
        return []
    last = looks[-1][0]
    found: list[tuple[int, float]] = []
    for look in looks:
        if look[0] >= WARM_UP * last and (not found or look[0] > found[-1][0]):
            found.append(look)
    if len(found) < 2:
        return found
    count = min(len(found) - 1, MOST_WINDOWS)
    step = (last - found[0][0]) / count
    if count == MOST_WINDOWS:
        wanted = [found[0][0] + step * number for number in range(MOST_WINDOWS + 1)]
        found = sorted({min(found, key=lambda look: abs(look[0] - lives)) for lives in wanted})
    bounds = found[:1]
    for look in found[1:-1]:
        if look[0] - bounds[-1][0] >= step / 2 and last - look[0] >= step / 2:
            bounds.append(look)
    return [*bounds, found[-1]]
