"""What the users of one process share while a test runs: the scenario, and the target of each user."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore
from locust.env import Environment
from locust.runners import WorkerRunner

from load.running.locustfile_options import played_options
from load.scenarios import make_scenario
from load.servers.placement import Placement, check_addresses, parse_addresses, parse_urls
from load.servers.user_lines import Seat, UserLines
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.engine import Engine, Target
from sioprobe.locusts.reports import Played

__all__ = ["Play"]

REST_DEADLINE = 3.0


class Play:
    """Made of the options at the start of a test. Raises ParameterError and OptionError."""

    def __init__(self, environment: Environment, engine: Engine, total_rate: float | None) -> None:
        options = environment.parsed_options
        self._environment = environment
        self._placing = BoundedSemaphore(1)
        self._placement: Placement | None = None
        self._played = Played()
        self._lines: UserLines | None = None
        self.transport: str = options.transport
        self.scenario = make_scenario(options.scenario, engine, played_options(options, total_rate))
        self.scenario.processes = processes = _processes(options)
        runner = environment.runner
        if isinstance(runner, WorkerRunner):
            self.scenario.numbering = (max(0, runner.worker_index), processes)

    def place(self) -> Seat:
        """The seat of the next user of this process. Raises SwarmError, OptionError and PlacementError."""
        # All users come here at once, and looking up a name lets others run.
        with self._placing:
            if self._placement is None or self._lines is None:
                self._lines = UserLines(ConnectionOptions.of(self._environment.parsed_options), self._share)
                self._placement = self._make_placement()
        # A user without a line takes no place.
        line = self._lines.take()
        return self._lines.seat(self._placement.next(), line)

    def _share(self, lines: int) -> Sequence[int]:
        """Which of so many lines the users of this process take, each one."""
        options, runner = self._environment.parsed_options, self._environment.runner
        if not isinstance(runner, WorkerRunner):
            return range(lines)
        order = getattr(options, "sioprobe_order", [])
        if runner.client_id not in order:
            return ()  # it joined later, when all lines were given out
        # Locust gives users to its workers in this order, and begins again.
        return range(order.index(runner.client_id), lines, len(order))

    def _make_placement(self) -> Placement:
        options, runner = self._environment.parsed_options, self._environment.runner
        addresses = parse_addresses(options.source_addresses)
        check_addresses(addresses)
        connection = ConnectionOptions.of(options)
        urls = parse_urls(self._environment.host or "", options.urls)
        how = {"auth": connection.auth, **connection.target_arguments()}
        targets = [Target.from_url(url, connection.path, **how) for url in urls]
        if isinstance(runner, WorkerRunner):
            return Placement(targets, addresses, runner.worker_index, _processes(options))
        return Placement(targets, addresses)

    def played(self) -> Played:
        """What to count of it, and how it comes to rest."""
        scenario = self.scenario
        self._played = Played(
            operation=scenario.operation,
            ledger=scenario.ledger,
            schedule=scenario.schedule,
            timed_between=scenario.timed_between,
            halt=self._come_to_rest,
            state=scenario.state,
        )
        return self._played

    def _come_to_rest(self) -> None:
        """Start nothing new, wait for what is under way, close the accounts."""
        self.scenario.halt()
        end = time.monotonic() + REST_DEADLINE
        while not self.scenario.at_rest and time.monotonic() < end:
            gevent.sleep(0.01)
        self._played.unanswered = self.scenario.without_answer
        self.scenario.settle()


def _processes(options: Any) -> int:
    """How many processes play. Workers do not know each other: their master tells them."""
    return max(1, getattr(options, "sioprobe_workers", 1))
