"""The scenarios by name, and the parameters of all scenarios.

To add a scenario, add its module to this folder and its line to `SCENARIOS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from load.playing.parameters import Options, Parameter, ParameterError
from load.playing.players import Scenario
from load.scenarios.ack import AckScenario
from load.scenarios.binary import BinaryScenario
from load.scenarios.broadcast import BroadcastScenario
from load.scenarios.call import CallScenario
from load.scenarios.churn.scenario import ChurnScenario
from load.scenarios.echo import EchoScenario
from load.scenarios.fanout.scenario import FanoutScenario
from load.scenarios.idle import IdleScenario
from load.scenarios.namespaces import NamespacesScenario
from load.scenarios.slow.scenario import SlowScenario
from load.scenarios.storm.scenario import StormScenario
from load.scenarios.upgrade import UpgradeScenario
from sioprobe.commandline.nearest import nearest
from sioprobe.engine import Engine

__all__ = [
    "SCENARIOS",
    "TransportError",
    "all_parameters",
    "check_transport",
    "make_options",
    "make_scenario",
    "scenarios_with",
    "words_of",
]

SCENARIOS: dict[str, type[Scenario]] = {
    "ack": AckScenario,
    "echo": EchoScenario,
    "binary": BinaryScenario,
    "fanout": FanoutScenario,
    "broadcast": BroadcastScenario,
    "namespaces": NamespacesScenario,
    "churn": ChurnScenario,
    "storm": StormScenario,
    "idle": IdleScenario,
    "slow": SlowScenario,
    "upgrade": UpgradeScenario,
    "call": CallScenario,
}


def all_parameters() -> dict[str, Parameter]:
    """The parameters of all scenarios by name, in the order of the scenarios."""
    found: dict[str, Parameter] = {}
    for scenario in SCENARIOS.values():
        for parameter in scenario.parameters:
            found.setdefault(parameter.name, parameter)
    return found


def words_of(values: Mapping[str, Any]) -> Iterator[str]:
    """The parameters among these values as words of a command line, `--name=value`; a list is one for each.

    In two words, a text that begins with a dash would be taken for an option.
    """
    known = all_parameters()
    for name, value in values.items():
        for each in value if isinstance(value, (tuple, list)) else (value,):
            if name in known:
                yield f"{known[name].option}={str(each).lower() if isinstance(each, bool) else each}"


def scenarios_with(name: str) -> dict[str, Parameter]:
    """The scenarios that have a parameter of this name, and how each declares it."""
    return {
        scenario: parameter
        for scenario, kind in SCENARIOS.items()
        for parameter in kind.parameters
        if parameter.name == name
    }


class TransportError(ParameterError):
    """A scenario cannot be played over this transport. `wanted` names those that it needs."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self.wanted = " or ".join(SCENARIOS[scenario].transports)
        super().__init__("transport", f"scenario {scenario} needs {self.wanted}")

    @property
    def as_options(self) -> str:
        """The line for a command line."""
        return f"--scenario {self.scenario} needs --transport {self.wanted}"


def check_transport(scenario: str, transport: str) -> None:
    """Raise TransportError if the scenario cannot be played over this transport."""
    if transport not in SCENARIOS[scenario].transports:
        raise TransportError(scenario)


def make_options(scenario: str, given: Mapping[str, object]) -> Options:
    """The checked options of a scenario. Raises ParameterError, which says which scenarios know a name."""
    parameters = SCENARIOS[scenario].parameters
    known = [parameter.name for parameter in parameters]
    for name in given:
        if name not in known:
            raise ParameterError(name, who_knows(scenario, name))
    options = Options(parameters, given)
    SCENARIOS[scenario].check(options)
    return options


def who_knows(scenario: str, name: str) -> str:
    """Why the scenario does not accept this name."""
    others = ", ".join(scenarios_with(name))
    if others:
        return f"scenario {scenario} does not know it ({others} {'does' if ',' not in others else 'do'})"
    return "unknown" + nearest(name, all_parameters())


def make_scenario(name: str, engine: Engine, options: Options | None = None) -> Scenario:
    """A new scenario; without options it has its defaults. Raises KeyError for an unknown name."""
    return SCENARIOS[name](engine, make_options(name, {}) if options is None else options)
