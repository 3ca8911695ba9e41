"""The locustfile: `locust -f load/swarm.py --host http://127.0.0.1:5000 --transport websocket`.

One Locust user is one connection. Works headless and with the web page, alone, with `--processes` and with
workers elsewhere. At the end it prints figures of its own, in microseconds, and a verdict on the generator.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

# Locust puts this file's folder first on the path and takes entry 0 away afterwards: hence entry 1.
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

# Locust patches the process, and so comes before everything that opens a socket.
import locust
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from locust import User, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from load.running import lifecycle  # isort: skip - first: its server must be there when ours is looked for
from load.running import closing, shaping
from load.running.locustfile_options import (
    add_swarm_options,
    block_request,
    played_options,
    problem_of,
    problem_with_connection,
)
from load.running.scenario_arguments import problem_with_arguments
from load.scenarios import SCENARIOS, ParameterError, Player, Scenario, make_scenario
from load.servers.placement import Placement, PlacementError, check_addresses, parse_addresses, parse_urls
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.engine import Connection, SwarmError, Target
from sioprobe.locusts.statistics import LocustStatistics
from sioprobe.measured.summary import render

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
    shaping: shaping.Shaping | None = None


locust.events.init_command_line_parser.add_listener(add_swarm_options)


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
    lifecycle.attach_sampling(environment)
    problem = problem_with_arguments(options) or Swarm.shaping.problem() or problem_with_connection(options)
    if problem is None and options.headless:
        problem = problem_of(environment.host, options)
    if problem is not None:
        print(f"locust: error: {problem}", file=sys.stderr)
        if isinstance(environment.runner, MasterRunner):
            dismiss_workers(environment, options.expect_workers if options.processes else 0)
        sys.exit(2)
    Swarm.shaping.attach()
    if options.headless:
        users, rate = Swarm.shaping.peak()
        closing.attach(environment, block_request(options, rate), users)


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
            problem = problem_of(environment.host, options)
            if problem is not None:
                environment.runner.log_exception("local", problem, "")
                print(f"locust: error: {problem}", file=sys.stderr)
        lifecycle.begin_sampling(environment)
    if isinstance(environment.runner, MasterRunner):
        # With the next message to the workers, which do not know of each other.
        options.sioprobe_workers = environment.runner.worker_count
        return
    statistics.engine.start()
    try:
        total_rate = Swarm.shaping.total_rate if Swarm.shaping is not None else None
        scenario = make_scenario(options.scenario, statistics.engine, played_options(options, total_rate))
        scenario.auth = ConnectionOptions.of(options).auth
    except (ParameterError, OptionError) as error:
        # Only the web page can say such a thing; the users then wait for the next start.
        if is_worker(environment):
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
    connection = ConnectionOptions.of(options)
    urls = parse_urls(environment.host or "", options.urls)
    targets = [Target.from_url(url, connection.path, **connection.target_arguments()) for url in urls]
    if isinstance(runner, WorkerRunner):
        return Placement(targets, addresses, runner.worker_index, getattr(options, "sioprobe_workers", 1))
    return Placement(targets, addresses)


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


@locust.events.test_stop.add_listener  # type: ignore[untyped-decorator]
def tell_after_test(environment: Environment, **_: Any) -> None:
    """With a web page, a test may be followed by another."""
    options = environment.parsed_options
    if not options.headless:
        if not isinstance(environment.runner, WorkerRunner):
            try:
                block = block_request(options)
            except ParameterError:
                return  # told when it was started: nothing was played
            closing.calibrate(environment, block, environment.runner.target_user_count)
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
        except (SwarmError, OptionError, PlacementError) as error:
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
