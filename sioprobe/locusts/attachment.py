"""What sioprobe attaches to a Locust environment. It listens once to each event, and calls its conductor.

The conductor takes the steps, which are here, in its order: `conductor.py` for a locustfile with
`SocketIOUser`s, `load/running/director.py` for `load/swarm.py`.
"""

from __future__ import annotations

import logging
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import gevent
from locust.env import Environment
from locust.event import EventHook
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from sioprobe.engine.hub import Engine
from sioprobe.engine.latecomers import give_up_latecomers
from sioprobe.locusts.garbage import spare_collector
from sioprobe.locusts.private_parts import (
    call_first,
    dispatch_order,
    forget_dispatcher,
    hears,
    report_each,
    send_report,
)
from sioprobe.locusts.reports import REPORT_SECONDS, Played, Reports
from sioprobe.locusts.request_events import RequestEvents
from sioprobe.locusts.statistics import LocustStatistics
from sioprobe.locusts.web_tab import add_tab
from sioprobe.locusts.workers import Workers
from sioprobe.measured.arrivals import ArrivalsWatch
from sioprobe.measured.summary import Around, summarise
from sioprobe.results.loads import Finding, RunResult

__all__ = ["Attachment", "Conducting"]

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
REST, HALT = "sioprobe_rest", "sioprobe_halt"
REST_DEADLINE, HALT_DEADLINE = 10.0, 15.0
"""The master waits so long, in seconds, for its workers to come to rest, and then for the end of their users
(and `--stop-timeout`)."""


class Conducting(Protocol):
    """A conductor: one method for each event of Locust. `conductor.py` says when each is called."""

    def test_starts(self) -> None: ...

    def users_are_there(self) -> None: ...

    def test_is_stopping(self) -> None: ...

    def test_stops(self) -> None: ...

    def test_is_over(self) -> None: ...

    def says_goodbye(self) -> None: ...

    def reports_to_master(self, data: dict[str, Any]) -> None: ...

    def worker_reports(self, client_id: str, data: dict[str, Any]) -> None: ...

    def result(self) -> RunResult: ...


