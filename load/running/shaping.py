"""Load shapes in the locustfile: their options, Locust's list of them, stages told to the workers.

The shape runs where Locust has it run: in the only process, or in the master. Each stage is told to the
workers, whose accounts of it come back with their reports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from load.running.shape_stages import ShapeError, Stage, check_rate
from load.running.shapes import SHAPES, planned
from sioprobe.locusts.statistics import LocustStatistics
from sioprobe.measured.recorder import Sample, Series
from sioprobe.measured.stages import StageAccount, StageAccounts, stage_figures

__all__ = ["Shaping", "add_arguments"]

STAGE, REPORT = "sioprobe_stage", "sioprobe_stages"


def add_arguments(parser: Any) -> None:
    """The options; the web page shows them too."""
    add = parser.add_argument
    add("--shape", default="", metavar="NAME", help="load over time: " + ", ".join(SHAPES))
    add("--shape-users", default="", metavar="N,N", help="users of each level of the shape")
    add("--shape-rate", default="", metavar="R,R", help="total rate of each level, operations a second")
    add("--shape-seconds", default="", metavar="S,S", help="length of each stage, or one for all")


class Shaping:
    """The shapes of one Locust environment; `attach` it once, in `init`."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._statistics = LocustStatistics.of(environment)
        self._accounts = StageAccounts()
        self._stages: list[Stage] = []
        self._of_workers: dict[str, dict[int, StageAccount]] = {}
        self.total_rate: float | None = None
        """Of all processes, operations a second; None where no shape has one."""
        self.set_rate: Callable[[float], None] | None = None
        """What the scenario of this test is told of a new rate."""
        self._said: tuple[int, float | None] | None = None

    def problem(self) -> str | None:
        """One line about the options, or None."""
        options = self._environment.parsed_options
        try:
            planned(options.shape, options)
            check_rate(options.shape_rate, options.scenario)
        except ShapeError as error:
            return str(error)
        return None

    def attach(self) -> None:
        """Offer the shapes to Locust, choose the one that was asked for, and hear what is counted."""
        environment, options = self._environment, self._environment.parsed_options
        runner = environment.runner
        self._statistics.heard = self._hear
        # In front of the locustfile's, which makes the scenario.
        environment.events.test_start._handlers.insert(0, self._begin)
        environment.events.test_stopping.add_listener(self._end)
        if isinstance(runner, WorkerRunner):
            runner.register_message(STAGE, self._told)
            environment.events.report_to_master.add_listener(self._report)
            return
        environment.events.worker_report.add_listener(self._take_report)
        offered = {}
        for kind, shape_class in SHAPES.items():
            shape = offered[shape_class.__name__] = shape_class()
            shape.runner, shape.options, shape.entered = runner, options, self._entered
            if kind == options.shape:
                environment.shape_class = shape
        environment.available_shape_classes = {**(environment.available_shape_classes or {}), **offered}

    def peak(self) -> tuple[int, float | None]:
        """The most users, and the highest total rate, of what the options ask for."""
        options = self._environment.parsed_options
        stages = planned(options.shape, options)
        users = [max(stage.users) for stage in stages] or [options.num_users or 1]
        rates = [max(stage.rate) for stage in stages if stage.rate is not None]
        return round(max(users)), max(rates, default=None)

    @property
    def _is_master(self) -> bool:
        return isinstance(self._environment.runner, MasterRunner)

    def _begin(self, environment: Environment, **_: Any) -> None:
        self._accounts, self._of_workers = StageAccounts(), {}
        self._stages = []
        self.total_rate = self.set_rate = None
        self._said = None
        options = environment.parsed_options
        if not isinstance(environment.runner, WorkerRunner):
            # What the web page chose; Locust sends it to the workers.
            options.shape = getattr(environment.shape_class, "kind", "")
        if options.shape and options.shape_rate:
            # The first, before anybody is told: no user shall begin in a closed loop.
            first = planned(options.shape, options)[0].rate
            self._set(first[0] if first is not None else None)

    def _entered(self, index: int, stage: Stage, rate: float | None) -> None:
        """The shape has come to a stage, or to another rate within it."""
        if self._environment.runner.state not in ("spawning", "running") or self._said == (index, rate):
            return
        self._said = (index, rate)
        self._stages = list(self._environment.shape_class.stages)
        self._enter(index, rate)
        if self._is_master:
            self._environment.runner.send_message(STAGE, {"index": index, "rate": rate})

    def _told(self, environment: Environment, msg: Any, **_: Any) -> None:
        self._enter(msg.data["index"], msg.data["rate"])

    def _enter(self, index: int, rate: float | None) -> None:
        if self._accounts.current != index:
            self._statistics.flush()
            self._accounts.enter(index, self._statistics.engine.pulse.take())
        self._set(rate)

    def _set(self, rate: float | None) -> None:
        if rate is None:
            return
        self.total_rate = rate
        if self.set_rate is not None:
            self.set_rate(self.total_rate)

    def _hear(self, series: Series, sample: Sample) -> None:
        is_operation = (series.type, series.name) == self._statistics.operation
        self._accounts.add(sample.histogram if is_operation else Sample().histogram, sample.failed)

    def _end(self, **_: Any) -> None:
        """The test stops: what is still under way belongs to the last stage."""
        self._statistics.flush()
        self._accounts.leave(self._statistics.engine.pulse.take())

    def _report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        data[REPORT] = self._accounts.take_changed()

    def _take_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        for index, account in data.get(REPORT, {}).items():
            self._of_workers.setdefault(client_id, {})[int(index)] = StageAccount.from_json(account)

    def figures(self, server: dict[str, Any] | None) -> list[dict[str, Any]]:
        """The stages of the test, as in a summary; none without a shape."""
        spans = self._accounts.spans
        if not spans:
            return []
        accounts: list[list[StageAccount]] = [[account] for account in self._accounts.accounts]
        if self._is_master:
            found = self._of_workers.values()
            accounts = [[each[index] for each in found if index in each] for index in range(len(spans))]
        started = self._statistics.started
        moments = (server or {}).get("series", ())
        return stage_figures(
            [stage.name for stage in self._stages],
            [stage.rate[1] if stage.rate is not None else None for stage in self._stages],
            [stage.users[1] for stage in self._stages],
            spans,
            accounts,
            [(started + moment["at"], moment["cpu_seconds"]) for moment in moments],
        )
