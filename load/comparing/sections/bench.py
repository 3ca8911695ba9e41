"""What the sections measure with: a fresh server for each measurement, a generator, two commands."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from load.comparing.arm_servers import ArmServer, measured_at
from load.comparing.arms import ArmPlan
from load.scenarios import words_of
from load.servers.processes import BlockGenerator, ChildError, ask_child, cpu_sets
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.measured.validity import GENERATOR_CAUSES
from sioprobe.results.comparison import Measurement
from sioprobe.results.files import read_capacity
from sioprobe.results.loads import Block, to_json

__all__ = ["BLOCK_OVERHEAD", "Bench", "NotMeasured"]

BLOCK_OVERHEAD = 40.0
"""Seconds that connecting and closing may take around a block."""
CAPACITY_OVERHEAD = 90.0
DOCTOR_SECONDS = 240.0
WARMUP_SECONDS = 0.5
MORE_SECONDS_PER_CONNECTION = 0.02


class NotMeasured(RuntimeError):
    """A measurement cannot be made. One line says why."""


class Bench:
    """`start(arm, cores, *options)` gives a running server, `settled` waits until the one before has ended.

    `results` holds the measurements so far by their keys: some depend on others.
    """

    def __init__(
        self,
        start: Callable[..., AbstractContextManager[ArmServer]],
        settled: Callable[[], None],
        results: Mapping[str, Measurement],
        connection: ConnectionOptions,
    ) -> None:
        self.results = results
        self.connection = connection
        self._start = start
        self._settled = settled
        self._server_cores, self._generator_cores = cpu_sets()
        self._generator: BlockGenerator | None = None

    def block(
        self, arm: ArmPlan, transport: str, request: dict[str, Any], options: Sequence[str] = ()
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One block of `load.blocks`: the request, without the server's address, and the result.

        Where others took the generator's core, it is measured a second time, unless the server itself did.
        `options` are more options of the server, if it is one that `sioprobe serve` starts.
        """
        asked = {"warmup_seconds": WARMUP_SECONDS, "series": True, **request}
        longest = asked["warmup_seconds"] + asked["seconds"] + asked.get("cool_down", 0.0) + BLOCK_OVERHEAD
        longest += asked["connections"] * MORE_SECONDS_PER_CONNECTION
        for last in (False, True):
            with self._server(arm, options) as server:
                there = {"transport": transport, **measured_at(server)}
                block = self._living_generator().measure(
                    {**self.connection.to_json(), **asked, **there}, longest
                )
            if not _disturbed(block) or last or arm.processes > len(self._server_cores):
                break
        return asked, to_json(block)

    def capacity(
        self, arm: ArmPlan, transport: str, request: dict[str, Any], budget: float, *arguments: str
    ) -> dict[str, Any]:
        """What `sioprobe capacity` finds. `request` has the scenario, the connections, its parameters."""
        with self._server(arm) as server, tempfile.TemporaryDirectory(prefix="sioprobe-") as folder:
            report = Path(folder) / "capacity.json"
            code, _, complaint = ask_child(
                "load.capacity",
                *(word for url in server.urls for word in ("--url", url)),
                *_processes(server.pids),
                *self.connection.arguments(Path(folder)),
                *("--transport", transport, "--budget", f"{budget:g}", "--report", str(report)),
                *("--scenario", request["scenario"], "--users", str(request["connections"])),
                *words_of(request),
                *arguments,
                deadline=budget + CAPACITY_OVERHEAD,
                cores=self._generator_cores,
            )
            if not report.exists():
                raise ChildError(f"the search failed (exit code {code}): {complaint}")
            return read_capacity(report)

    def doctor(self, arm: ArmPlan, *arguments: str) -> dict[str, Any]:
        """What `sioprobe doctor` finds."""
        with self._server(arm) as server, tempfile.TemporaryDirectory(prefix="sioprobe-") as folder:
            code, told, complaint = ask_child(
                "load.doctor",
                server.urls[0],
                *_processes(server.pids),
                *self.connection.arguments(Path(folder), packing=False),
                "--json",
                *arguments,
                deadline=DOCTOR_SECONDS,
                cores=self._generator_cores,
            )
        if code not in (0, 1):
            raise ChildError(f"the examination failed (exit code {code}): {complaint}")
        result: dict[str, Any] = json.loads(told)
        return result

    @contextmanager
    def _server(self, arm: ArmPlan, options: Sequence[str] = ()) -> Iterator[ArmServer]:
        # Two processes on one core would measure the scheduler.
        cores = self._server_cores if arm.processes <= len(self._server_cores) else None
        with self._start(arm, cores, *options) as server:
            self._settled()
            yield server

    def _living_generator(self) -> BlockGenerator:
        if self._generator is None or not self._generator.alive:
            self.close()
            self._generator = BlockGenerator(self._generator_cores)
        return self._generator

    def close(self) -> None:
        """End the generator."""
        if self._generator is not None:
            self._generator.close()


def _disturbed(block: Block) -> bool:
    """Whether the figures are not those of the server."""
    return any(
        found.verdict == "INVALID" and found.cause in GENERATOR_CAUSES for found in block.validity.findings
    )


def _processes(pids: Sequence[int]) -> Iterator[str]:
    for pid in pids:
        yield from ("--server-pid", str(pid))
