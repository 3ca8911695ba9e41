"""Locust's masters and workers as processes of their own, for tests of several of them together."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.servers import ROOT, Server, held_port, start_command

LOCUST = (str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "load" / "swarm.py"))
DEADLINE = 120.0

Counts = dict[tuple[str, str], tuple[int, int]]
"""Requests and failures by type and name."""


def headless(
    *arguments: str, cwd: Path = ROOT, until: dict[str, int] | None = None
) -> subprocess.CompletedProcess[str]:
    """A whole run. One that is told `until` ends when so many requests of each type are counted."""
    return subprocess.run(
        [*_program(until), "--headless", "--only-summary", *arguments],
        cwd=cwd,
        env={**os.environ, "UNTIL_COUNTED": json.dumps(until)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        stdin=subprocess.DEVNULL,
    )


def _program(until: dict[str, int] | None) -> list[str]:
    *program, files = LOCUST
    return [*program, f"{files},{ROOT / 'tests/load/until_counted.py'}" if until else files]


def with_workers(processes: int) -> list[str]:
    """Workers on a port of their own: Locust's default may be taken."""
    port = str(held_port())
    words = ["--processes", str(processes), "--master-bind-host", "127.0.0.1"]
    return [*words, "--master-bind-port", port, "--master-port", port]


def load(
    *arguments: str, until: dict[str, int] | None = None, timeout: float = DEADLINE
) -> subprocess.CompletedProcess[str]:
    """`python -m load`. A run that is told `until` ends when so many requests of each type are counted.

    Without it a run lasts its `--seconds`, and a busy machine may not answer once in so short a time.
    """
    words, more = (["--seconds", "60"], {"UNTIL_COUNTED": json.dumps(until)}) if until else ([], {})
    return subprocess.run(
        [sys.executable, "-m", "tests.load.counted_load" if until else "load", *arguments, *words],
        cwd=ROOT,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


class Locust:
    """One process; what it writes to stderr is kept in a file."""

    def __init__(
        self,
        *arguments: str,
        prefix: Sequence[str] = (),
        cwd: Path = ROOT,
        until: dict[str, int] | None = None,
    ) -> None:
        self._stderr = tempfile.NamedTemporaryFile(prefix="locust-", suffix=".stderr")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*prefix, *_program(until), *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), "UNTIL_COUNTED": json.dumps(until)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,
        )

    @property
    def stderr(self) -> str:
        """What it wrote so far."""
        return Path(self._stderr.name).read_text(errors="replace")

    def wait(self) -> int:
        """Its exit code."""
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._stderr.close()


@contextlib.contextmanager
def started(
    *arguments: str, prefix: Sequence[str] = (), cwd: Path = ROOT, until: dict[str, int] | None = None
) -> Iterator[Locust]:
    """A Locust process that ends with the block, or as soon as enough is counted, as in `headless`."""
    process = Locust(*arguments, prefix=prefix, cwd=cwd, until=until)
    try:
        yield process
    finally:
        process.close()


def null_server(address: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Server:
    """A server that does next to nothing, on a free port of that address."""
    return start_command([*prefix, sys.executable, "-m", "load.blocks.null_server", "--host", address])


def fetch(url: str, body: bytes | None = None) -> bytes:
    """What the URL answers, once something answers there."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with urllib.request.urlopen(url, body, timeout=20) as answer:
                return answer.read()  # type: ignore[no-any-return]
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def summary_when(port: int, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The summary on the web page's port, once something holds of it."""
    end = time.monotonic() + DEADLINE
    while True:
        summary: dict[str, Any] = json.loads(fetch(f"http://127.0.0.1:{port}/sioprobe/summary"))
        if holds(summary):
            return summary
        assert time.monotonic() < end, json.dumps({**summary, "series": None}, indent=1)
        time.sleep(0.2)


def counts_of_summary(path: Path) -> Counts:
    """Those of `--summary-json`."""
    return {
        (series["type"], series["name"]): (series["count"], sum(series["errors"].values()))
        for series in json.loads(path.read_text())["series"]
    }


def counts_of_csv(path: Path) -> Counts:
    """Those of `--csv`, without the total."""
    with path.open(newline="") as file:
        return {
            (row["Type"], row["Name"]): (int(row["Request Count"]), int(row["Failure Count"]))
            for row in csv.DictReader(file)
            if row["Name"] != "Aggregated" and row["Request Count"] != "0"
        }


def counts_of_html(path: Path) -> Counts:
    """Those of `--html`, without the total."""
    text = path.read_text()
    found = re.search(r"window\.templateArgs\s*=\s*(?={)", text)
    assert found is not None
    report, _ = json.JSONDecoder().raw_decode(text[found.end() :])
    return {
        (entry["method"], entry["name"]): (entry["num_requests"], entry["num_failures"])
        for entry in report["requests_statistics"]
        if entry["name"] != "Aggregated" and entry["num_requests"]
    }


def counts_of_console(stderr: str) -> Counts:
    """Those of the last table that Locust printed, without the total."""
    table = stderr[stderr.rindex("# reqs      # fails") : stderr.rindex("Response time percentiles")]
    found = re.findall(r"^(SIO \w+)\s+(\S+)\s+(\d+)\s+(\d+)\(", table, re.MULTILINE)
    return {(type, name): (int(count), int(failed)) for type, name, count, failed in found if count != "0"}
