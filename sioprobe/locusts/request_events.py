"""`--sio-events`: whether listeners of Locust's `events.request` are called for each operation.

Locust's own statistics do not need that: they get the recorder's counts once a second. A plugin that listens,
for a time series database for example, does. `fire` calls such listeners, `batch` never does, and `auto` does
if there is one when the test starts. A greenlet of their own calls them in order, so they may block. Locust's
own listener is left out, or Locust would count everything twice.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import gevent
import locust
from gevent.event import Event
from gevent.lock import RLock
from locust.env import Environment
from locust.event import EventHook
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

from sioprobe.commandline.choices import one_of
from sioprobe.engine.errors import SwarmError
from sioprobe.locusts.private_parts import listeners_of
from sioprobe.measured.recorder import Recorder, Series

__all__ = ["MODES", "RequestEvents"]

MODES = ("auto", "fire", "batch")


class RequestEvents:
    """Calls the listeners of one environment: `begin` with each test, `drain` at its end."""

    def __init__(self, environment: Environment, recorder: Recorder) -> None:
        self._environment = environment
        self._recorder = recorder
        self._hook = EventHook()
        self._waiting: deque[tuple[str, str, float | None, str | None, float]] = deque()
        self._some = Event()
        self._turn = RLock()
        self._asleep = True
        self._greenlet: Any = None

    @property
    def active(self) -> bool:
        """Whether listeners are called."""
        return self._recorder.sink is not None

    def begin(self) -> None:
        """A test begins: look who listens now, and what the command line says."""
        mode = getattr(self._environment.parsed_options, "sio_events", MODES[0])
        listeners = list(listeners_of(self._environment.events.request))
        self._hook = EventHook()
        for listener in listeners:
            self._hook.add_listener(listener)
        if mode == "fire" or (mode == "auto" and listeners):
            self._recorder.set_sink(self._take)
            if self._greenlet is None:
                self._greenlet = gevent.spawn(self._run)
        else:
            self._recorder.set_sink(None)

    def _take(self, series: Series, us: float | None, kind: str | None) -> None:
        # This runs on the hub, where a listener could not block.
        self._waiting.append((series.type, series.name, us, kind, time.time()))
        if self._asleep:
            self._asleep = False
            self._some.set()

    def _run(self) -> None:
        while True:
            self._asleep = True
            self._some.wait()
            self._some.clear()
            self.drain()

    def drain(self) -> None:
        """Tell the listeners of everything that has happened so far."""
        # One at a time: while a listener blocks, the next operation waits.
        with self._turn:
            while self._waiting:
                self._tell(*self._waiting.popleft())

    def _tell(self, type: str, name: str, us: float | None, kind: str | None, ended: float) -> None:
        try:
            self._hook.fire(
                request_type=type,
                name=name,
                response_time=None if us is None else us / 1000,
                response_length=0,
                exception=None if kind is None else SwarmError(kind),
                context={},
                start_time=ended - (us or 0.0) / 1e6,
                url=None,
                response=None,
            )
        except StopTest:
            if self._environment.runner is not None:
                gevent.spawn(self._environment.runner.quit)
        except (StopUser, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet):
            pass  # these stop the task that did the operation, but that task has gone on


@locust.events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_argument(parser: Any) -> None:
    parser.add_argument(
        "--sio-events",
        type=one_of("mode", MODES),
        choices=MODES,
        default=MODES[0],
        help="call listeners of events.request for each Socket.IO operation (fire), never (batch), "
        "or where there is one beside Locust's own (auto)",
    )
