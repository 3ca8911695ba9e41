"""What the users of a swarm do, one module a scenario.

A scenario is one object a process; it makes one `Player` a connection. The same objects play under Locust
(`load/swarm.py`) and in blocks (`load/blocks/`). `docs/reference/scenarios.md` describes them.
"""

from __future__ import annotations

from load.playing.parameters import Options, Parameter, ParameterError
from load.playing.players import Player, Scenario
from load.scenarios.registry import (
    SCENARIOS,
    TransportError,
    all_parameters,
    check_transport,
    make_options,
    make_scenario,
    scenarios_with,
)

__all__ = [
    "SCENARIOS",
    "Options",
    "Parameter",
    "ParameterError",
    "Player",
    "Scenario",
    "TransportError",
    "all_parameters",
    "check_transport",
    "make_options",
    "make_scenario",
    "scenarios_with",
]
