"""The options of `load/swarm.py`: declare them, find what is wrong with them, and read what they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from load.running.fail_if import Condition, ConditionError
from load.running.scenario_arguments import add_scenario_arguments, options_of
from load.running.shape_stages import SHAPE_NAMES
from load.scenarios import SCENARIOS, Options, ParameterError, check_transport, make_options
from load.servers.message_sizes import problem_with_scenario
from load.servers.placement import PlacementError, parse_addresses, parse_urls
from load.watching.locating import SERVER_PID_HELP, parse_server_pids
from sioprobe.commandline.choices import one_of
from sioprobe.commandline.connection_arguments import add_connection_options, add_packing_option
from sioprobe.commandline.connection_options import (
    ConnectionOptions,
    OptionError,
    read_files,
)
from sioprobe.engine import TRANSPORTS

__all__ = [
    "add_swarm_options",
    "block_request",
    "operation_of",
    "played_options",
    "problem_of",
    "problem_with_connection",
]


def condition(text: str) -> str:
    """An argparse type: a condition that can be read, as text, for Locust sends options to its workers."""
    try:
        Condition.parse(text)
    except ConditionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def add_swarm_options(parser: Any) -> None:
    """Add the options of the swarm and of all scenarios. The web page shows them too."""
    # Not in an argument group: the web page shows only what the parser itself has.
    add = parser.add_argument
    scenarios = tuple(SCENARIOS)
    add(
        "--transport",
        type=one_of("transport", TRANSPORTS),
        choices=TRANSPORTS,
        default="websocket",
        help="polling, websocket, or upgrade (from polling to websocket)",
    )
    add(
        "--scenario",
        type=one_of("scenario", scenarios),
        choices=scenarios,
        default="ack",
        help="; ".join(f"{name}: {kind.title}" for name, kind in SCENARIOS.items()),
    )
    add("--urls", default="", metavar="URL,URL", help="more servers; the users are spread evenly over all")
    add(
        "--source-addresses",
        default="",
        metavar="FROM-TO",
        help="local addresses to connect from in turn: 127.0.0.1-127.0.0.8, or a list with commas."
        " Each gives 28,000 ports to a server",
    )
    add_connection_options(add, per_user=True, include_in_web_ui=False)
    add_packing_option(add, include_in_web_ui=False)
    add(
        "--server-pid",
        action="append",
        metavar="PID",
        include_in_web_ui=False,
        help=SERVER_PID_HELP[0].lower() + SERVER_PID_HELP[1:],
    )
    add("--shape", default="", metavar="NAME", help="load over time: " + ", ".join(SHAPE_NAMES))
    add("--shape-users", default="", metavar="N,N", help="users of each level of the shape")
    add("--shape-rate", default="", metavar="R,R", help="total rate of each level, operations a second")
    add("--shape-seconds", default="", metavar="S,S", help="length of each stage, or one for all")
    add(
        "--server-command",
        default="",
        metavar="COMMAND",
        include_in_web_ui=False,
        help="start the server at --host by this command and end it afterwards;"
        " with --drop server a storm restarts it",
    )
    add(
        "--fail-if",
        action="append",
        default=[],
        type=condition,
        metavar="CONDITION",
        include_in_web_ui=False,
        help="exit code 3 (errors: 1) when this holds at the end, such as 'p99>50ms', 'reach<100%%',"
        " 'rate<1000/s' or, with churn, 'memory_per_life>10KB'; repeatable",
    )
    add(
        "--calibrate",
        action="store_true",
        include_in_web_ui=False,
        help="measure the generator's own floor against the null server beforehand (takes 3 s)",
    )
    add(
        "--summary-json",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help="write the figures to this file as JSON when the run ends",
    )
    add_scenario_arguments(parser)


def problem_with_connection(options: Any, users: int) -> str | None:
    """One line about headers and the like, or None. Replaces the names of files by what the files hold.

    Workers get the options of their master, and have none of its files. `users` is how many there will be at
    most, or 0 if nobody knows.
    """
    try:
        vars(options).update(read_files(options))
        ConnectionOptions.of(options).check_users(users)
    except OptionError as error:
        return str(error)
    return None


def problem_of(host: str | None, options: Any, warn: Callable[[str], None]) -> str | None:
    """One line about the server that was named, or None. `warn` is called with what is no problem yet."""
    if not host:
        return "--host is missing: the server's URL, such as http://127.0.0.1:5000"
    try:
        played = played_options(options, None)
    except ParameterError as error:
        return f"argument {error}"
    try:
        parse_server_pids(options.server_pid or ())
    except ValueError as error:
        return str(error)
    try:
        parse_addresses(options.source_addresses)
    except PlacementError as error:
        return f"--source-addresses: {error}"
    try:
        connection = ConnectionOptions.of(options)
    except OptionError as error:
        return str(error)

    for url in parse_urls(host, options.urls):
        problem = problem_with_scenario(
            url, options.scenario, played, transport=options.transport, connection=connection, warn=warn
        )
        if problem is not None:
            return problem
    return None


def block_request(options: Any, total_rate: float | None = None) -> dict[str, Any]:
    """The block that calibrates this run: the same scenario with the same parameters."""
    played = {"transport": options.transport, "scenario": options.scenario}
    return {**played, **played_options(options, total_rate)}


def operation_of(options: Any) -> tuple[str, str] | None:
    """Type and name of the series that counts the operations of this run."""
    kind = SCENARIOS[options.scenario]
    try:
        return kind.operation_of(options_of(options))
    except ParameterError:  # only the web page can ask for such a thing, and nothing is played then
        return kind.operation


def played_options(options: Any, total_rate: float | None) -> Options:
    """The scenario's parameters, with the rate of a shape if it has one. Raises ParameterError."""
    check_transport(options.scenario, options.transport)
    played = options_of(options)
    if total_rate is None:
        return played
    return make_options(options.scenario, {**played, "rate": 0.0, "total_rate": total_rate})
