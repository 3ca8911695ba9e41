"""Whether an arm had a core for each process. If it had not, its figures are shown, and claim nothing.

Servers of one process on one core are compared all the same: all of them had as little.
"""

from __future__ import annotations

from sioprobe.results.types import Arm

__all__ = ["claims_nothing", "helpers_of", "too_few_cores"]


def helpers_of(arm: Arm | None) -> list[str]:
    """What works for the servers of an arm, each a process or more."""
    return [name for name in ("queue", "proxy") if arm is not None and arm.get(name)]


def too_few_cores(arm: Arm | None, cores: int | None) -> bool:
    """Whether servers, queue, proxy and generator are more than the cores. False if nobody knows these."""
    workers = arm.get("workers", 1) if arm is not None else 1
    return cores is not None and workers + len(helpers_of(arm)) + 1 > cores


def claims_nothing(arm: Arm | None, cores: int | None) -> bool:
    """Whether the processes of the arm took the cores from each other."""
    several = arm is not None and (arm.get("workers", 1) > 1 or bool(helpers_of(arm)))
    return several and too_few_cores(arm, cores)
