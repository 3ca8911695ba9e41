"""One run of a profile into one folder: judge each server, load all of them in turns, measure the sections.

Each result is written at once (`rounds.jsonl`, `measurements.jsonl`, `conformance-*.json`), so a run that is
stopped keeps its results, and another goes on with it.
This module only measures; `reports` makes statistics and pages.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from load.comparing.arm_servers import ArmServer, look_at, measured_at, start_arm, versions_there
from load.comparing.arms import ArmPlan
from load.comparing.going_on import blocks_of, difference_of
from load.comparing.judging import judge_arm
from load.comparing.plan import Profile
from load.comparing.progress import Progress
from load.comparing.run_document import new_run, now
from load.comparing.sections.bench import BLOCK_OVERHEAD, Bench
from load.comparing.sections.plan import SectionPlan
from load.comparing.sections.running import Sections
from load.comparing.side_by_side import measure_lives
from load.servers.processes import BlockGenerator, ChildError, Server, cpu_sets, end_all
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.results.comparison import SectionName
from sioprobe.results.files import append_block, conformance_path, write_run
from sioprobe.results.loads import RoundsLine
from sioprobe.results.types import Arm, Run

__all__ = ["Comparison", "OtherVersions", "stop_asked"]

JUDGED_AT_ONCE = 3  # a conformance run mostly waits
JUDGING_SECONDS = 40.0  # about so long it takes


class OtherVersions(RuntimeError):
    """An arm has other libraries than before the comparison was stopped. One line."""


stop_asked = threading.Event()
"""Set by the handler of Ctrl-C and SIGTERM, which also raises KeyboardInterrupt. Python loses that exception
if it comes while a child is forked."""


def _check_stop() -> None:
    if stop_asked.is_set():
        raise KeyboardInterrupt


@dataclass(slots=True)
class Comparison:
    """One run of a profile into one folder."""

    profile: Profile
    folder: Path
    command: str
    conformance: bool
    progress: Progress
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    sections: Mapping[SectionName, SectionPlan] = field(default_factory=dict)
    run: Run = field(init=False)
    _judged: set[str] = field(default_factory=set)
    _unjudged: dict[str, str] = field(default_factory=dict)
    _done: set[tuple[int, str, str]] = field(default_factory=set)
    _ending: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.run = new_run(self.profile, self.connection, self.command)

    def go_on(self, before: Run) -> None:
        """Go on with this run, which was stopped. Nothing that it has is measured again."""
        self.run = {
            **before,
            "command": self.command,
            "finished_at": None,
            "interrupted": False,
            "continued_at": [*before.get("continued_at", []), now()],
        }
        self._done = blocks_of(self.folder, before)

    def measure(self) -> None:
        """Judge and load every arm. Raises KeyboardInterrupt after Ctrl-C and SIGTERM, and OtherVersions.

        Raises ChildError for an application of one's own that does not run: its owner wants to know at once.
        """
        self.write()
        sections = Sections(self.profile, self.sections, self.folder, self.progress)
        sections.tell_time(self._seconds())
        try:
            self._prove_alive()
            arms = tuple(plan for plan in self.profile.arms if self._arm(plan)["status"] == "measured")
            self.run["profile"]["planned"] = sections.plan(replace(self.profile, arms=arms))
            self._lives()
            self._blocks()
            with closing(Bench(self._server, self._settled, sections.results, self.connection)) as bench:
                sections.measure(bench)
            self._wait_for_end()
        except BaseException:
            self.run["interrupted"] = True
            for arm in self.run["arms"]:
                # The reason that it has by now comes from the end of its processes.
                if arm["id"] not in self._judged and arm["status"] != "measured":
                    arm["status"], arm["reason"] = "not run", "the run was stopped before"
            raise
        finally:
            end_all()
            self.run["finished_at"] = now()
            self.write()

    def _seconds(self) -> dict[str, float]:
        """About how long the phases before the sections take."""
        judged = len(self.profile.arms) * self.conformance
        blocks = self.profile.blocks and not self.run["profile"].get("blocks_done")
        lives = self.profile.blocks and not self.run["profile"].get("lives_done")
        return {
            "judging": JUDGING_SECONDS * judged / JUDGED_AT_ONCE,
            "side by side": self.profile.side_by_side.budget_seconds * lives,
            "blocks": self.profile.load.budget_seconds * blocks,
        }

    def write(self) -> None:
        write_run(self.folder / "run.json", self.run)

    def _prove_alive(self) -> None:
        """Start every server once, and judge it. Without the judge, see that it says READY."""
        plans = self.profile.arms
        task = self.progress.task("conformance" if self.conformance else "start", len(plans))
        pool = ThreadPoolExecutor(JUDGED_AT_ONCE)
        try:
            for plan, reason in pool.map(self._judge, plans):
                _check_stop()
                self._judged.add(plan.id)
                said = f"not run: {reason}" if reason is not None else self._unjudged.get(plan.id)
                task.advance(f"{plan.title}: {said}" if said else plan.title)
                self.write()
                if plan.own and reason is not None:
                    raise ChildError(f"arm {plan.id}: {reason}")
        finally:
            # On Ctrl-C the threads wait for children: ending those ends the threads.
            pool.shutdown(wait=False, cancel_futures=True)
            if sys.exc_info()[0] is not None:
                end_all()
            pool.shutdown(wait=True)

    def _judge(self, plan: ArmPlan) -> tuple[ArmPlan, str | None]:
        """Why the arm is not run, or None. One that was judged before the run was stopped is only started."""
        arm = self._arm(plan)
        try:
            with start_arm(plan, *self._heartbeat()) as server:
                versions = server.about.get("versions") or versions_there(plan, server)
                if arm["status"] == "measured" and (other := difference_of(arm["versions"], versions)):
                    raise OtherVersions(f"arm {plan.id}: {other}")
                arm["versions"] = versions
                arm["async_mode"] = server.about.get("async_mode")
                if not isinstance(server, Server):
                    look_at(plan, server, self.profile.load, self.connection)
                    self._note(plan, *server.notes)
                if self.conformance and not conformance_path(self.folder, plan.id).exists():
                    self._conformance(plan, server)
        except ChildError as error:
            reason = self.connection.redact(str(error))
            if arm["status"] != "measured":
                arm["reason"] = reason
            return plan, reason
        arm["status"], arm["reason"] = "measured", None
        return plan, None

    def _conformance(self, plan: ArmPlan, server: ArmServer) -> None:
        library = self._arm(plan)["versions"].get("flask-socketio")
        try:
            judge_arm(plan, server, self.folder, self.connection, options=self._heartbeat(), library=library)
        except ChildError as error:
            # A server that could not be judged may still be loaded; what it carries is not known any less.
            self._unjudged[plan.id] = said = f"not judged: {error}"
            self._note(plan, said)

    def _heartbeat(self) -> tuple[str, ...]:
        timing = self.profile.conformance
        return "--ping-interval", str(timing.ping_interval), "--ping-timeout", str(timing.ping_timeout)

    def _loaded(self) -> list[ArmPlan]:
        """The arms that are put under load and can be."""
        return [plan for plan in self.profile.arms if plan.load and self._arm(plan)["status"] == "measured"]

    def _lives(self) -> None:
        """The arms side by side, unless an earlier start has measured that."""
        if not self.profile.blocks or self.run["profile"].get("lives_done"):
            return
        measure_lives(self.profile, self._loaded(), self.folder, self.progress, _check_stop, self.connection)
        self.run["profile"]["lives_done"] = True
        self.write()

    def _blocks(self) -> None:
        plans = self._loaded()
        if not plans or not self.profile.blocks or self.run["profile"].get("blocks_done"):
            return
        load = self.profile.load
        server_cores, generator_cores = cpu_sets()
        self.run["profile"]["pinned"] = server_cores != generator_cores
        order = random.Random(load.seed)
        rounds = range(1, load.rounds + 1)
        planned = sum(plan.in_round(number, load.rounds) for plan in plans for number in rounds)
        task = self.progress.task("load", planned * len(load.transports))
        task.advance(None, len(self._done))
        started, longest = time.monotonic() - self.run["profile"].get("blocks_seconds", 0.0), 0.0
        with ExitStack() as stack:
            generator = stack.enter_context(BlockGenerator(generator_cores))
            for number in rounds:
                spent = time.monotonic() - started
                if number > load.minimum_rounds and spent + longest > load.budget_seconds:
                    task.total = task.done
                    break
                cells = [
                    (plan, transport)
                    for plan in plans
                    if plan.in_round(number, load.rounds)
                    for transport in load.transports
                ]
                for plan, transport in order.sample(cells, len(cells)):
                    if (number, plan.id, transport) in self._done:
                        continue
                    _check_stop()
                    # Two processes on one core would measure the scheduler.
                    cores = server_cores if plan.processes <= len(server_cores) else None
                    if not generator.alive:
                        generator = stack.enter_context(BlockGenerator(generator_cores))
                    self._block(plan, cores, generator, transport, number, task.done + 1)
                    task.advance(f"round {number}: {plan.title}, {transport}")
                longest = max(longest, time.monotonic() - started - spent)
                self.run["profile"]["rounds_done"] = number
                self.run["profile"]["blocks_seconds"] = round(time.monotonic() - started, 1)
                self.write()
            self._wait_for_end()
        self.run["profile"]["blocks_done"] = True
        task.advance(None, 0)

    def _block(
        self,
        plan: ArmPlan,
        cores: set[int] | None,
        generator: BlockGenerator,
        transport: str,
        number: int,
        order: int,
    ) -> None:
        """One block on a new server: memory of an earlier block would hide the memory of this one.

        The server of the last block may still be ending while this one starts, but not while it is measured.
        """
        load = self.profile.load
        try:
            with self._server(plan, cores) as server:
                self._settled()
                request = {
                    **load.block(transport),
                    **self.connection.to_json(),
                    **measured_at(server),
                }
                block = generator.measure(request, load.warmup_seconds + load.seconds + BLOCK_OVERHEAD)
        except ChildError as error:
            failed = {"round": number, "arm": plan.id, "transport": transport, "reason": str(error)}
            self.run["profile"].setdefault("failed_blocks", []).append(failed)
            self.progress.say(f"round {number}: {plan.title}, {transport}: no block: {error}")
        else:
            line = RoundsLine.of(block, round=number, order=order, arm=plan.id)
            append_block(self.folder / "rounds.jsonl", line)
            if block.opened < block.connections:
                there = f"{block.opened} of {block.connections} connections were opened"
                self.progress.say(f"round {number}: {plan.title}, {transport}: {there}")

    def _settled(self) -> None:
        self._wait_for_end()
        _check_stop()

    @contextmanager
    def _server(self, plan: ArmPlan, cores: set[int] | None, *options: str) -> Iterator[ArmServer]:
        """A running server, which is told to end when the block is over, without waiting for that."""
        server = start_arm(plan, *options, cores=cores)
        try:
            yield server
        finally:
            self._wait_for_end()
            # Daemonic: on Ctrl-C `end_all` ends the server.
            self._ending = threading.Thread(target=server.close, daemon=True)
            self._ending.start()

    def _wait_for_end(self) -> None:
        if self._ending is not None:
            self._ending.join()

    def _arm(self, plan: ArmPlan) -> Arm:
        return next(arm for arm in self.run["arms"] if arm["id"] == plan.id)

    def _note(self, plan: ArmPlan, *notes: str) -> None:
        """What the report says of this arm, once each."""
        arm = self._arm(plan)
        arm["notes"] = list(dict.fromkeys((*arm.get("notes", ()), *map(self.connection.redact, notes))))
