"""A run of `load/swarm.py`, from begin to end: what happens at each event of Locust, and in which order.

Read it from top to bottom. `sioprobe.locusts.attachment` listens to Locust and calls one method for each
event. The steps themselves are in the modules beside this one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import gevent
from locust.env import Environment
from locust.runners import STATE_CLEANUP, STATE_INIT, STATE_STOPPED, STATE_STOPPING
from msgspec.structs import replace

from load.blocks.calibration import NoFloor, floor_of_run
from load.running.child import WARNING
from load.running.locustfile_options import (
    block_request,
    operation_of,
    problem_of,
    problem_with_connection,
)
from load.running.outcome import exit_code, hints, thresholds_of, waits_for_server
from load.running.play import Play
from load.running.scenario_arguments import problem_with_arguments
from load.running.server_of_run import ServerOfRun
from load.running.stage_counts import StageCounts
from load.scenarios import ParameterError
from load.servers.owned_server import OwnedServerError
from sioprobe.commandline.connection_options import OptionError
from sioprobe.locusts.attachment import Attachment
from sioprobe.locusts.conductor import Conductor
from sioprobe.locusts.reports import Played
from sioprobe.measured.rendering import render
from sioprobe.measured.summary import Around
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import write_load
from sioprobe.results.loads import Floor, RunResult

__all__ = ["Director"]

DISMISS_DEADLINE = 10.0


class Director(Conductor):
    """One for each Locust environment: `Director.of(environment)`. `play` is None if nothing is played."""

    @classmethod
    def of(cls, environment: Environment) -> Director:
        """The director of the environment. The first call makes it, and from then on it conducts."""
        attachment = Attachment.of(environment) or Attachment(environment, cls)
        if not isinstance(attachment.conductor, Director):
            # The run has another locustfile, with `SocketIOUser`s, and that one came first.
            attachment.conductor = cls(attachment)
        return attachment.conductor

    def __init__(self, attachment: Attachment) -> None:
        super().__init__(attachment)
        self.play: Play | None = None
        self._server = ServerOfRun(attachment)
        self._stages = StageCounts(attachment)
        self._found: dict[str, Any] | None = None
        self._floor: Floor | None = None
        self._calibration: str | None = None
        self._warnings: list[str] = []

    # Before the first test

    def prepare(self) -> None:
        """Start the server of the run, refuse what cannot be played, and measure the generator's floor."""
        self._stages.listen()
        if self.attachment.is_worker:
            return
        options = self.environment.parsed_options
        try:
            self._server.start()
        except OwnedServerError as error:
            self._refuse(str(error))
        problem = problem_with_arguments(options) or self._stages.problem()
        if problem is None:
            users = self._stages.peak()[0] if options.headless else 0
            problem = problem_with_connection(options, users)
        if problem is None and options.headless:
            problem = problem_of(self.environment.host, options, self._warn)
        if problem is not None:
            self._refuse(problem)
        self._stages.offer_shapes()
        if options.headless:
            self._calibrate(*self._stages.peak())

    def _warn(self, line: str) -> None:
        """Say at once what will go wrong, and keep it for the result."""
        if line not in self._warnings:
            self._warnings.append(line)
            print(f"{WARNING}{line}", file=sys.stderr, flush=True)

    def _refuse(self, problem: str) -> NoReturn:
        """End with one line. Tell the workers to quit, or they look for their master for a minute."""
        print(f"locust: error: {problem}", file=sys.stderr)
        if self.attachment.is_master:
            options, runner = self.environment.parsed_options, self.environment.runner
            expected = options.expect_workers if options.processes else 0
            attached = self.attachment.reports.attached
            end = time.monotonic() + DISMISS_DEADLINE
            # A worker that hears it before it is complete never ends.
            while time.monotonic() < end and not (
                len(runner.clients) >= expected and attached.issuperset(runner.clients)
            ):
                gevent.sleep(0.05)
            runner.quit()
        sys.exit(2)

    def _calibrate(self, users: int, total_rate: float | None) -> None:
        """If `--calibrate` asks for it, measure the floor of the generator, or keep why there is none."""
        options = self.environment.parsed_options
        if not options.calibrate:
            return
        self._floor = self._calibration = None
        workers = options.expect_workers if self.attachment.is_master else 1
        try:
            self._floor = floor_of_run(block_request(options, total_rate), users, workers)
        except NoFloor as why:
            self._calibration = str(why)

    # A test, in this order

    def test_starts(self) -> None:
        """Before there is any user."""
        self._found = None
        self._stages.begin()
        if not self.attachment.is_worker:
            self._look_at_server()
        played = Played(operation=operation_of(self.environment.parsed_options))
        if not self.attachment.is_master:
            played = self._make_play() or played
        self.attachment.begin(played)

    def _look_at_server(self) -> None:
        options = self.environment.parsed_options
        if not options.headless:
            # The web page may have changed the options.
            self._warnings.clear()
            problem = problem_of(self.environment.host, options, self._warn)
            if problem is not None:
                self.environment.runner.log_exception("local", problem, "")
                print(f"locust: error: {problem}", file=sys.stderr)
        self._server.begin()

    def _make_play(self) -> Played | None:
        self.attachment.engine.start()
        try:
            self.play = Play(self.environment, self.attachment.engine, self._stages.total_rate)
        except (ParameterError, OptionError) as error:
            # Only the web page can ask for such a thing. The users then wait for the next start.
            if self.attachment.is_worker:
                print(f"locust: error: argument {error}", file=sys.stderr)
            self.play = None
            return None
        self._stages.set_rate = self.play.scenario.set_total_rate
        self._server.follow(self.play.scenario)
        return self.play.played()

    def users_are_there(self) -> None:
        """All users are spawned. With `--reset-stats` Locust begins to count anew."""
        super().users_are_there()
        self._server.all_connected()

    def test_is_stopping(self) -> None:
        """All users are still there."""
        self._server.hold()
        self.attachment.come_to_rest()
        self._server.finish()
        self._stages.leave()

    def test_stops(self) -> None:
        """No user is left. With a web page another test may follow, so print this one now."""
        self.attachment.end()
        self._server.stop_asking()
        if self.attachment.is_worker or self.environment.parsed_options.headless:
            return
        if self.play is None and not self.attachment.is_master:
            return  # `test_starts` has said why nothing was played
        try:
            self._calibrate(self.environment.runner.target_user_count, None)
        except ParameterError:
            return  # `test_starts` has printed it: nothing was played
        self._tell()

    # The process quits

    def test_is_over(self) -> None:
        """The process quits. Locust has stopped the test of a master, and makes the exit code after this."""
        runner, options = self.environment.runner, self.environment.parsed_options
        judged = options.headless and not self.attachment.is_worker
        if judged and runner.state not in (STATE_INIT, STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED):
            # A signal came in the middle of a test: what is under way counts too.
            runner.stop()
        self.attachment.close()
        if judged and self.environment.process_exit_code is None:
            if waits_for_server(options.fail_if):
                self._found = self._server.found()
            code = exit_code(self._conclusion())
            if code == 1:
                self.environment.process_exit_code = options.exit_code_on_error
            elif code or not runner.exceptions:
                self.environment.process_exit_code = code

    def says_goodbye(self) -> None:
        """The figures come last, after Locust's own."""
        headless = self.environment.parsed_options.headless and not self.attachment.is_worker
        if headless and not self._tell():
            sys.exit(2)  # Locust has made its exit code already

    # Between workers and master

    def reports_to_master(self, data: dict[str, Any]) -> None:
        """This worker reports: once a second, and when its master asks."""
        super().reports_to_master(data)
        self._stages.write(data)

    def worker_reports(self, client_id: str, data: dict[str, Any]) -> None:
        """A worker of this master has reported."""
        super().worker_reports(client_id, data)
        self._stages.read(client_id, data)

    # What comes of it

    def _tell(self) -> bool:
        """Print the result, after the cool-down of the server. To stderr, because stdout may hold JSON.

        False if --summary-json could not be written.
        """
        self._found = self._server.found()
        result = self._conclusion()
        print(render(result), file=sys.stderr, flush=True)
        file = self.environment.parsed_options.summary_json
        if file:
            try:
                write_load(Path(file), result)
            except ResultFileError as error:
                print(f"locust: error: --summary-json {error}", file=sys.stderr)
                return False
        return True

    def _conclusion(self) -> RunResult:
        """The result with its thresholds."""
        result = self.result()
        return replace(
            result,
            thresholds=thresholds_of(result, self.environment.parsed_options.fail_if),
            notes=[*self._warnings, *result.notes, *hints(result)],
        )

    def result(self) -> RunResult:
        """The figures so far."""
        options, sampled = self.environment.parsed_options, self._server.sampled
        server = sampled.figures if sampled is not None else None
        return self.attachment.result(
            Around(
                url=self.environment.host,
                transport=options.transport,
                scenario=options.scenario,
                floor=self._floor,
                calibration=self._calibration,
                found=self._found,
                stages=self._stages.figures(server),
                server=server,
                server_unseen=sampled.unseen if sampled is not None else None,
                server_cpu_share=self._server.share(),
                beside=not self.attachment.is_master,
            )
        )
