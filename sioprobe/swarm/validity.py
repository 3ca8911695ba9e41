"""A verdict on the generator itself: whether its figures may be taken for the server's.

INVALID: the figures are the generator's own limit, or mostly failures. SUSPECT: look before you quote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Validity", "judge"]

CPU_LIMIT = 0.9
"""Share of one core, in any second, from which a single-threaded generator is itself the bottleneck."""

HUB_LAG_SUSPECT_US = 10_000.0
ERROR_SHARE_INVALID = 0.01

_ORDER = ("VALID", "SUSPECT", "INVALID")


@dataclass(slots=True)
class Validity:
    """`verdict` is VALID, SUSPECT or INVALID; `reasons` is empty where it is VALID."""

    verdict: str = "VALID"
    reasons: list[str] = field(default_factory=list)

    def add(self, verdict: str, reason: str) -> None:
        """Lower the verdict for a reason."""
        self.reasons.append(reason)
        self.verdict = max(self.verdict, verdict, key=_ORDER.index)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a block."""
        return {"verdict": self.verdict, "reasons": list(self.reasons)}


def judge(
    *,
    operations: int | None,
    errors: int,
    max_cpu_share: float,
    hub_lag_us: tuple[float | None, float | None],
    latency_p50_us: float | None,
    ledger_clean: bool = True,
) -> Validity:
    """The verdict. `operations` is None for a scenario that has none; `hub_lag_us` is its p50 and p99."""
    validity = Validity()
    if max_cpu_share >= CPU_LIMIT:
        validity.add("INVALID", f"the generator used {max_cpu_share:.0%} of a core in its busiest second")
    lag_p50, lag_p99 = hub_lag_us
    if lag_p50 is not None and latency_p50_us is not None and lag_p50 > max(latency_p50_us / 2, 2000.0):
        validity.add(
            "INVALID",
            f"hub lag p50 {lag_p50 / 1000:.1f} ms beside a latency of p50 {latency_p50_us / 1000:.1f} ms",
        )
    elif lag_p99 is not None and lag_p99 > HUB_LAG_SUSPECT_US:
        validity.add(
            "SUSPECT", f"hub lag p99 {lag_p99 / 1000:.1f} ms, more than {HUB_LAG_SUSPECT_US / 1000:.0f} ms"
        )
    if operations == 0:
        validity.add("INVALID", "no operation was completed")
    if errors:
        share = errors / (errors + (operations or 0))
        verdict = "INVALID" if operations is not None and share >= ERROR_SHARE_INVALID else "SUSPECT"
        validity.add(verdict, f"{errors} error{'s' if errors > 1 else ''}")
    if not ledger_clean:
        validity.add("SUSPECT", "deliveries were lost, duplicated, reordered or late")
    return validity
