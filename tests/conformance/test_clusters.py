"""What processes do for each other, on real clusters: nothing but known deviations, for each mode and queue.

test_green.py asks a cluster for everything; here the cases of level 3 are asked, over WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.client.address import parse_url
from conformance.finding.profile import ServerProfile
from conformance.finding.server import find_target
from conformance.judging.collecting import all_questions
from conformance.judging.runner import Runner
from conformance.requirements import with_cases
from conformance.target import Target
from conformance.verdicts import Verdict
from server_under_test.foreign.servers import FOREIGN
from server_under_test.queues.registry import QUEUES
from server_under_test.starting.children import stop_children
from tests.server_under_test.conftest import not_here, require_foreign, require_mode
from tests.servers import ROOT, start_foreign, start_server

STOP_SECONDS = 10.0
AT_ONCE = 4  # judges, with their clusters: they mostly wait
PINGS = {"ping_interval": 1, "ping_timeout": 3}
OF_CLUSTERS = {entry.id for entry in with_cases().values() if entry.area == "SIO-CL"}
OF_A_QUEUE = {"FSIO-71", "FSIO-72", "FSIO-73", "FSIO-74", "FSIO-76", "FSIO-77", "FSIO-78"}
CASES = ["-k", "(test_cluster or test_flask_queue) and not polling"]

Run = tuple[int, dict[str, Any], str]
Verdicts = dict[str, set[Verdict]]


@dataclass(frozen=True, slots=True)
class Joined:
    """A mode or a foreign server in several processes, and what joins them."""

    server: str
    queue: str
    workers: int = 2

    @property
    def is_foreign(self) -> bool:
        return self.server in FOREIGN

    def __str__(self) -> str:
        return f"{self.server}-{self.queue}"


CLUSTERS = [
    *(Joined("threading", queue) for queue in ("redis", "rabbitmq-mended")),
    *(Joined("eventlet", queue) for queue in ("redis", "rabbitmq")),
    *(Joined("gevent", queue, workers=3) for queue in ("redis", "rabbitmq")),
    *(Joined("node", queue, workers=3) for queue in ("redis", "cluster")),
]


def judge(joined: Joined, folder: Path) -> Run:
    """Exit code, result and console output of one run."""
    file = folder / f"{joined}.json"
    start = start_foreign if joined.is_foreign else start_server
    with start(joined.server, workers=joined.workers, queue=joined.queue, **PINGS) as server:
        urls = [word for url in server.urls for word in ("--url", url)]
        command = [sys.executable, "-m", "conformance", *urls, "--report", str(file), "--", *CASES]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    result = json.loads(file.read_text()) if file.exists() else {}
    return done.returncode, result, done.stdout + done.stderr


def require(joined: Joined) -> None:
    """Skip, or fail, where something lacks."""
    (require_foreign if joined.is_foreign else require_mode)(joined.server)
    if joined.queue in QUEUES and (lack := QUEUES[joined.queue].load().missing()):
        not_here(lack)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads(pool: ThreadPoolExecutor) -> Future[Verdicts]:
    return pool.submit(judge_threads)


@pytest.fixture(scope="module")
def runs(
    pool: ThreadPoolExecutor, threads: Future[Verdicts], tmp_path_factory: pytest.TempPathFactory
) -> dict[Joined, Future[Run]]:
    """All begin with the first test."""
    folder = tmp_path_factory.mktemp("results")
    return {joined: pool.submit(judge, joined, folder) for joined in CLUSTERS}


@pytest.mark.parametrize("joined", CLUSTERS, ids=str)
def test_nothing_but_known_deviations(
    joined: Joined, runs: dict[Joined, Future[Run]], tmp_path: Path
) -> None:
    require(joined)
    code, result, output = runs[joined].result()
    if code:
        # Is it the cluster, or four on two cores? Said in pytest's summary, whichever it is.
        wait(runs.values())
        warnings.warn(f"{joined} was judged again, alone, after: {output[-1000:]}", stacklevel=1)
        code, result, output = judge(joined, tmp_path)
    assert code == 0, output
    verdicts: dict[str, set[str]] = {}
    for case in result["cases"]:
        verdicts.setdefault(case["id"], set()).add(case["verdict"])
    deviates = {id_ for id_, found in verdicts.items() if "known deviation" in found}
    apply = {id_ for id_, found in verdicts.items() if "not applicable" not in found}
    if joined.is_foreign:
        assert (apply, deviates) == (OF_CLUSTERS, set())
    else:
        assert apply == OF_CLUSTERS | OF_A_QUEUE
        assert "SIO-CL-06" in deviates
        assert len(deviates) <= (1 if joined.queue == "rabbitmq-mended" else 5)


# With python-socketio's own manager, threads behind RabbitMQ read each other's answers from the connection
# that they share (docs/reference/queues.md). Then one waits for ever, and so do those who come later. So what
# needs two emits at the same time is asked at the end, or of new processes. FSIO-73 has a connection apart.
AT_THE_SAME_TIME = ("SIO-CL-13", "SIO-CL-12", "SIO-CL-03", "FSIO-73", "SIO-CL-07")
ONE_BY_ONE = tuple(sorted((OF_CLUSTERS | OF_A_QUEUE) - set(AT_THE_SAME_TIME)))
OF_NEW_PROCESSES = ((*ONE_BY_ONE, "SIO-CL-13", "SIO-CL-12"), ("SIO-CL-03", "FSIO-73"), ("SIO-CL-07",))


def test_threads_behind_rabbitmq_lose_only_what_they_emit_at_the_same_time(
    threads: Future[Verdicts], runs: dict[Joined, Future[Run]]
) -> None:
    for queue in ("redis", "rabbitmq"):
        require(Joined("threading", queue))
    verdicts = threads.result()
    if unexpected(verdicts):
        wait(runs.values())
        warnings.warn(f"judged again, alone, after: {unexpected(verdicts)}", stacklevel=1)
        verdicts = judge_threads()
    assert unexpected(verdicts) == {}
    assert verdicts["SIO-CL-13"] == {Verdict.KNOWN_DEVIATION}


def unexpected(verdicts: Verdicts) -> Verdicts:
    """What was lost though one emit followed the other, and what is not known."""
    known = {Verdict.PASS, Verdict.KNOWN_DEVIATION}
    return {
        id_: found
        for id_, found in verdicts.items()
        if not found <= (known if id_ in (*AT_THE_SAME_TIME, "SIO-CL-06") else {Verdict.PASS})
    }


def judge_threads() -> Verdicts:
    """Threads behind RabbitMQ.

    The judge asks several things at once when it finds out what a server is, so it looks at a cluster
    behind Redis.
    """
    with start_server("threading", workers=2, queue="redis", **PINGS) as server:
        known = [found(url) for url in server.urls]
    verdicts: Verdicts = {}
    broker = QUEUES["rabbitmq"].load().start()
    try:
        for ids in OF_NEW_PROCESSES:
            with start_server("threading", workers=2, queue=broker.url, **PINGS) as server:
                verdicts |= verdicts_at(server.urls, known, ids)
    finally:
        stop_children(broker.processes, STOP_SECONDS)
    return verdicts


def found(url: str) -> Target:
    return asyncio.run(find_target(parse_url(url), ServerProfile(), clustered=True))


def verdicts_at(urls: list[str], known: list[Target], ids: tuple[str, ...]) -> Verdicts:
    """What these requirements get over WebSocket, from servers like the known ones, behind RabbitMQ."""
    first, *others = (
        replace(target, address=parse_url(url), queue="rabbitmq", processes=())
        for target, url in zip(known, urls, strict=True)
    )
    asked = [one for one in all_questions() if one.requirement.id in ids and one.transport != "polling"]
    run = Runner(first, others, jobs=1, strict=False)
    run.start(asked)
    try:
        verdicts: Verdicts = {}
        for one in asked:
            verdicts.setdefault(one.requirement.id, set()).add(run.outcome(one).judgement.verdict)
        return verdicts
    finally:
        run.stop()
