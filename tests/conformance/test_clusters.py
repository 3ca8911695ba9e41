"""What processes do for each other, on real clusters: nothing but known deviations, for each mode and queue.

test_green.py asks a cluster for everything; here the cases of level 3 are asked, over WebSocket.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.requirements import with_cases
from server_under_test.foreign.servers import FOREIGN
from server_under_test.queues.registry import QUEUES
from tests.server_under_test.conftest import not_here, require_foreign, require_mode
from tests.servers import ROOT, start_foreign, start_server

AT_ONCE = 4  # judges, with their clusters: they mostly wait
PINGS = {"ping_interval": 1, "ping_timeout": 3}
OF_CLUSTERS = {entry.id for entry in with_cases().values() if entry.area == "SIO-CL"}
OF_A_QUEUE = {"FSIO-71", "FSIO-72", "FSIO-73", "FSIO-74", "FSIO-76", "FSIO-77", "FSIO-78"}
CASES = ["-k", "(test_cluster or test_flask_queue) and not polling"]

Run = tuple[int, dict[str, Any], str]


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


# Not threading behind RabbitMQ: a thread may wait for ever there, and the process answers nobody
# (docs/reference/queues.md). `make queues` judges it.
CLUSTERS = [
    Joined("threading", "redis"),
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
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Joined, Future[Run]]]:
    folder = tmp_path_factory.mktemp("results")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {joined: pool.submit(judge, joined, folder) for joined in CLUSTERS}


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
        assert len(deviates) <= 5
