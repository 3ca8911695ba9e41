"""The locustfile: `locust -f load/swarm.py --host http://127.0.0.1:5000 --transport websocket`.

One Locust user is one connection. Works headless and with the web page, alone, with `--processes` and with
workers elsewhere. At the end it prints figures of its own, in microseconds, and a verdict on the generator.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Locust puts this file's folder first on the path and takes entry 0 away afterwards: hence entry 1.
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

# Locust patches the process, and so comes before everything that opens a socket.
import locust
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from locust import User, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from load import lifecycle  # isort: skip - first: its server must be there when ours is looked for
from load import closing, shaping
from load.arguments import add_scenario_arguments, options_of, problem_with_arguments
from load.connection_options import add_connection_options, target_options
from load.locating import NONE, parse_server_pids
from load.metrics import server_metrics
from load.names import nearest
from load.placement import Placement, PlacementError, check_addresses, parse_addresses, parse_urls
from load.scenarios import (
    SCENARIOS,
    Options,
    ParameterError,
    Player,
    Scenario,
    make_options,
    make_scenario,
)
from load.server_cpu import TellingServers
from load.server_side import Counts, ServerSide
from sioprobe.swarm import TRANSPORTS, Connection, SwarmError, Target
from sioprobe.swarm.check import problem_with
from sioprobe.swarm.locust_statistics import LocustStatistics
from sioprobe.swarm.summary import render

REST_DEADLINE = 3.0
CLOSE_DEADLINE = 3.0
DISMISS_DEADLINE = 10.0
RECONNECT_SECONDS = 1.0


class Swarm:
    """What the users of this process share while one test runs."""

    scenario: Scenario | None = None
    placement: Placement | None = None
    placing = BoundedSemaphore(1)
    transport = "websocket"
    rss_before: int | None = None
    server: ServerSide | None = None
    shaping: shaping.Shaping | None = None
    telling: TellingServers | None = None


def choice(name: str, choices: tuple[str, ...]) -> Any:
    """An argparse type that names the nearest valid value."""

    def convert(value: str) -> str:
        if value in choices:
            return value
        near = nearest(value, choices)
        hint = f"the nearest is {near!r}; " if near else ""
        raise argparse.ArgumentTypeError(f"unknown {name} {value!r} ({hint}valid are {', '.join(choices)})")

    return convert


@locust.events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_arguments(parser: Any) -> None:
    """The swarm's own options, and those of all scenarios; the web page shows them too."""
    # Not in an argument group: the web page shows what is added to the parser itself.
    add = parser.add_argument
    scenarios = tuple(SCENARIOS)
    add(
        "--transport",
        type=choice("transport", TRANSPORTS),
        choices=TRANSPORTS,
        default="websocket",
        help="polling, websocket, or upgrade (from polling to websocket)",
    )
    add(
        "--scenario",
        type=choice("scenario", scenarios),
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
    add("--path", default="/socket.io/", help="path of the server's Socket.IO endpoint")
    add_connection_options(add)
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


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def attach(environment: Environment, **_: Any) -> None:
    """Bind the statistics; headless, refuse a server that is none, before anything starts."""
    LocustStatistics.of(environment)
    Swarm.shaping = shaping.Shaping(environment)
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner):
        Swarm.shaping.attach()
        return
    # After those of the statistics, which let operations come to rest and reset counts.
    environment.events.test_stopping.add_listener(finish_server_side)
    environment.events.spawning_complete.add_listener(lambda **_: all_connected(environment))
    problem = problem_with_arguments(options) or Swarm.shaping.problem()
    if problem is None and options.headless:
        problem = problem_of(environment)
    if problem is not None:
        print(f"locust: error: {problem}", file=sys.stderr)
        if isinstance(environment.runner, MasterRunner):
            dismiss_workers(environment, options.expect_workers if options.processes else 0)
        sys.exit(2)
    Swarm.shaping.attach()
    if options.headless:
        users, rate = Swarm.shaping.peak()
        closing.attach(environment, block_request(options, rate), users)


def block_request(options: Any, total_rate: float | None = None) -> dict[str, Any]:
    """The same play as a block, to be calibrated."""
    played = {"transport": options.transport, "scenario": options.scenario}
    return {**played, **played_options(options, total_rate)}


def played_options(options: Any, total_rate: float | None) -> Options:
    """The scenario's parameters, at a shape's rate where it has one. Raises ParameterError."""
    played = options_of(options)
    if total_rate is None:
        return played
    return make_options(options.scenario, {**played, "rate": 0.0, "total_rate": total_rate})


def dismiss_workers(environment: Environment, expected: int) -> None:
    """Tell the workers to quit, or they look for their master for a minute."""
    runner, attached = environment.runner, LocustStatistics.of(environment).attached
    end = time.monotonic() + DISMISS_DEADLINE
    # One that is told before it is complete hears it and never ends.
    while (
        len(runner.clients) < expected or not attached.issuperset(runner.clients)
    ) and time.monotonic() < end:
        Event().wait(0.05)
    runner.quit()


