"""What the options of the command line make of a profile: other arms, another load; and the command again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from load.blocks.request import TASKS
from load.comparing.arms import arm_of_option, unique, without_folders
from load.comparing.axes import COMPARED
from load.comparing.connecting import CONNECTING_KEYS
from load.comparing.plan import Profile, check_load
from load.running.parameter_options import (
    checked_parameters,
    scenario_option,
    scenario_options,
    take_parameters,
)
from load.scenarios import SCENARIOS, all_parameters, words_of
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_arguments import connection_options, packing_option
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.help_pages import HOW_MUCH, WHAT, option
from sioprobe.commandline.numbers import Number, WholeNumber
from sioprobe.engine import TRANSPORTS

__all__ = ["COMPARED", "LoadOptions", "arm_options", "command_line", "load_options", "with_arms"]

NOT_SHOWN = {*CONNECTING_KEYS, "out", "fresh", "as_json"}
"""Options of which the report shows nothing, or what `ConnectionOptions.given` has."""
OF_LOAD = ("scenario", "locustfile", "transports", "users", "seconds", "rounds")


def arm_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name arms."""
    for add in reversed(
        (
            option(
                "--arm", "arms", group=COMPARED, multiple=True, metavar="ID",
                help="This server of the profile alone, repeatable.",
            ),
            option(
                "--arm-command", "arm_commands", group=COMPARED, multiple=True, metavar="NAME=COMMAND",
                help="An application of your own, repeatable: `chat=python app.py --port {port}`. {mode} in"
                " it makes an arm for threading, eventlet and gevent each. Without --arm such arms stand"
                " alone.",
            ),
            option(
                "--arm-url", "arm_urls", group=COMPARED, multiple=True, metavar="NAME=URL",
                help="A server that runs already, repeatable.",
            ),
            option(
                "--ready", group=COMPARED, metavar="READY|port|/PATH", default="",
                help="When a server of --arm-command is ready: its port accepts (the default), a path"
                " answers 2xx, or it prints a line READY {...}.",
            ),
        )
    ):  # fmt: skip
        command = add(command)
    return command


def load_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `sioprobe load` that a comparison has too; each stands above a key of the profile."""
    for add in reversed(
        (
            scenario_option(SCENARIOS, default=None),
            option(
                "--locustfile", group=WHAT, metavar="FILE", default=None,
                help="In place of a scenario: tasks of its SocketIOUser classes.",
            ),
            option(
                "--transport", "transports", group=WHAT, multiple=True, metavar="NAME",
                type=OneOf("transport", TRANSPORTS), help=f"{', '.join(TRANSPORTS)}; repeatable.",
            ),
            option("--users", group=HOW_MUCH, metavar="N", type=WholeNumber(1), help="Connections."),
            option("--seconds", group=HOW_MUCH, metavar="S", type=Number(0.2), help="Length of a block."),
            option(
                "--rounds", group=HOW_MUCH, metavar="N", type=WholeNumber(1),
                help="Passes over all servers.",
            ),
            connection_options,
            packing_option,
            scenario_options(SCENARIOS),
        )
    ):  # fmt: skip
        command = add(command)
    return command


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What was given of the options of the load; None or empty for what was not."""

    scenario: str | None
    locustfile: str | None
    transports: tuple[str, ...]
    users: int | None
    seconds: float | None
    rounds: int | None
    parameters: dict[str, Any]

    @classmethod
    def take(cls, given: dict[str, Any]) -> LoadOptions:
        """Take them out of the values of a command."""
        return cls(parameters=take_parameters(given), **{name: given.pop(name) for name in OF_LOAD})

    def over(self, profile: Profile) -> Profile:
        """The profile with these values. Raises UsageError."""
        load = profile.load
        if self.locustfile is not None:
            path = str(Path(self.locustfile).absolute())
            load = replace(load, locustfile=path, scenario=TASKS, parameters={})
        elif self.scenario is not None:
            load = replace(load, locustfile="")
        if load.locustfile and (self.scenario or self.parameters):
            also = all_parameters()[next(iter(self.parameters))].option if self.parameters else "--scenario"
            raise click.UsageError(f"locustfile and {also} say two different things")
        # Parameters of another scenario say nothing about this one.
        kept = load.parameters if self.scenario in (None, load.scenario) else {}
        scenario = self.scenario or load.scenario
        transports = tuple(dict.fromkeys(self.transports)) or load.transports
        load = replace(
            load,
            scenario=scenario,
            transports=transports,
            connections=self.users or load.connections,
            seconds=self.seconds or load.seconds,
            rounds=self.rounds or load.rounds,
            minimum_rounds=self.rounds or load.minimum_rounds,
        )
        if not load.locustfile:
            parameters = checked_parameters(scenario, transports, {**kept, **self.parameters})
            load = replace(load, parameters=parameters)
        check_load(load, "load")
        return replace(profile, load=load)


def with_arms(
    profile: Profile, arms: Sequence[str], commands: Sequence[str], urls: Sequence[str], ready: str
) -> Profile:
    """The profile with the arms that were named, and with applications of one's own. Raises ProfileError.

    Without a named arm, applications of one's own stand alone.
    """
    if ready and not commands:
        raise click.UsageError("--ready needs --arm-command")
    own = [arm for text in commands for arm in arm_of_option("--arm-command", text, ready)]
    own += [arm for text in urls for arm in arm_of_option("--arm-url", text)]
    kept = profile.only(arms).arms if arms else () if own else profile.arms
    return replace(profile, arms=unique((*kept, *own), "command line"))


def command_line(connection: ConnectionOptions) -> str:
    """This command in the report, which may be published: no path of this machine and no secret."""
    context = click.get_current_context()
    words = ["sioprobe", "compare"]
    for param in context.command.params:
        name = str(param.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE or name == "profile_name"
        if not given or name in NOT_SHOWN:
            continue
        value, flag = context.params[name], param.opts[0]
        if name in all_parameters():
            words += [
                part for word in words_of(take_parameters({name: value})) for part in word.split("=", 1)
            ]
        elif value is True:
            words.append(flag)
        else:
            several = value if isinstance(param, click.Option) and param.multiple else [value]
            words += [word for each in several for word in (flag, _shown(name, each))]
    return connection.redact(shlex.join([*words, *connection.given]))


def _shown(name: str, value: Any) -> str:
    if name in ("profile_name", "locustfile"):
        return Path(value).name
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else without_folders(str(value))
