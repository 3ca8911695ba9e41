"""False alarms and power of the rule, for a given noise and a given change: it draws gates by chance."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

from reports.gate.rule import Measured, Thresholds, decide

__all__ = ["Simulated", "simulate"]


@dataclass(frozen=True, slots=True)
class Simulated:
    """Shares of the gates, for one true change."""

    change: float
    regression: float
    passed: float
    inconclusive: float
    mean_lives: float


def simulate(
    sd: float,
    change: float,
    thresholds: Thresholds,
    *,
    gates: int = 500,
    lives: int | None = None,
    seed: int = 1,
) -> Simulated:
    """Draw gates of one cell whose lives vary by `sd`, with at most `lives` of them."""
    chance = random.Random(seed)
    looks = [look for look in thresholds.looks if lives is None or look <= lives]
    verdicts: Counter[str] = Counter()
    used = 0
    for _ in range(gates):
        drawn = [chance.gauss(math.log1p(change), sd) for _ in range(looks[-1])]
        again = [chance.gauss(0, sd) for _ in range(looks[-1])]
        verdict, look = "INCONCLUSIVE", looks[-1]
        for look in looks:
            cell = Measured(drawn[:look], again[:look], [0.0] * look, [0.0] * look)
            (decision,), _ = decide([cell], [], thresholds, realtime=True)
            verdict = decision.verdict
            if verdict != "INCONCLUSIVE":
                break
        verdicts[verdict] += 1
        used += look
    return Simulated(
        change,
        verdicts["REGRESSION"] / gates,
        verdicts["PASS"] / gates,
        verdicts["INCONCLUSIVE"] / gates,
        used / gates,
    )
