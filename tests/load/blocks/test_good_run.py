"""A good run raises no doubt, and a neighbour does: a doubt that is always raised says nothing.

This runs while no other test does, since a busy machine is a reason of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import psutil
import pytest

from ci.gate.truth import server as server_with
from load.servers.processes import BlockGenerator, Server, cpu_sets
from sioprobe.measured.vitals import KernelClocks
from sioprobe.results.loads import Block
from tests.servers import ROOT, start_command, start_server

DEADLINE = 120.0
TRIES = 8
counts_pressure = pytest.mark.skipif(KernelClocks().pressure() is None, reason="no /proc/pressure/cpu here")


def causes(summary: dict[str, Any]) -> set[str]:
    return {found["cause"] for found in summary["validity"]["findings"]}


def test_a_good_run_is_valid() -> None:
    """Light load on a server that takes 5 ms to answer, by a generator that goes before what else runs."""

    def run() -> dict[str, Any]:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "load", "--url", server.url, "--users", "5", "--rate", "10"),
                # All users begin at once and wait for each other: these are few of the operations.
                *("--seconds", "8", "--json", "--transport", "polling", "--fail-if", "errors>0"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            preexec_fn=go_first,
        )
        summary: dict[str, Any] = json.loads(done.stdout)
        # A neighbour is the machine's, and said. Of the generator itself nothing is.
        assert causes(summary) <= {"neighbour"}, summary["validity"]
        assert summary["validity"]["verdict"] == ("SUSPECT" if causes(summary) else "VALID")
        assert done.returncode == 0
        return summary

    with start_command(shlex.split(server_with("gevent", "sleep:0.005"))) as server:
        for _ in range(TRIES - 1):
            with contextlib.suppress(AssertionError):
                summary = run()
                break
        else:
            summary = run()

    assert summary["floor"]["operations_per_second"] > 0
    assert summary["errors"] == {}


def go_first() -> None:
    """Before other processes, where this user may: a machine that is busy says nothing of a good run."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


class Witness:
    """What processes that this test has not started used within the context, as each of them says itself."""

    def __enter__(self) -> Witness:
        self._before, self._began = self._clocks(), time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        now = self._clocks()
        ended = (own for key, (own, _) in self._before.items() if key not in now)
        self.seconds = -sum(ended) + sum(
            own - self._before.get(key, (0.0, 0.0))[0] + reaped - self._before.get(key, (0.0, reaped))[1]
            for key, (own, reaped) in now.items()
        )
        self.cores = self.seconds / (time.monotonic() - self._began)

    def _clocks(self) -> dict[tuple[int, float], tuple[float, float]]:
        """CPU of each process, and of its ended children, in seconds."""
        ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
        found = {}
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if each.pid not in ours:
                    used = each.cpu_times()
                    reaped = used.children_user + used.children_system
                    found[each.pid, each.create_time()] = (used.user + used.system, reaped)
        return found


def measure(generator: BlockGenerator, *serve: str) -> Block:
    """A block as `sioprobe compare` measures it: server and generator on cores of their own, if they can."""
    cores, _ = cpu_sets()
    with Server(*serve, cores=None if "--workers" in serve else cores) as server:
        return generator.measure({"urls": server.urls, "server_pids": server.pids}, DEADLINE)


@pytest.fixture(scope="module")
def generator() -> Iterator[BlockGenerator]:
    with BlockGenerator(cpu_sets()[1]) as started:
        yield started


@counts_pressure
@pytest.mark.parametrize(
    "serve",
    [
        ("--mode", "threading"),
        ("--mode", "gunicorn-gthread"),
        ("--mode", "gevent", "--workers", "2", "--queue", "redis"),
    ],
    ids=lambda serve: "-".join(serve[1::2]),
)
def test_a_server_that_keeps_its_own_threads_waiting_is_valid(
    generator: BlockGenerator, serve: tuple[str, ...]
) -> None:
    used, reasons = [], []
    for _ in range(TRIES):
        with Witness() as others:
            block = measure(generator, *serve)
        assert block.server.neighbours is not None
        # What others took is not more than what they used, even where they used much.
        assert block.server.neighbours.share * block.seconds <= others.seconds + 0.1 * block.seconds
        if block.validity.verdict == "VALID":
            return
        used.append(others.cores)
        reasons.append(block.validity.reasons)
    if min(used) > 0.1:
        pytest.skip(f"this machine was never quiet: others used {min(used):.1f} cores at least")
    raise AssertionError(reasons)


@counts_pressure
@pytest.mark.parametrize("mode", ["threading", "gevent"])
@pytest.mark.parametrize("whose", ["server", "generator"])
def test_a_neighbour_on_a_core_is_named(generator: BlockGenerator, whose: str, mode: str) -> None:
    begin = partial(os.sched_setaffinity, 0, cpu_sets()[whose == "generator"])
    used = []
    for _ in range(TRIES):
        with subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=begin) as hog:
            try:
                with Witness() as others:
                    block = measure(generator, "--mode", mode)
            finally:
                hog.kill()
        assert block.validity.verdict != "VALID"
        (finding,) = (found for found in block.validity.findings if found.cause == "neighbour")
        if f"(pid {hog.pid})" in finding.reason:
            return
        used.append(others.cores)
    # It is named if it used at least half of what neighbours used.
    if min(used) > 0.2:
        pytest.skip(f"this machine was never quiet: others used {min(used):.1f} cores at least")
    raise AssertionError(block.validity.reasons)


@counts_pressure
def test_a_second_worker_is_no_neighbour() -> None:
    with start_server("gevent") as server, Witness() as others:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "load", "--url", server.url, "--users", "20", "--processes", "2"),
                *("--seconds", "3", "--json", "--transport", "polling", "--no-calibrate"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
    used = json.loads(done.stdout)["server"]

    assert used["neighbours"]["share"] * used["window_seconds"] <= others.seconds + 0.3
