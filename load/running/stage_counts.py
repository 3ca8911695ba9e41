"""Load shapes in the locustfile: the current stage of a test, and the counts of each stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from locust.runners import WorkerRunner

from load.running.shape_stages import ShapeError, Stage, check_rate
from load.running.shapes import SHAPES, planned
from sioprobe.locusts.attachment import Attachment
from sioprobe.measured.recorder import Sample, Series
from sioprobe.measured.stages import StageAccount, StageAccounts, stage_figures
from sioprobe.measured.travelling import pack, unpack
from sioprobe.results.loads import ServerFigures, StageFigures

__all__ = ["StageCounts"]

STAGE, REPORT = "sioprobe_stage", "sioprobe_stages"


class StageCounts:
    """Of one Locust environment. Locust runs the shape in the only process, or in the master.

    The master tells its workers each stage. Their accounts of it come back with their reports.
    """

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._environment = attachment.environment
        self._accounts = StageAccounts()
        self._stages: list[Stage] = []
        self._of_workers: dict[str, dict[int, StageAccount]] = {}
        self.total_rate: float | None = None
        """Of all processes, in operations a second. None if no shape has a rate."""
        self.set_rate: Callable[[float], None] | None = None
        """Tells the scenario of this test a new rate."""
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

    def listen(self) -> None:
        """Get everything that is counted, and on a worker the stages that its master tells."""
        self._attachment.statistics.heard = self._hear
        runner = self._environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(STAGE, self._told)

    def offer_shapes(self) -> None:
        """Give the shapes to Locust, and choose the one of `--shape`."""
        environment, options = self._environment, self._environment.parsed_options
        offered = {}
        for kind, shape_class in SHAPES.items():
            shape = offered[shape_class.__name__] = shape_class()
            shape.runner, shape.options, shape.entered = environment.runner, options, self._entered
            if kind == options.shape:
                environment.shape_class = shape
        environment.available_shape_classes = {**(environment.available_shape_classes or {}), **offered}

    def peak(self) -> tuple[int, float | None]:
        """The most users and the highest total rate that the options ask for."""
        options = self._environment.parsed_options
        stages = planned(options.shape, options)
        users = [max(stage.users) for stage in stages] or [options.num_users or 1]
        rates = [max(stage.rate) for stage in stages if stage.rate is not None]
        return round(max(users)), max(rates, default=None)

    def begin(self) -> None:
        """A test starts: choose its shape, and the rate of its first stage."""
        self._accounts, self._of_workers = StageAccounts(), {}
        self._stages = []
        self.total_rate = self.set_rate = None
        self._said = None
        environment = self._environment
        options = environment.parsed_options
        if not self._attachment.is_worker:
            # The web page may have chosen another. Locust sends it to the workers.
            options.shape = getattr(environment.shape_class, "kind", "")
        if options.shape and options.shape_rate:
            # Set the first rate now: no user shall begin in a closed loop.
            first = planned(options.shape, options)[0].rate
            self._set(first[0] if first is not None else None)

    def _entered(self, index: int, stage: Stage, rate: float | None) -> None:
        """The shape enters a stage, or changes the rate within one."""
        if self._environment.runner.state not in ("spawning", "running") or self._said == (index, rate):
            return
        self._said = (index, rate)
        self._stages = list(self._environment.shape_class.stages)
        self._enter(index, rate)
        if self._attachment.is_master:
            self._environment.runner.send_message(STAGE, {"index": index, "rate": rate})

    def _told(self, msg: Any, **_: Any) -> None:
        self._enter(msg.data["index"], msg.data["rate"])

    def _enter(self, index: int, rate: float | None) -> None:
        if self._accounts.current != index:
            self._attachment.statistics.flush()
            self._accounts.enter(index, self._attachment.engine.pulse.take())
        self._set(rate)

    def _set(self, rate: float | None) -> None:
        if rate is None:
            return
        self.total_rate = rate
        if self.set_rate is not None:
            self.set_rate(self.total_rate)

    def _hear(self, series: Series, sample: Sample) -> None:
        is_operation = (series.type, series.name) == self._attachment.played.operation
        self._accounts.add(sample.histogram if is_operation else Sample().histogram, sample.failed)

    def leave(self) -> None:
        """The test stops. What is still under way belongs to the last stage."""
        self._attachment.statistics.flush()
        self._accounts.leave(self._attachment.engine.pulse.take())

    def write(self, data: dict[str, Any]) -> None:
        """Add to a worker's report what its master does not know yet."""
        data[REPORT] = pack(self._accounts.take_changed())

    def read(self, client_id: str, data: dict[str, Any]) -> None:
        """Take a worker's report."""
        found = unpack(data.get(REPORT, {}), dict[int, StageAccount])
        self._of_workers.setdefault(client_id, {}).update(found)

    def figures(self, server: ServerFigures | None) -> list[StageFigures]:
        """The stages of the test; none without a shape."""
        spans = self._accounts.spans
        if not spans:
            return []
        accounts: list[list[StageAccount]] = [[account] for account in self._accounts.accounts]
        if self._attachment.is_master:
            found = self._of_workers.values()
            accounts = [[each[index] for each in found if index in each] for index in range(len(spans))]
        started = self._attachment.started
        moments = server.series if server is not None else []
        return stage_figures(
            [stage.name for stage in self._stages],
            [stage.rate[1] if stage.rate is not None else None for stage in self._stages],
            [stage.users[1] for stage in self._stages],
            spans,
            accounts,
            [(started + moment.at, moment.cpu_seconds) for moment in moments],
            [
                (started + moment.at, moment.neighbours_cpu_seconds)
                for moment in moments
                if moment.neighbours_cpu_seconds is not None
            ],
            beside=not self._attachment.is_master,
        )
