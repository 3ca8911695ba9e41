"""Life: clients that come and go, clients that are dropped all at once, clients that stop reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan
from load.comparing.sections.plan import AboveZero, Seconds, SectionPlan
from load.comparing.sections.task import Task
from sioprobe.results.comparison import SectionName

__all__ = ["LifePlan"]

HEARTBEAT = ("--ping-interval", "5", "--ping-timeout", "5")
"""A leak can be told after one heartbeat. With the default of 25 and 20 s nobody would wait for it."""
HEARTBEAT_SECONDS = 10.0
CALM_SECONDS = 1.0
WAVES = 2


class LifePlan(SectionPlan, frozen=True, kw_only=True):
    """`churn_users` for `churn_seconds`; `storm_users`; one room of `slow_users`, a fifth of which stops.

    `cool_down` bounds the wait for what the server keeps of clients that have left.
    """

    name: ClassVar[SectionName] = "life"

    churn_users: AboveZero = 50
    churn_seconds: Seconds = 5.0
    cool_down: Annotated[float, Meta(ge=0)] = 20.0
    storm_users: AboveZero = 200
    storm_seconds: Seconds = 12.0
    slow_users: AboveZero = 10
    slow_phase_seconds: Seconds = 6.0
    slow_payload_bytes: AboveZero = 20_000
    slow_rate: Annotated[float, Meta(ge=0.1)] = 50.0

    def tasks(self, arms: Sequence[ArmPlan], load: LoadPlan) -> Iterator[Task]:
        """One block for each of the three."""
        for arm in self.chosen(arms):
            for transport in self.transports:
                for request, options, more in self._requests(own=arm.own):
                    situation = {"scenario": request["scenario"]}
                    yield self.block(arm, transport, situation, request, options=options, more=more)

    def _requests(self, *, own: bool) -> Iterator[tuple[dict[str, Any], tuple[str, ...], float]]:
        """Each request, the options of its server, and how many seconds it takes beside its window.

        An application of one's `own` need not answer: its clients come, say nothing and go.
        """
        churn = {
            "scenario": "churn",
            **({"acks": 0} if own else {}),
            "connections": self.churn_users,
            "cool_down": self.cool_down,
            "seconds": self.churn_seconds,
        }
        yield churn, HEARTBEAT, HEARTBEAT_SECONDS / 2
        storm = {
            "scenario": "storm",
            "connections": self.storm_users,
            "waves": WAVES,
            "calm": CALM_SECONDS,
            "seconds": self.storm_seconds,
        }
        yield storm, (), 0.0
        if own:
            return
        slow = {
            "scenario": "slow",
            "connections": self.slow_users,
            "room_size": self.slow_users,
            "payload_bytes": self.slow_payload_bytes,
            "publish_rate": self.slow_rate,
            "phase_seconds": self.slow_phase_seconds,
            "calm": CALM_SECONDS,
            "seconds": CALM_SECONDS + 2 * self.slow_phase_seconds + 3.0,
        }
        yield slow, (), 0.0
