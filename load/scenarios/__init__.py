"""The scenarios: what the users of a load do. Each has a module, or a folder if it has parts of its own.

Each process has one scenario object, which makes one `Player` for each connection. The same objects play
under Locust (`load/swarm.py`) and in blocks (`load/blocks/`). `docs/reference/scenarios.md` describes them.
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
    words_of,
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
    "words_of",
]
