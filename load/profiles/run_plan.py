"""A profile of `sioprobe load`: one run, read from TOML.

    title = "rooms of twenty"

    [load]
    scenario = "fanout"
    transport = "websocket"
    users = 100
    seconds = 20
    room_size = 20        # the scenario's parameters are keys of the same table
    auth = "@token.json"  # as --auth, a file beside the profile. Or a table, [load.auth]

Each key may be left out. An option of the command line wins over a key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from load.profiles.reading import ProfileError, check_keys, read_document
from load.scenarios import SCENARIOS, Options, ParameterError, all_parameters, make_options
from sioprobe.commandline.auth_payload import AuthError, parse_auth, read_text
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.commandline.nearest import unknown
from sioprobe.commandline.user_lines import is_of_users
from sioprobe.engine import TRANSPORTS

__all__ = ["RunPlan", "read_run_plan"]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """`users` connections for `seconds`. `parameters` holds those of the scenario that were given."""

    title: str = ""
    scenario: str = "ack"
    transport: str = "websocket"
    users: int = 50
    seconds: float = 10
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    parameters: Mapping[str, Any] = field(default_factory=dict)


OWN_KEYS = ("scenario", "transport", "users", "seconds")
CONNECTION_KEYS = ("path", "auth", "max_packets_per_post")


def read_run_plan(name: str) -> RunPlan:
    """The profile of that name, or of that path to a TOML file. Raises ProfileError."""
    document, place = read_document(name, compares=False)
    check_keys(document, ("title", "load"), place)
    section = document.get("load")
    if not isinstance(section, dict):
        raise ProfileError(f"{place}: needs a table [load]")
    place = f"{place}: load"
    check_keys(section, (*OWN_KEYS, *CONNECTION_KEYS, *all_parameters()), place)
    plan = RunPlan(
        title=str(document.get("title", name)),
        connection=_connection(section, Path(name).parent, place),
        parameters={key: value for key, value in section.items() if key in all_parameters()},
        **{key: value for key, value in section.items() if key in OWN_KEYS},
    )
    options = _checked(plan, place)
    return replace(plan, parameters={name: options[name] for name in plan.parameters})


def _connection(section: dict[str, Any], folder: Path, place: str) -> ConnectionOptions:
    shown = {key: section[key] for key in CONNECTION_KEYS if key in section}
    try:
        if is_of_users(str(shown.get("auth"))):
            raise AuthError(f"{shown['auth']} has a line for each user: give it with --auth")
        if isinstance(shown.get("auth"), str):
            shown["auth"] = parse_auth(read_text(shown["auth"], folder))
        return ConnectionOptions.from_json(shown)
    except AuthError as error:
        raise ProfileError(f"{place}: auth {error}") from None
    except OptionError as error:
        raise ProfileError(f"{place}: {error}") from None


def _checked(plan: RunPlan, place: str) -> Options:
    for key, value, valid in (
        ("scenario", plan.scenario, tuple(SCENARIOS)),
        ("transport", plan.transport, TRANSPORTS),
    ):
        if value not in valid:
            raise ProfileError(f"{place}: {unknown(key, value, valid)}")
    if type(plan.users) is not int or plan.users < 1:
        raise ProfileError(f"{place}: users = {plan.users!r} is not a whole number from 1")
    if type(plan.seconds) not in (int, float) or not 1 <= plan.seconds < math.inf:
        raise ProfileError(f"{place}: seconds = {plan.seconds!r} is not a number from 1")
    try:
        return make_options(plan.scenario, plan.parameters)
    except ParameterError as error:
        raise ProfileError(f"{place}: {error}") from None