def problem_of(environment: Environment) -> str | None:
    """One line about the server that was named, or None."""
    options = environment.parsed_options
    if not environment.host:
        return "--host is missing: the server's URL, such as http://127.0.0.1:5000"
    try:
        namespace = str(options_of(options).namespace)
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
        how = target_options(options)
    except SwarmError as error:
        return error.detail
    for url in parse_urls(environment.host, options.urls):
        if urlsplit(url if "//" in url else f"//{url}").path.strip("/"):
            return f"{url} has a path; give that of the Socket.IO endpoint with --path"
        problem = problem_with(
            url, transport=options.transport, namespace=namespace, path=options.path, how=how
        )
        if problem is not None:
            return problem
    return None


@locust.events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: Any) -> None:
    """Make the scenario with the options of this start; the web page may have changed them."""
    options = environment.parsed_options
    statistics = LocustStatistics.of(environment)
    statistics.operation = SCENARIOS[options.scenario].operation
    statistics.extras = {
        "transport": options.transport,
        "scenario": options.scenario,
        "url": environment.host,
    }
    if not is_worker(environment):
        if not options.headless:
            problem = problem_of(environment)
            if problem is not None:
                environment.runner.log_exception("local", problem, "")
                print(f"locust: error: {problem}", file=sys.stderr)
        begin_server_side(environment)
        if environment.web_ui is not None:
            Swarm.telling = TellingServers(parse_urls(environment.host or "", options.urls))
            statistics.server_cpu = Swarm.telling.share
    if isinstance(environment.runner, MasterRunner):
        # With the next message to the workers, which do not know of each other.
        options.sioprobe_workers = environment.runner.worker_count
        return
    statistics.engine.start()
    try:
        total_rate = Swarm.shaping.total_rate if Swarm.shaping is not None else None
        scenario = make_scenario(options.scenario, statistics.engine, played_options(options, total_rate))
    except ParameterError as error:
        # Only the web page can say such a thing; the users then wait for the next start.
        print(f"locust: error: argument {error}", file=sys.stderr)
        Swarm.scenario = Swarm.placement = None
        return
    scenario.processes = max(1, getattr(options, "sioprobe_workers", 1))
    Swarm.scenario, Swarm.transport, Swarm.placement = scenario, options.transport, None
    if Swarm.shaping is not None:
        Swarm.shaping.set_rate = scenario.set_total_rate
    statistics.ledger = scenario.ledger
    statistics.schedule = scenario.schedule
    statistics.timed_between = scenario.timed_between
    lifecycle.attach_scenario(environment, scenario)
    statistics.halt = lambda: come_to_rest(scenario)


def place(environment: Environment) -> Target:
    """Where the next user of this process goes. Raises SwarmError and PlacementError."""
    # Names are looked up meanwhile, and every user comes here at once.
    with Swarm.placing:
        if Swarm.placement is None:
            Swarm.placement = make_placement(environment)
    return Swarm.placement.next()


def make_placement(environment: Environment) -> Placement:
    """Of the options; a worker takes its part of the swarm."""
    options, runner = environment.parsed_options, environment.runner
    addresses = parse_addresses(options.source_addresses)
    check_addresses(addresses)
    how = target_options(options)
    urls = parse_urls(environment.host or "", options.urls)
    targets = [Target.from_url(url, options.path, **how) for url in urls]
    if isinstance(runner, WorkerRunner):
        return Placement(targets, addresses, runner.worker_index, getattr(options, "sioprobe_workers", 1))
    return Placement(targets, addresses)


def begin_server_side(environment: Environment) -> None:
    """Sample the server from now on, before there is any user."""
    options = environment.parsed_options
    try:
        asked = parse_server_pids(options.server_pid or ())
    except ValueError:
        asked = NONE  # told already, by problem_of
    Swarm.server = ServerSide(
        parse_urls(environment.host or "", options.urls),
        asked,
        counts=lambda: counts_of(environment),
        exact=not isinstance(environment.runner, MasterRunner),
    )
    # Of a server whose processes are not seen, what it says itself.
    told = options.scenario == "idle" and not Swarm.server.sampling
    Swarm.rss_before = server_rss(environment) if told else None
    Swarm.server.start()


def counts_of(environment: Environment) -> Counts:
    """What is counted at this moment, without taking it from those who carry it to Locust."""
    statistics, runner = LocustStatistics.of(environment), environment.runner
    played = SCENARIOS[environment.parsed_options.scenario]
    if isinstance(runner, MasterRunner):
        connections = runner.user_count
        published = sum(state["ledger"]["published"] for state in statistics.states() if state["ledger"])
    else:
        connections = len(statistics.engine.connections)
        published = Swarm.scenario.published if Swarm.scenario is not None else 0
    if played.operation is None:
        return Counts(connections)
    series = statistics.recorder.series(*played.operation)
    statistics.recorder.enter_held_back()
    operations = series.total.timed + series.recent.timed
    return Counts(connections, operations, operations * played.messages_per_operation + published)


