"""What a run does with its server: start it, sample it, look at what it keeps.

This happens in the process where the figures come together: the only one, or the master.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any

import gevent
from locust.runners import LocalRunner

from load.playing.players import Scenario
from load.running.locustfile_options import operation_of
from load.running.scenario_arguments import options_of
from load.scenarios import SCENARIOS, ParameterError
from load.servers.owned_server import OwnedServer, OwnedServerError
from load.servers.placement import parse_urls
from load.watching.locating import NONE, locate, parse_server_pids
from load.watching.reported_cpu import ReportedCpu
from load.watching.run_watch import RunWatch
from load.watching.sampling import Counts, ServerSampler
from load.watching.server_state import ServerWatch
from sioprobe.locusts.attachment import Attachment
from sioprobe.locusts.clock import clock_id, host_name
from sioprobe.locusts.reports import REPORT_SECONDS

__all__ = ["ServerOfRun"]


class ServerOfRun:
    """`start` it once. For each test: `begin`, `all_connected`, `hold`, `finish`, and `found` at the end."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._environment = attachment.environment
        self._owned: OwnedServer | None = None
        self._watch: RunWatch | None = None
        self._telling: ReportedCpu | None = None
        self._scenario: Scenario | None = None
        self.sampled: ServerSampler | None = None

    def start(self) -> None:
        """Start the server if there is a `--server-command`. Raises OwnedServerError."""
        options = self._environment.parsed_options
        if not options.server_command:
            return
        if self._attachment.is_master and getattr(options, "drop", "") == "server":
            raise OwnedServerError("--server-command restarts the server for a load of one process only")
        self._owned = OwnedServer(options.server_command, self._environment.host or "")
        # At the very end, after the last look at the server.
        atexit.register(self._owned.stop)
        self._owned.start()

    def begin(self) -> None:
        """Look at the server and sample it from now on, before there is any user."""
        options = self._environment.parsed_options
        urls = parse_urls(self._environment.host or "", options.urls)
        try:
            asked = parse_server_pids(options.server_pid or ())
        except ValueError:
            asked = NONE  # problem_of has printed it
        server = ServerWatch(urls, locate(urls, asked))
        self._scenario = self._telling = None
        self.sampled = ServerSampler(
            server,
            counts=self._counts,
            exact=not self._attachment.is_master,
            generators=self._generators,
        )
        # First, because the look asks the server, which may keep a file open for that.
        self.sampled.start()
        kind = SCENARIOS[options.scenario]
        age = REPORT_SECONDS if self._attachment.is_master else 0.0
        self._watch = RunWatch(kind, server, self._states, states_age=age)
        if self._environment.web_ui is not None and not self.sampled.sampling:
            self._telling = ReportedCpu(urls)

    def follow(self, scenario: Scenario) -> None:
        """Count what the scenario publishes. A storm may restart the server if we started it."""
        self._scenario = scenario
        owned, alone = self._owned, isinstance(self._environment.runner, LocalRunner)
        if owned is not None and alone and hasattr(scenario, "restart_server"):
            scenario.restart_server = lambda: gevent.spawn(_restart, owned).ready

    def all_connected(self) -> None:
        """All users are spawned."""
        if self.sampled is not None:
            self.sampled.all_connected(reset=self._environment.reset_stats)

    def hold(self) -> None:
        """Look at the server while all users are there, before operations come to rest."""
        if self.sampled is not None:
            self.sampled.hold()
        if self._watch is not None:
            self._watch.hold()

    def finish(self) -> None:
        """Operations have come to rest, and connections are still there."""
        if self.sampled is not None:
            self.sampled.finish(everybody=not self._attachment.reports.arrivals().outside)

    def stop_asking(self) -> None:
        """No user is left."""
        if self._telling is not None:
            self._telling.close()

    def share(self) -> float | None:
        """The share of a core that the server used lately, for the web page. None if that is not known."""
        if self._environment.web_ui is None or self.sampled is None:
            return None
        return self.sampled.share() if self._telling is None else self._telling.share()

    def found(self) -> dict[str, Any] | None:
        """What the scenario found, when the last user has left. Waits for the cool-down if there is one."""
        if self._watch is None:
            return None
        try:
            options = options_of(self._environment.parsed_options)
        except ParameterError:
            return None
        states = [state.scenario for state in self._attachment.reports.states()]
        return self._watch.found(states, self._attachment.engine.recorder, options)

    def _states(self) -> list[dict[str, Any] | None]:
        """The state of the scenario in each process, as far as it is known during the run."""
        if self._attachment.is_master:
            return [state.scenario for state in self._attachment.reports.states()]
        return [self._scenario.state()] if self._scenario is not None else []

    def _generators(self) -> set[int] | None:
        """The processes of this host that make the load; None while a worker has not reported yet."""
        here = {os.getpid()}
        if self._attachment.is_master:
            states = self._attachment.reports.states()
            if len(states) < self._environment.runner.worker_count:
                return None
            for state in states:
                if state.clock == clock_id():
                    if state.host != host_name():
                        # In a container of its own: its process has another id here.
                        return None
                    here.add(state.pid)
        return here

    def _counts(self) -> Counts:
        """The counts at this moment. They stay where they are, for Locust's statistics."""
        attachment, options = self._attachment, self._environment.parsed_options
        if attachment.is_master:
            states = attachment.reports.states()
            connections = sum(state.connections for state in states)
            published = sum(state.ledger.published for state in states if state.ledger is not None)
            published += sum((state.scenario or {}).get("published", 0) for state in states)
        else:
            connections = attachment.engine.connected
            published = self._scenario.published if self._scenario is not None else 0
        operation, each = operation_of(options), SCENARIOS[options.scenario].messages_per_operation
        if operation is None:
            # A scenario without messages of its own leaves them unknown.
            return Counts(connections, None, published if each else None)
        recorder = attachment.engine.recorder
        series = recorder.series(*operation)
        recorder.enter_held_back()
        operations = series.timed
        return Counts(connections, operations, operations * each + published)


def _restart(server: OwnedServer) -> None:
    try:
        server.restart()
    except OwnedServerError as error:
        print(f"locust: error: {error}", file=sys.stderr)
