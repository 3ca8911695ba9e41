"""The options that `sioprobe load`, `capacity` and `survey` share, and the plan that they make."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import click
from click.core import ParameterSource

from load.profiles.reading import ProfileError, built_in_profiles
from load.profiles.run_plan import RunPlan, read_run_plan
from load.running.fail_if import Condition, ConditionError
from load.running.scenario_arguments import default_of, defaults_of
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
from load.watching.locating import SERVER_PID_HELP, parse_server_pids
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.help_pages import HOW_MUCH, OUTPUT, VERDICT, WHAT, WHO, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.engine import TRANSPORTS

__all__ = [
    "DEFAULTS",
    "ParameterType",
    "calibrate_option",
    "checked_parameters",
    "conditions_of",
    "list_option",
    "moved",
    "origin_of",
    "plan_of",
    "processes_option",
    "profile_option",
    "scenario_option",
    "scenario_options",
    "server_pid_option",
    "take_parameters",
    "transport_option",
    "url_option",
    "users_option",
]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

DEFAULTS = RunPlan()


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


class _ScenarioName(OneOf):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "all":
            raise click.UsageError("--scenario all: use 'sioprobe survey --url URL'")
        return super().convert(value, param, ctx)


def conditions_of(flag: str, texts: Iterable[str]) -> tuple[Condition, ...]:
    """The conditions. Raises UsageError, which names the option."""
    try:
        return tuple(Condition.parse(text) for text in texts)
    except ConditionError as error:
        raise click.UsageError(f"{flag} {error}") from None


def _named(context: click.Context, option: click.Parameter, text: str) -> list[str]:
    urls = [url.strip() for url in text.split(",") if url.strip()]
    if not urls:
        raise click.UsageError("--url is empty: give the server's, such as http://127.0.0.1:5000")
    return urls


def _asked(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> str | tuple[int, ...]:
    try:
        return parse_server_pids(texts)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _use_profile(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Make the values of a profile the defaults of the other options."""
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
        **{
            name: [value] if all_parameters()[name].repeatable else value
            for name, value in plan.parameters.items()
        },
    }
    return name


def _list(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the scenarios with their parameters, and the profiles, and end."""
    if not wanted:
        return
    for name, scenario in SCENARIOS.items():
        click.echo(f"{name}: {scenario.title}")
        for parameter in scenario.parameters:
            limit = f", from {parameter.least:g}" if parameter.least is not None else ""
            unit = f" ({parameter.unit})" if parameter.unit else ""
            click.echo(
                f"  {parameter.option:<22} {parameter.help}{unit};"
                f" {parameter.kind}{limit}, default {default_of(parameter)}"
            )
    click.echo(f"profiles (--profile): {', '.join(built_in_profiles(compares=False)) or 'none'}")
    context.exit(0)


list_option = option(
    "--list",
    group=OUTPUT,
    is_flag=True,
    callback=_list,
    expose_value=False,
    is_eager=True,
    help="Print every scenario with its parameters, and the profiles.",
)
url_option = option(
    "--url",
    "urls",
    group=WHAT,
    metavar="URL",
    required=True,
    callback=_named,
    help="The server, such as http://127.0.0.1:5000; several with commas between.",
)
profile_option = option(
    "--profile",
    group=WHAT,
    metavar="NAME|FILE",
    is_eager=True,
    callback=_use_profile,
    help="Take what is not given here from a profile; `sioprobe load --list` names them.",
)
users_option = option(
    "--users",
    group=HOW_MUCH,
    metavar="N",
    type=WholeNumber(1),
    default=DEFAULTS.users,
    show_default=True,
    help="Connections.",
)
processes_option = option(
    "--processes",
    group=HOW_MUCH,
    metavar="N",
    type=WholeNumber(1),
    default=1,
    show_default=True,
    help="Processes of the generator.",
)
transport_option = option(
    "--transport",
    group=WHAT,
    metavar="NAME",
    type=OneOf("transport", TRANSPORTS),
    default=DEFAULTS.transport,
    show_default=True,
    help=f"{', '.join(TRANSPORTS[:-1])} or {TRANSPORTS[-1]} (from polling to websocket).",
)
calibrate_option = option(
    "--calibrate/--no-calibrate",
    group=VERDICT,
    default=True,
    show_default=True,
    help="Measure the generator's own floor against the null server (3 s).",
)


def server_pid_option(group: str = WHAT) -> Decorator:
    """`--server-pid`; the command gets what was asked for as `asked_pids`."""
    return option(
        "--server-pid",
        "asked_pids",
        group=group,
        multiple=True,
        metavar="PID",
        callback=_asked,
        help=f"{SERVER_PID_HELP}.",
    )


def scenario_option(names: Iterable[str], default: str | None = DEFAULTS.scenario) -> Decorator:
    """`--scenario`, whose help lists these names."""
    return option(
        "--scenario",
        group=WHAT,
        metavar="NAME",
        type=_ScenarioName("scenario", SCENARIOS),
        default=default,
        show_default=True,
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
            group, also = "Several scenarios", f"{', '.join(declared)}; "
        unit = f" ({parameter.unit})" if parameter.unit else ""
        text = f"{parameter.help}{unit}; {also}{defaults_of(parameter, declared)}."
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


def plan_of(connection: ConnectionOptions, **given: Any) -> RunPlan:
    """The plan that the options make, parameters of scenarios among them. Raises UsageError."""
    told = take_parameters(given)
    plan = RunPlan(connection=connection, parameters=told, **given)
    return replace(plan, parameters=checked_parameters(plan.scenario, [plan.transport], told))


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


def moved(command: str, *flags: str, takes_value: bool = False) -> Decorator:
    """Options that this command had once. Giving one ends in a line that names the command that has it."""

    def refuse(context: click.Context, option: click.Parameter, value: Any) -> None:
        if value not in (None, False):
            raise click.UsageError(f"{option.opts[0]}: use 'sioprobe {command} --url URL'")

    def add(decorated: Callable[..., Any]) -> Callable[..., Any]:
        for flag in flags:
            hide = option(
                flag,
                is_flag=not takes_value,
                hidden=True,
                expose_value=False,
                is_eager=True,
                callback=refuse,
            )
            decorated = hide(decorated)
        return decorated

    return add
