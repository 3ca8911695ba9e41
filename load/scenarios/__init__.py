"""What the users of a swarm do, one module a scenario.

A scenario is one object a process; it makes one `Player` a connection. The same objects play under Locust
(`load/swarm.py`) and in the blocks of a comparison (`load/block.py`).
"""

from __future__ import annotations

from load.scenarios.ack import AckScenario
from load.scenarios.common import Options, Player, Scenario
from load.scenarios.fanout import FanoutScenario
from load.scenarios.idle import IdleScenario
from sioprobe.swarm import Engine

__all__ = ["SCENARIOS", "Options", "Player", "Scenario", "make_scenario"]

SCENARIOS: dict[str, type[Scenario]] = {
    "ack": AckScenario,
    "fanout": FanoutScenario,
    "idle": IdleScenario,
}


def make_scenario(name: str, engine: Engine, options: Options) -> Scenario:
    """The scenario of that name; KeyError where there is none."""
    return SCENARIOS[name](engine, options)
