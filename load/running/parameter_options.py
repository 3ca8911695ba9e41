"""The parameters of scenarios as options of a command: declared, taken out of its values, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from load.profiles.run_plan import RunPlan
from load.running.scenario_arguments import defaults_of
from load.scenarios import (
    SCENARIOS,
    Parameter,
    ParameterError,
    TransportError,
    all_parameters,
    check_transport,
    make_options,
    scenarios_with,
)
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.help_pages import WHAT, WHO, option

__all__ = [
    "ParameterType",
    "checked_parameters",
    "origin_of",
    "scenario_option",
    "scenario_options",
    "take_parameters",
]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class ParameterType(click.ParamType[Any]):
    """The value of a scenario's parameter."""

    name = "value"

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value that the text stands for. Raises UsageError."""
        if not isinstance(value, str):
            return value  # of a profile, which is checked where it is read
        try:
            return self._parameter.parse(value)
        except ParameterError as error:
            raise click.UsageError(f"{self._parameter.option}: {error.problem}") from None

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Its choices, or its kind."""
        kinds = {int: "N", float: "NUMBER"}
        text = "JSON" if self._parameter.json and not self._parameter.repeatable else "TEXT"
        return "|".join(self._parameter.choices) or kinds.get(type(self._parameter.default), text)


def scenario_option(names: Iterable[str], default: str | None = RunPlan().scenario) -> Decorator:
    """`--scenario`, whose help lists these names."""
    return option(
        "--scenario",
        group=WHAT,
        metavar="NAME",
        type=OneOf("scenario", SCENARIOS),
        default=default,
        help=f"What a user does: {', '.join(names)}.",
    )


def scenario_options(scenarios: Iterable[str], without: Iterable[str] = ()) -> Decorator:
    """One option for each parameter of these scenarios, in groups. The value is None where none was given."""
    names = tuple(scenarios)
    groups: dict[str, list[Decorator]] = {WHO: [], "Several scenarios": []}
    for parameter in all_parameters().values():
        declared = [name for name in names if name in scenarios_with(parameter.name)]
        if not declared or parameter.name in without:
            continue
        group, also = f"Scenario {declared[0]}", ""
        if parameter.name == "namespace":
            group = WHO
        elif len(declared) > 1:
            group, also = "Several scenarios", ", ".join(declared)
        unit = f" ({parameter.unit})" if parameter.unit else ""
        parts = (f"{parameter.help}{unit}", also, defaults_of(parameter, declared))
        text = "; ".join(part for part in parts if part) + "."
        text = text[0].upper() + text[1:]
        groups.setdefault(group, []).append(
            option(
                parameter.option,
                group=group,
                type=ParameterType(parameter),
                multiple=parameter.repeatable,
                help=text,
            )
        )
    options = [each for group in groups.values() for each in group]

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(options):
            command = each(command)
        return command

    return add


def take_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """Take the parameters of scenarios that were told out of the values of a command."""
    parameters = {name: given.pop(name) for name in all_parameters() if name in given}
    # One text of a repeatable option may be an array itself.
    return {
        name: value[0] if isinstance(value, tuple) and len(value) == 1 else value
        for name, value in parameters.items()
        if value is not None and value != ()
    }


def checked_parameters(scenario: str, transports: Iterable[str], told: Mapping[str, Any]) -> dict[str, Any]:
    """The values of these parameters, if the scenario can be played with them. Raises UsageError."""
    try:
        for transport in transports:
            check_transport(scenario, transport)
        options = make_options(scenario, told)
    except TransportError as error:
        raise click.UsageError(error.as_options) from None
    except ParameterError as error:
        raise click.UsageError(f"{origin_of(error.name)}: {error.problem}") from None
    return {name: options[name] for name in told}


def origin_of(name: str) -> str:
    """Where the value of this parameter was given: its option, or `room_size of --profile fanout`."""
    context = click.get_current_context()
    if context.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
        return f"{name} of --profile {context.params['profile']}"
    return all_parameters()[name].option
