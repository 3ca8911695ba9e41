"""The options that `sioprobe load`, `capacity` and `survey` share, and the plan that they make."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import click

from load.profiles.reading import ProfileError, built_in_profiles
from load.profiles.run_plan import RunPlan, read_run_plan
from load.running.fail_if import Condition, ConditionError
from load.running.parameter_options import checked_parameters, take_parameters
from load.running.scenario_arguments import default_of
from load.scenarios import SCENARIOS, all_parameters
from load.watching.locating import SERVER_PID_HELP, parse_server_pids
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.help_pages import HOW_MUCH, OUTPUT, VERDICT, WHAT, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.engine import TRANSPORTS

__all__ = [
    "DEFAULTS",
    "calibrate_option",
    "check_conditions",
    "conditions_of",
    "list_option",
    "plan_of",
    "processes_option",
    "profile_option",
    "server_pid_option",
    "transport_option",
    "url_option",
    "users_option",
]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

DEFAULTS = RunPlan()


def conditions_of(flag: str, texts: Iterable[str]) -> tuple[Condition, ...]:
    """The conditions. Raises UsageError, which names the option."""
    try:
        return tuple(Condition.parse(text) for text in texts)
    except ConditionError as error:
        raise click.UsageError(f"{flag} {error}") from None


def check_conditions(flag: str, conditions: Iterable[Condition], scenario: str) -> None:
    """Raises UsageError for the first whose figure the scenario never has."""
    for condition in conditions:
        problem = condition.problem_with(scenario)
        if problem is not None:
            raise click.UsageError(f"{flag} {problem}")


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
        "max_packets_per_post": plan.connection.max_packets_per_post,
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
    help="Connections.",
)
processes_option = option(
    "--processes",
    group=HOW_MUCH,
    metavar="N",
    type=WholeNumber(1),
    default=1,
    help="Processes of the generator.",
)
transport_option = option(
    "--transport",
    group=WHAT,
    metavar="NAME",
    type=OneOf("transport", TRANSPORTS),
    default=DEFAULTS.transport,
    help=f"{', '.join(TRANSPORTS[:-1])} or {TRANSPORTS[-1]} (from polling to websocket).",
)
calibrate_option = option(
    "--calibrate/--no-calibrate",
    group=VERDICT,
    default=True,
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


def plan_of(connection: ConnectionOptions, **given: Any) -> RunPlan:
    """The plan that the options make, parameters of scenarios among them. Raises UsageError."""
    told = take_parameters(given)
    plan = RunPlan(connection=connection, parameters=told, **given)
    return replace(plan, parameters=checked_parameters(plan.scenario, [plan.transport], told))