class Attachment:
    """One for each Locust environment, which keeps it as its attribute `sioprobe`.

    `conductor` makes the conductor. Another may take its place before the first test.
    """

    @staticmethod
    def of(environment: Environment) -> Attachment | None:
        """What is attached to the environment; None if nothing is yet."""
        found: Attachment | None = getattr(environment, "sioprobe", None)
        return found

    def __init__(self, environment: Environment, conductor: Callable[[Attachment], Conducting]) -> None:
        # The event too: `SocketIOClient` is made with it, as that of contrib.
        environment.sioprobe = environment.events.request.sioprobe = self
        self.environment = environment
        self.engine = Engine()
        self.statistics = LocustStatistics(environment, self.engine.recorder)
        self.reports = Reports(environment, self.engine, self.statistics)
        self.request_events = RequestEvents(environment, self.engine.recorder)
        self.conductor = conductor(self)
        self.started = self.ended = 0.0
        """Begin and end of the test, `monotonic`; 0 before."""
        self._quits = False
        self._looking: Any = None
        self._listen()

    def _listen(self) -> None:
        events = self.environment.events
        for event, listener in self._listeners():
            event.add_listener(listener)
        # In front of Locust's own listeners: those for reports empty the statistics and add them up, and
        # those for `quitting` stop the test. Also in front of a locustfile that prints at `test_stop`.
        call_first(events.report_to_master, lambda data, **_: self.conductor.reports_to_master(data))
        call_first(
            events.worker_report, lambda client_id, data, **_: self.conductor.worker_reports(client_id, data)
        )
        call_first(events.test_stop, lambda **_: self.conductor.test_stops())
        call_first(events.quitting, lambda **_: self.conductor.test_is_over())
        if self.environment.runner is not None:
            self._meet_runner()
        else:
            events.init.add_listener(lambda **_: self._meet_runner())

    def _listeners(self) -> list[tuple[EventHook, Callable[..., None]]]:
        events = self.environment.events
        return [
            (events.test_start, lambda **_: self.conductor.test_starts()),
            (events.spawning_complete, lambda **_: self.conductor.users_are_there()),
            (events.reset_stats, lambda **_: self.reset()),
            (events.test_stopping, lambda **_: self.conductor.test_is_stopping()),
            (events.quitting, lambda **_: self._quitting()),
        ]

    def _meet_runner(self) -> None:
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            report_each(REPORT_SECONDS)
            if not hears(runner, HALT):
                runner.register_message(REST, self._rest_for_master, concurrent=True)
                runner.register_message(HALT, self._halt_for_master, concurrent=True)
                # This tells the master at once that the worker is complete.
                send_report(runner)
        if self.environment.web_ui is not None:
            add_tab(self.environment.web_ui, lambda: self.conductor.result())

    def _quitting(self) -> None:
        # Added now, it is the last of all: others may print at the end too.
        self.environment.events.quit.add_listener(lambda **_: self.conductor.says_goodbye())
        self.leave()

    @property
    def played(self) -> Played:
        """What is played in this process."""
        return self.reports.played

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker. One that joins a running test starts before it has a runner."""
        return bool(getattr(self.environment.parsed_options, "worker", False))

    @property
    def is_master(self) -> bool:
        """Whether this process has workers."""
        return isinstance(self.environment.runner, MasterRunner)

    # The steps of a test, in the order in which they are taken

    def begin(self, played: Played | None = None) -> None:
        """A test starts: forget what was counted before, and name the test for the workers."""
        if played is not None:
            self.reports.played = played
        self.request_events.begin()
        self.engine.arrivals.reset()
        self.reset()
        spare_collector()
        self.reports.begin()
        runner, options = self.environment.runner, self.environment.parsed_options
        if isinstance(runner, MasterRunner):
            self.reports.workers = Workers(
                # Workers learn it from the options.
                uuid.uuid4().hex if options is not None else "",
                {client.id: runner.get_worker_index(client.id) for client in runner.clients.all},
            )
            if options is not None:
                # Locust sends the options to every worker, also to one that joins later.
                options.sioprobe_run = self.reports.workers.run
                options.sioprobe_workers = runner.worker_count
                options.sioprobe_order = dispatch_order(runner)
        self.engine.start()
        self.engine.reset_pulse()
        self._stop_looking()
        if not self.is_worker:
            self._looking = gevent.spawn(self._look_at_arrivals)

    def _stop_looking(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.kill()

    def _look_at_arrivals(self) -> None:
        """Say it once, while the run goes on, if users do not get in."""
        watch = ArrivalsWatch(self.reports.arrivals)
        while True:
            gevent.sleep(LOOK_SECONDS)
            line = watch.look()
            if line is not None:
                print(line, file=sys.stderr, flush=True)

    def reset(self) -> None:
        """Forget everything counted so far. Locust does the same at the same moments."""
        self.statistics.reset()
        self.started, self.ended = time.monotonic(), 0.0

    def come_to_rest(self) -> None:
        """The test is stopping: while all users are still there, let what is under way end, and count it."""
        runner = self.environment.runner
        self._stop_looking()
        if isinstance(runner, MasterRunner):
            self._halt_workers(runner)
            return
        if not self.reports.rested:
            self._rest(runner)
        self.ended = time.monotonic()

    def _rest(self, runner: Any) -> None:
        # The users of the test; soon there will be none.
        self.reports.users, self.reports.connections = runner.user_count, self.engine.connected
        halt, self.played.halt = self.played.halt, None
        if halt is not None:
            halt()
        give_up_latecomers(self.engine)
        self.statistics.flush()
        self.reports.rested = True

    def _rest_for_master(self, **_: Any) -> None:
        runner = self.environment.runner
        self._rest(runner)
        send_report(runner)

    def _halt_workers(self, runner: MasterRunner) -> None:
        """Have every worker stop its users and report for the last time, while the master still listens.

        First all of them come to rest: users that leave make room for those who wait, on another worker too.
        Locust's own master tells its workers to quit, and then takes reports for half a second only.
        """
        workers = self.reports.workers
        if runner.worker_count or self._quits:
            # Otherwise the test ends because the last worker has left.
            workers.stopping = time.monotonic()
        # If a worker is lost meanwhile, the others must not spawn its users.
        forget_dispatcher(runner)
        deadlines = {REST: REST_DEADLINE, HALT: HALT_DEADLINE + (self.environment.stop_timeout or 0)}
        for message, done in ((REST, workers.rested), (HALT, workers.halted)):
            end = time.monotonic() + deadlines[message]
            runner.send_message(message)
            while time.monotonic() < end:
                present = [client.id for client in runner.clients.all if client.state != STATE_MISSING]
                if done(present):
                    break
                gevent.sleep(0.05)
            # No load any more; the time in which users are stopped is no part of the test.
            self.ended = self.ended or time.monotonic()
        workers.over = True

    def _halt_for_master(self, **_: Any) -> None:
        self._report_for_the_last_time(self.environment.runner)

    def _report_for_the_last_time(self, runner: WorkerRunner) -> None:
        runner.stop()
        self.reports.end()
        send_report(runner)

    def end(self) -> None:
        """The test has stopped. Nothing counts any more; a worker sends its last report after this."""
        if isinstance(self.environment.runner, WorkerRunner):
            self.statistics.flush()
        else:
            self.reports.end()
        self.statistics.keep_csv()
        self.request_events.drain()

    def leave(self) -> None:
        """The process quits, and Locust has not stopped its test yet. A worker sends all that it counted."""
        self._quits = True
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner) and self.reports.run and not self.reports.final:
            self.reports.left = True
            self._report_for_the_last_time(runner)

    def close(self) -> None:
        """The process quits, after Locust has stopped its test."""
        self.request_events.drain()
        self.statistics.flush()
        self.statistics.keep_csv()
        if self.reports.workers.incomplete and self.environment.process_exit_code is None:
            self.environment.process_exit_code = 1
        for remark in self.reports.remarks():
            if isinstance(remark, Finding):
                logger.error(remark.reason)

    # What comes of it

    def result(self, around: Around = Around()) -> RunResult:  # noqa: B008 - frozen
        """The figures so far: those that Locust knows too, and nothing later."""
        seconds = max(0.0, (self.ended or time.monotonic()) - self.started) if self.started else 0.0
        return summarise(
            self.engine.recorder,
            self.reports.states(),
            seconds,
            self.played.operation,
            around,
            generators=self.reports.generators(),
            remarks=self.reports.remarks(),
        )
