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
from locust import User, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from load.metrics import server_metrics
from load.names import nearest
from load.placement import Placement, PlacementError, check_addresses, parse_addresses, parse_urls
from load.scenarios import SCENARIOS, Options, Player, Scenario, make_scenario
from load.server_cpu import TellingServers
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
    transport = "websocket"
    rss_before: int | None = None
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


def number(kind: type, least: float) -> Any:
    """An argparse type for a number from `least` on."""

    def convert(value: str) -> Any:
        try:
            result = kind(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{value!r} is not a number") from None
        if not least <= result < float("inf"):
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return result

    return convert


@locust.events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def add_arguments(parser: Any) -> None:
    """The swarm's own options; the web page shows them too."""
    # Not in an argument group: the web page shows what is added to the parser itself.
    add = parser.add_argument
    scenarios = tuple(SCENARIOS)
    defaults = Options()
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
        help="what each user does: ack (emit, wait for the ack), fanout (rooms), idle",
    )
    add("--urls", default="", metavar="URL,URL", help="further servers, over which users are spread evenly")
    add(
        "--source-addresses",
        default="",
        metavar="FROM-TO",
        help="local addresses to connect from in turn (127.0.0.1-127.0.0.8, or a list with commas):"
        " each has 28,000 ports to a server",
    )
    add("--namespace", default=defaults.namespace, help="Socket.IO namespace, / for the main one")
    add("--path", default="/socket.io/", help="path of the server's Socket.IO endpoint")
    add(
        "--payload-bytes",
        type=number(int, 0),
        default=defaults.payload_bytes,
        help="length of the text that each message carries",
    )
    add("--room-size", type=number(int, 1), default=defaults.room_size, help="fanout: members of a room")
    add(
        "--rate",
        type=number(float, 0),
        default=defaults.rate,
        help="operations a second, per connection (ack) or room (fanout); 0: the next follows the last",
    )
    add(
        "--summary-json",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help="also write the figures at the end to this file, as JSON",
    )


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def attach(environment: Environment, **_: Any) -> None:
    """Bind the statistics; headless, refuse a server that is none, before anything starts."""
    LocustStatistics.of(environment)
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or not options.headless:
        return
    problem = problem_of(environment)
    if problem is not None:
        print(f"locust: error: {problem}", file=sys.stderr)
        if isinstance(environment.runner, MasterRunner):
            dismiss_workers(environment.runner, options.expect_workers if options.processes else 0)
        sys.exit(2)


def dismiss_workers(runner: MasterRunner, expected: int) -> None:
    """Tell the workers to quit, or they look for their master for a minute."""
    end = time.monotonic() + DISMISS_DEADLINE
    while len(runner.clients) < expected and time.monotonic() < end:
        Event().wait(0.05)
    runner.quit()


def problem_of(environment: Environment) -> str | None:
    """One line about the server that was named, or None."""
    options = environment.parsed_options
    if not environment.host:
        return "--host is missing: the server's URL, such as http://127.0.0.1:5000"
    if not options.namespace.startswith("/"):
        return (
            f"--namespace {options.namespace!r} does not start with '/'; did you mean '/{options.namespace}'?"
        )
    try:
        parse_addresses(options.source_addresses)
    except PlacementError as error:
        return f"--source-addresses: {error}"
    for url in parse_urls(environment.host, options.urls):
        if urlsplit(url if "//" in url else f"//{url}").path.strip("/"):
            return f"{url} has a path; give that of the Socket.IO endpoint with --path"
        problem = problem_with(
            url, transport=options.transport, namespace=options.namespace, path=options.path
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
    if not isinstance(environment.runner, WorkerRunner):
        if not options.headless:
            problem = problem_of(environment)
            if problem is not None:
                environment.runner.log_exception("local", problem, "")
                print(f"locust: error: {problem}", file=sys.stderr)
        if environment.web_ui is not None:
            Swarm.telling = TellingServers(parse_urls(environment.host or "", options.urls))
            statistics.server_cpu = Swarm.telling.share
        Swarm.rss_before = server_rss(environment) if options.scenario == "idle" else None
    if isinstance(environment.runner, MasterRunner):
        return
    statistics.engine.start()
    scenario = make_scenario(
        options.scenario,
        statistics.engine,
        Options(
            namespace=options.namespace,
            payload_bytes=options.payload_bytes,
            room_size=options.room_size,
            rate=options.rate,
        ),
    )
    Swarm.scenario, Swarm.transport, Swarm.placement = scenario, options.transport, None
    statistics.ledger = scenario.ledger
    statistics.halt = lambda: come_to_rest(scenario)
    try:
        Swarm.placement = placement_of(environment)
    except (SwarmError, PlacementError) as error:
        print(f"locust: error: {error}", file=sys.stderr)
        # A worker's stderr is not where anybody looks: its master shall count it.
        statistics.recorder.series("SIO connect", options.transport).error(str(error))


def placement_of(environment: Environment) -> Placement:
    """Where the users of this process go. Raises SwarmError and PlacementError."""
    options, runner = environment.parsed_options, environment.runner
    addresses = parse_addresses(options.source_addresses)
    check_addresses(addresses)
    urls = parse_urls(environment.host or "", options.urls)
    targets = [Target.from_url(url, options.path) for url in urls]
    if isinstance(runner, WorkerRunner):
        return Placement(targets, addresses, runner.worker_index, getattr(options, "sioprobe_workers", 1))
    return Placement(targets, addresses)


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
    if not environment.parsed_options.headless:
        tell(environment)


@locust.events.quitting.add_listener  # type: ignore[untyped-decorator]
def tell_at_end(environment: Environment, **_: Any) -> None:
    """Headless, the figures come last, after Locust's own."""
    if environment.parsed_options.headless:
        environment.events.quit.add_listener(lambda **_: tell(environment))


def tell(environment: Environment) -> None:
    """Print the summary to stderr: stdout may be Locust's own JSON."""
    if isinstance(environment.runner, WorkerRunner):
        return
    options = environment.parsed_options
    summary = LocustStatistics.of(environment).summary()
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
        scenario, placement = Swarm.scenario, Swarm.placement
        if scenario is None or placement is None:
            self._closed.wait()
            return
        if self._target is None:
            self._target = placement.next()
        self._closed.clear()
        connection = Connection(LocustStatistics.of(self.environment).engine, self._target, Swarm.transport)
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
        if self._player is not None and self._player.state != "closed":
            self._player.leave()
            self._closed.wait(CLOSE_DEADLINE)
