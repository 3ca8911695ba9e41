"""The options of `load/swarm.py`, what is wrong with those that were given, and what is played by them."""

from __future__ import annotations

from typing import Any

from load.running import closing, shaping
from load.running.scenario_arguments import add_scenario_arguments, options_of
from load.scenarios import SCENARIOS, Options, ParameterError, check_transport, make_options
from load.servers.placement import PlacementError, parse_addresses, parse_urls, problem_with_server
from load.watching.locating import parse_server_pids
from sioprobe.commandline.connection_options import (
    ConnectionOptions,
    OptionError,
    add_connection_options,
    read_files,
)
from sioprobe.commandline.nearest import one_of
from sioprobe.engine import TRANSPORTS

__all__ = [
    "add_swarm_options",
    "block_request",
    "played_options",
    "problem_of",
    "problem_with_connection",
]


def add_swarm_options(parser: Any) -> None:
    """Add the swarm's own options, and those of all scenarios; the web page shows them too."""
    # Not in an argument group: the web page shows what is added to the parser itself.
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
    add("--urls", default="", metavar="URL,URL", help="further servers, over which users are spread evenly")
    add(
        "--source-addresses",
        default="",
        metavar="FROM-TO",
        help="local addresses to connect from in turn (127.0.0.1-127.0.0.8, or a list with commas):"
        " each has 28,000 ports to a server",
    )
    add_connection_options(add, include_in_web_ui=False)
    add(
        "--server-pid",
        action="append",
        metavar="PID",
        include_in_web_ui=False,
        help="process of the server to sample with its children, repeatable; auto (the default) finds what"
        " listens at the port of a server on this host, none samples nothing",
    )
    shaping.add_arguments(parser)
    closing.add_arguments(parser)
    add(
        "--summary-json",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help="also write the figures at the end to this file, as JSON",
    )
    add_scenario_arguments(parser)


def problem_with_connection(options: Any) -> str | None:
    """One line about headers and the like, or None; what files hold takes the place of their names.

    Workers get the options of their master, which are then without names of files.
    """
    try:
        vars(options).update(read_files(options))
        ConnectionOptions.of(options)
    except OptionError as error:
        return str(error)
    return None


def problem_of(host: str | None, options: Any) -> str | None:
    """One line about the server that was named, or None."""
    if not host:
        return "--host is missing: the server's URL, such as http://127.0.0.1:5000"
    try:
        namespace = str(played_options(options, None).namespace)
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
        problem = problem_with_server(
            url,
            transport=options.transport,
            namespace=namespace,
            connection=connection,
        )
        if problem is not None:
            return problem
    return None


def block_request(options: Any, total_rate: float | None = None) -> dict[str, Any]:
    """The same play as a block, to be calibrated."""
    played = {"transport": options.transport, "scenario": options.scenario}
    return {**played, **played_options(options, total_rate)}


def played_options(options: Any, total_rate: float | None) -> Options:
    """The scenario's parameters, at a shape's rate where it has one. Raises ParameterError."""
    check_transport(options.scenario, options.transport)
    played = options_of(options)
    if total_rate is None:
        return played
    return make_options(options.scenario, {**played, "rate": 0.0, "total_rate": total_rate})
