"""What the locustfile does about the server of a run: starts it, samples it, looks at what it keeps.

Imported by `load/swarm.py` before it adds listeners of its own: a server that the run starts must be there
when the locustfile looks for one. Left out: what the users do (`load.scenarios`).
"""

from __future__ import annotations

import atexit
import sys
from typing import Any

import gevent
import locust
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from load.running.scenario_arguments import options_of
from load.scenarios import SCENARIOS, ParameterError, Scenario
from load.servers.owned_server import OwnedServer, OwnedServerError
from load.servers.placement import parse_urls
from load.watching.locating import NONE, locate, parse_server_pids
from load.watching.reported_cpu import ReportedCpu
from load.watching.run_watch import RunWatch
from load.watching.sampling import Counts, ServerSampler
from load.watching.server_state import ServerWatch
from sioprobe.locusts.statistics import LocustStatistics

__all__ = ["attach_sampling", "attach_scenario", "begin_sampling", "found_of"]


class Run:
    """What this process holds of the run that is on."""

    server: OwnedServer | None = None
    watch: RunWatch | None = None
    sampled: ServerSampler | None = None
    telling: ReportedCpu | None = None
    scenario: Scenario | None = None


@locust.events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_arguments(parser: Any) -> None:
    """The option for a server of this run's own."""
    parser.add_argument(
        "--server-command",
        default="",
        metavar="COMMAND",
        include_in_web_ui=False,
        help="start the server at --host by this command and end it afterwards;"
        " with --drop server a storm restarts it",
    )


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def start_server(environment: Environment, **_: Any) -> None:
    """Start the server, where that was asked for; what is wrong with that is one line."""
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or not options.server_command:
        return
    try:
        if isinstance(environment.runner, MasterRunner) and getattr(options, "drop", "") == "server":
            raise OwnedServerError("--server-command restarts the server for a load of one process only")
        Run.server = OwnedServer(options.server_command, environment.host or "")
        # After everything else, the last look at the server included.
        atexit.register(stop_server)
        Run.server.start()
    except OwnedServerError as error:
        stop_server()
        print(f"locust: error: {error}", file=sys.stderr)
        sys.exit(2)


def stop_server() -> None:
    """End the server of this run."""
    server, Run.server = Run.server, None
    if server is not None:
        server.stop()


def attach_scenario(environment: Environment, scenario: Scenario) -> None:
    """Let a scenario's state travel with the statistics, and a storm restart the server where we own it."""
    Run.scenario = scenario
    LocustStatistics.of(environment).scenario_state = scenario.state
    if hasattr(scenario, "restart_server") and isinstance(environment.runner, LocalRunner):
        server = Run.server
        if server is not None:
            scenario.restart_server = lambda: gevent.spawn(_restart, server).ready


def _restart(server: OwnedServer) -> None:
    try:
        server.restart()
    except OwnedServerError as error:
        print(f"locust: error: {error}", file=sys.stderr)


@locust.events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def hold(environment: Environment, **_: Any) -> None:
    """Look at the server while all users are there: before the statistics let operations come to rest."""
    if Run.sampled is not None:
        Run.sampled.hold()
    if Run.watch is not None:
        Run.watch.hold()


def attach_sampling(environment: Environment) -> None:
    """Have the samples of each test told when all users are there, and end when operations are at rest."""
    environment.events.test_stopping.add_listener(end_sampling)
    environment.events.spawning_complete.add_listener(lambda **_: all_connected(environment))


def begin_sampling(environment: Environment) -> None:
    """Look at the server and sample it from now on, before there is any user."""
    options = environment.parsed_options
    urls = parse_urls(environment.host or "", options.urls)
    try:
        asked = parse_server_pids(options.server_pid or ())
    except ValueError:
        asked = NONE  # told already, by problem_of
    server = ServerWatch(urls, locate(urls, asked))
    Run.scenario = None
    Run.sampled = ServerSampler(
        server,
        counts=lambda: counts_of(environment),
        exact=not isinstance(environment.runner, MasterRunner),
    )
    # First: the look asks the server, which may hold a file for that a little longer.
    Run.sampled.start()
    Run.watch = RunWatch(SCENARIOS[options.scenario], server)
    Run.telling = None
    if environment.web_ui is not None:
        if not Run.sampled.sampling:
            Run.telling = ReportedCpu(urls)
        share = Run.sampled.share if Run.telling is None else Run.telling.share
        LocustStatistics.of(environment).server_cpu = share


def counts_of(environment: Environment) -> Counts:
    """What is counted at this moment, without taking it from those who carry it to Locust."""
    statistics, runner = LocustStatistics.of(environment), environment.runner
    played = SCENARIOS[environment.parsed_options.scenario]
    if isinstance(runner, MasterRunner):
        connections = runner.user_count
        published = sum(state["ledger"]["published"] for state in statistics.states() if state["ledger"])
    else:
        connections = len(statistics.engine.connections)
        published = Run.scenario.published if Run.scenario is not None else 0
    if played.operation is None:
        return Counts(connections)
    series = statistics.recorder.series(*played.operation)
    statistics.recorder.enter_held_back()
    operations = series.total.timed + series.recent.timed
    return Counts(connections, operations, operations * played.messages_per_operation + published)


def all_connected(environment: Environment) -> None:
    """Every user was spawned."""
    if Run.sampled is not None:
        Run.sampled.all_connected(reset=environment.reset_stats)


def end_sampling(environment: Environment, **_: Any) -> None:
    """Operations have come to rest, and connections are still there."""
    if Run.sampled is not None:
        Run.sampled.finish()
        LocustStatistics.of(environment).extras["server"] = Run.sampled.result


@locust.events.test_stop.add_listener  # type: ignore[untyped-decorator]
def stop_asking(environment: Environment, **_: Any) -> None:
    """With a web page, a test may be followed by another."""
    if Run.telling is not None:
        Run.telling.close()


def found_of(environment: Environment) -> dict[str, Any] | None:
    """What the scenario found, once the last user has left. Waits for the cool-down where it has one."""
    watch = Run.watch
    if watch is None:
        return None
    statistics = LocustStatistics.of(environment)
    try:
        options = options_of(environment.parsed_options)
    except ParameterError:
        return None
    return watch.found([state.get("scenario") for state in statistics.states()], statistics.recorder, options)