def all_connected(environment: Environment) -> None:
    """Every user was spawned."""
    if Swarm.server is not None:
        Swarm.server.all_connected(reset=environment.reset_stats)


def finish_server_side(environment: Environment, **_: Any) -> None:
    """Operations have come to rest, and connections are still there."""
    if Swarm.server is not None:
        Swarm.server.finish()
        LocustStatistics.of(environment).extras["server"] = Swarm.server.result


def is_worker(environment: Environment) -> bool:
    """Whether this process is a worker; one that joins a test is told to start before it has a runner."""
    return bool(environment.parsed_options.worker)


def come_to_rest(scenario: Scenario) -> None:
    """Start nothing new, wait for what is under way, close the accounts."""
    scenario.halt()
    end = time.monotonic() + REST_DEADLINE
    pause = Event()
    while not scenario.at_rest and time.monotonic() < end:
        pause.wait(0.01)
    scenario.settle()


def server_rss(environment: Environment) -> int | None:
    """The server's memory in bytes, where it tells."""
    metrics = server_metrics(environment.host or "")
    rss = metrics.get("rss_bytes") if metrics is not None else None
    return rss if isinstance(rss, int) else None


@locust.events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def weigh(environment: Environment, **_: Any) -> None:
    """Idle: what a connection cost the server, while all are still there."""
    runner = environment.runner
    if Swarm.rss_before is None or isinstance(runner, WorkerRunner) or not runner.user_count:
        return
    after = server_rss(environment)
    if after is not None:
        LocustStatistics.of(environment).extras["server_bytes_per_connection"] = (
            after - Swarm.rss_before
        ) / runner.user_count


@locust.events.test_stop.add_listener  # type: ignore[untyped-decorator]
def tell_after_test(environment: Environment, **_: Any) -> None:
    """With a web page, a test may be followed by another."""
    if Swarm.telling is not None:
        Swarm.telling.close()
    options = environment.parsed_options
    if not options.headless:
        if not isinstance(environment.runner, WorkerRunner):
            closing.calibrate(environment, block_request(options), environment.runner.target_user_count)
        tell(environment)


@locust.events.quitting.add_listener  # type: ignore[untyped-decorator]
def tell_at_end(environment: Environment, **_: Any) -> None:
    """Headless, the figures come last, after Locust's own."""
    if environment.parsed_options.headless:
        environment.events.quit.add_listener(lambda **_: tell(environment))


def summary_of(environment: Environment) -> dict[str, Any]:
    """All that is said of the run."""
    summary = closing.conclude(environment)
    if Swarm.shaping is not None:
        summary["stages"] = Swarm.shaping.figures(summary.get("server"))
    return summary


def tell(environment: Environment) -> None:
    """Print the summary to stderr: stdout may be Locust's own JSON."""
    if isinstance(environment.runner, WorkerRunner):
        return
    options = environment.parsed_options
    found = lifecycle.found_of(environment)
    if found is not None:
        LocustStatistics.of(environment).extras["found"] = found
    summary = summary_of(environment)
    print(render(summary), file=sys.stderr, flush=True)
    if options.summary_json:
        Path(options.summary_json).write_text(json.dumps(summary) + "\n", encoding="utf-8")


class SwarmUser(User):  # type: ignore[misc]
    """One connection that plays the scenario until it is stopped; a lost one is opened again after 1 s."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._player: Player | None = None
        self._closed = Event()
        self._target: Target | None = None

    @task  # type: ignore[untyped-decorator]
    def play(self) -> None:
        """Open a connection, play, and wait until it is closed."""
        while Swarm.scenario is None or self.environment.runner is None:
            self._closed.wait(0.05)
        scenario = Swarm.scenario
        statistics = LocustStatistics.of(self.environment)
        try:
            self._target = self._target or place(self.environment)
        except (SwarmError, PlacementError) as error:
            # Counted, because a worker's stderr is not where anybody looks.
            statistics.recorder.series("SIO connect", Swarm.transport).error(str(error))
            self._closed.wait()
            return
        self._closed.clear()
        connection = Connection(statistics.engine, self._target, Swarm.transport)
        self._player = scenario.player(connection, self._changed)
        self._player.open()
        self._closed.wait()
        Event().wait(RECONNECT_SECONDS)

    def _changed(self, player: Player) -> None:
        if player.state == "ready":
            player.begin()
        elif player.state == "closed":
            self._closed.set()

    def on_stop(self) -> None:
        """Leave in order."""
        if self._player is None:
            return
        # Also where its connection was lost: it has no place in a schedule or a room any more.
        lost = self._player.state == "closed"
        self._player.leave()
        if not lost:
            self._closed.wait(CLOSE_DEADLINE)
