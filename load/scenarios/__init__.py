"""What the users of a swarm do, one module a scenario.

A scenario is one object a process; it makes one `Player` a connection. The same objects play under Locust
(`load/swarm.py`) and in the blocks of a comparison (`load/block.py`). `load/SCENARIOS.md` describes them.
"""

from __future__ import annotations

from load.scenarios.common import Player, Scenario
from load.scenarios.parameters import Options, Parameter, ParameterError
from load.scenarios.registry import SCENARIOS, all_parameters, make_options, make_scenario, scenarios_with

__all__ = [
    "SCENARIOS",
    "Options",
    "Parameter",
    "ParameterError",
    "Player",
    "Scenario",
    "all_parameters",
    "make_options",
    "make_scenario",
    "scenarios_with",
]
