"""Results of a comparison, derived once, that tests change copies of."""

from __future__ import annotations

import copy
import functools
from typing import Any

from reports.statistics.derivation import derive
from reports.statistics.result_folder import Inputs
from sioprobe.results.files import Rounds
from sioprobe.results.types import Results
from tests.reports import synthetic
from tests.reports.synthetic_sections import sections, side_by_side

__all__ = ["only_blocks", "paired_costs", "with_everything"]


@functools.cache
def _derived() -> Results:
    return derive(Inputs(synthetic.run_document(), Rounds(synthetic.blocks(5)), {}))


def only_blocks() -> Any:
    """As `make compare` without lives and sections."""
    return copy.deepcopy(_derived())


def with_everything() -> Any:
    """As a full comparison."""
    return only_blocks() | {"side_by_side": side_by_side(), "sections": sections()}


def paired_costs(**costs: float) -> Any:
    """Results whose lives have these costs of a message over WebSocket, each ratio known to 3 %."""
    order = sorted(costs, key=lambda arm: costs[arm])
    ratios = [
        {
            "arm": arm,
            "over": over,
            "ratio": (ratio := costs[arm] / costs[over]),
            "low": ratio * 0.97,
            "high": ratio * 1.03,
            "claimed": "more" if ratio > 1.03 else None,
        }
        for n, over in enumerate(order)
        for arm in order[n + 1 :]
    ]
    [part] = [
        p for p in side_by_side() if (p["figure"], p["transport"]) == ("cpu_us_per_message", "websocket")
    ]
    changed: Any = {**part, "medians": {arm: costs[arm] for arm in order}, "ratios": ratios}
    results = only_blocks()
    # Nothing else says anything about messages.
    for cell in results["cells"]:
        cell["metrics"]["server_cpu_us_per_message"] |= {"estimate": None}
    return results | {"side_by_side": [changed]}
