"""The options of `sioprobe load` that the scenarios declare, and the plan that options and profile give."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from load.profiles.reading import ProfileError, built_in_profiles
from load.profiles.run_plan import RunPlan, read_run_plan
from load.running.scenario_arguments import help_of
from load.scenarios import SCENARIOS, Parameter, ParameterError, all_parameters, make_options
from load.survey.short_runs import ALL
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.nearest import nearest

__all__ = [
    "DEFAULTS",
    "Choice",
    "list_scenarios",
    "locust_arguments",
    "plan_of",
    "scenario_options",
    "use_profile",
]

DEFAULTS = RunPlan()


class Choice(click.ParamType[str]):
    """One of some names; a wrong one is answered with the nearest."""

    name = "name"

    def __init__(self, kind: str, names: tuple[str, ...]) -> None:
        self._kind = kind
        self._names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self._names:
            return str(value)
        near = nearest(value, self._names)
        hint = f"the nearest is {near!r}; " if near else ""
        raise click.UsageError(f"unknown {self._kind} {value!r} ({hint}valid are {', '.join(self._names)})")

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[" + "|".join(self._names) + "]"


class ParameterType(click.ParamType[Any]):
    """The value of a scenario's parameter."""

    name = "value"

    def __init__(self, parameter: Parameter) -> None:
        self._parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value  # of a profile, which is checked where it is read
        try:
            return self._parameter.parse(value)
        except ParameterError as error:
            raise click.UsageError(f"{self._parameter.option}: {error.problem}") from None

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "|".join(self._parameter.choices) or type(self._parameter.default).__name__.upper()


def scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command one option for each parameter of any scenario; what is not given is None."""
    for parameter in reversed(all_parameters().values()):
        option = click.option(parameter.option, type=ParameterType(parameter), help=help_of(parameter) + ".")
        command = option(command)
    return command


def use_profile(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Make the values of a profile the defaults of the other options: the callback of `--profile`, eager."""
    if name is None:
        return None
    try:
        plan = read_run_plan(name)
    except ProfileError as error:
        raise click.UsageError(f"--profile: {error}") from None
    auth = plan.connection.auth
    context.default_map = {
        **{key: getattr(plan, key) for key in ("scenario", "transport", "users", "seconds")},
        "path": plan.connection.path,
        **({"auth": json.dumps(auth)} if auth is not None else {}),
        **plan.parameters,
    }
    return name


def plan_of(given: dict[str, Any], connection: ConnectionOptions) -> RunPlan:
    """The plan that the options make; `given` has those of the plan and of scenarios. Raises UsageError."""
    parameters = {
        name: value for name, value in given.items() if name in all_parameters() and value is not None
    }
    rest = {name: value for name, value in given.items() if name not in all_parameters()}
    plan = RunPlan(connection=connection, parameters=parameters, **rest)
    try:
        make_options(plan.scenario, plan.parameters)
    except ParameterError as error:
        context = click.get_current_context()
        if context.get_parameter_source(error.name) is ParameterSource.DEFAULT_MAP:
            origin = f"{error.name} of --profile {context.params['profile']}"
        else:
            origin = all_parameters()[error.name].option
        raise click.UsageError(f"{origin}: {error.problem}") from None
    return plan


def locust_arguments(plan: RunPlan) -> list[str]:
    """The options of the locustfile for that plan."""
    arguments = ["--scenario", plan.scenario, "--transport", plan.transport]
    for name, value in plan.parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        # One word, or a text that begins with a dash would be taken for an option.
        arguments.append(f"{all_parameters()[name].option}={text}")
    return arguments


def list_scenarios(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the scenarios with their parameters, and the profiles, and end."""
    if not wanted:
        return
    for name, scenario in SCENARIOS.items():
        click.echo(f"{name}: {scenario.title}")
        for parameter in scenario.parameters:
            default = f"{parameter.default:g}" if parameter.kind == "number" else str(parameter.default)
            limit = f", from {parameter.least:g}" if parameter.least is not None else ""
            unit = f" ({parameter.unit})" if parameter.unit else ""
            click.echo(
                f"  {parameter.option:<22} {parameter.help}{unit}; {parameter.kind}{limit}, default {default}"
            )
    click.echo(f"{ALL}: each of them, some seconds each, and which are clean")
    click.echo(f"profiles (--profile): {', '.join(built_in_profiles(compares=False)) or 'none'}")
    context.exit(0)
