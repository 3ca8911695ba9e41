"""Every fault in every mode with every queue, again and again.

A round is one cluster of one mode and queue, which plays the faults one after the other. A cluster that was
not well again is replaced by a new one. So each repetition of a fault has a cluster of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gevent.pool import Pool

from load.faults.accounts import LATE_SECONDS
from load.faults.catalogue import Fault
from load.faults.cluster import PROGRAM, Cluster, ClusterError, Refused
from load.faults.playing import NotSteady, Timing, failed_run, play
from load.faults.traffic import Traffic
from load.servers.processes import server_command
from sioprobe.engine import Engine
from sioprobe.harness import harness_environment
from sioprobe.results.faults import FaultRun, PlayedFault

__all__ = ["Plan", "cells_of", "foretold", "play_all", "serve_command"]

START_SECONDS = 6.0
"""What a cluster takes to start on a quiet machine; with RabbitMQ a little more."""


def serve_command(mode: str, queue: str, workers: int, proxy: str | None) -> list[str]:
    """The command that serves a cluster which obeys."""
    front = ["--proxy", proxy, "--sticky", "cookie"] if proxy is not None else []
    words = ["--mode", mode, "--workers", str(workers), "--queue", queue, "--play", *front]
    return list(server_command(*words).command)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played. `command` answers how a cluster of (mode, queue, workers, proxy) is started."""

    modes: Sequence[str]
    queues: Sequence[str]
    faults: Sequence[Fault]
    proxy: str
    workers: int = 2
    repeat: int = 3
    at_once: int = 1
    transport: str = "websocket"
    timing: Timing = field(default_factory=Timing)
    command: Callable[[str, str, int, str | None], list[str]] = serve_command


def cells_of(plan: Plan) -> list[PlayedFault]:
    """A result for each fault in each mode with each queue, without repetitions yet."""
    return [
        {
            "mode": mode,
            "queue": queue,
            "proxy": plan.proxy if fault.proxy else None,
            "fault": fault.name,
            "title": fault.title,
            "stopped_worker": fault.stops,
            "versions": {},
            "status": "not run",
            "reason": "the run ended before",
            "runs": [],
        }
        for mode in plan.modes
        for queue in plan.queues
        for fault in plan.faults
    ]


def foretold(plan: Plan) -> str:
    """How much will be played, and how long it takes at least: if all is well again soon after each fault."""
    timing, rounds = plan.timing, len(plan.modes) * len(plan.queues) * plan.repeat
    each = [timing.calm + fault.seconds + timing.well + LATE_SECONDS for fault in plan.faults]
    starts = START_SECONDS * len({fault.proxy for fault in plan.faults})
    minutes = rounds * (sum(each) + starts) / min(plan.at_once, rounds) / 60
    return (
        f"runs: {rounds * len(plan.faults)} (faults: {len(plan.faults)}, repetitions: {plan.repeat}, "
        f"modes with a queue: {rounds // plan.repeat}). They take {max(1, round(minutes))} min or more: "
        f"after each fault it waits until all is well, for {timing.limit:g} s at most"
    )


def play_all(plan: Plan, cells: list[PlayedFault], changed: Callable[[PlayedFault], None]) -> None:
    """Play everything into the cells; `changed` is called with each that got another run or a reason."""
    engine = Engine()
    engine.start()
    pool = Pool(plan.at_once)
    try:
        for number in range(1, plan.repeat + 1):
            for mode in plan.modes:
                for queue in plan.queues:
                    some = [cell for cell in cells if (cell["mode"], cell["queue"]) == (mode, queue)]
                    pool.spawn(_Round(engine, plan, some, number, changed).play)
        pool.join(raise_error=True)
    finally:
        pool.kill()
        engine.stop()


class _Round:
    """One round of one mode and queue."""

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        cells: list[PlayedFault],
        number: int,
        changed: Callable[[PlayedFault], None],
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._cells = cells
        self._number = number
        self._changed = changed
        self._cluster: Cluster | None = None
        self._traffic: Traffic | None = None

    def play(self) -> None:
        """Play each fault that can be played here: those without a proxy first."""
        faults = {fault.name: fault for fault in self._plan.faults}
        try:
            for proxied in (False, True):
                for cell in self._cells:
                    fault = faults[cell["fault"]]
                    # A reason that was found is there for every round.
                    if fault.proxy is proxied and (cell["runs"] or self._number == 1):
                        self._play(cell, fault)
                self._close()
        finally:
            self._close()

    def _play(self, cell: PlayedFault, fault: Fault) -> None:
        try:
            cluster, traffic = self._open(cell)
        except ClusterError as error:
            self._failed(cell, str(error))
            return
        try:
            run = play(cluster, traffic, fault, self._number, self._plan.timing)
        except Refused as error:
            self._failed(cell, str(error))
            return
        except (NotSteady, ClusterError) as error:
            run = failed_run(self._number, str(error))
        if run["well_after_mend_s"] is None:
            self._close()
        self._enter(cell, run)

    def _open(self, cell: PlayedFault) -> tuple[Cluster, Traffic]:
        """The cluster of the last fault, or a new one."""
        plan = self._plan
        if self._cluster is None or self._traffic is None:
            command = plan.command(cell["mode"], cell["queue"], plan.workers, cell["proxy"])
            self._cluster = Cluster(command, harness_environment(SIOPROBE_PROG=PROGRAM))
            urls = self._cluster.about["urls"]
            # Behind a proxy there is one address for all.
            self._traffic = Traffic(
                self._engine,
                urls if cell["proxy"] is None else urls[:1] * plan.workers,
                plan.transport,
                plan.timing.rate,
                known_workers=cell["proxy"] is None,
            )
        cell["versions"] = dict(self._cluster.about.get("versions", {}))
        return self._cluster, self._traffic

    def _close(self) -> None:
        cluster, self._cluster = self._cluster, None
        traffic, self._traffic = self._traffic, None
        if traffic is not None:
            traffic.close()
        if cluster is not None:
            cluster.close()

    def _failed(self, cell: PlayedFault, problem: str) -> None:
        """It could not even begin: that holds for all repetitions, if none was played before."""
        if any(run["problem"] is None for run in cell["runs"]):
            self._enter(cell, failed_run(self._number, problem))
        else:
            cell["reason"] = problem
            self._changed(cell)

    def _enter(self, cell: PlayedFault, run: FaultRun) -> None:
        cell["runs"] = sorted([*cell["runs"], run], key=lambda each: each["repetition"])
        cell["status"], cell["reason"] = "played", None
        self._changed(cell)
