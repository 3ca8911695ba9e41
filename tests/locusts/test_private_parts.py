"""The parts of Locust beside its documented interface are where `private_parts` looks for them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT

PROGRAM = "from sioprobe.locusts.private_parts import missing; print(missing())"
MOVED = """
import locust.event, locust.runners, locust.stats
del locust.runners.WorkerRunner._send_stats, locust.stats.bucket_response_time

def __init__(self):
    self.handlers = []
    self.add_listener = lambda handler: handler
    self.fire = lambda **_: None

locust.event.EventHook.__init__ = __init__
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_this_locust_has_all_of_them() -> None:
    assert run(PROGRAM) == "[]"


def test_what_a_new_locust_has_moved_is_named() -> None:
    moved = ["EventHook._handlers", "WorkerRunner._send_stats", "locust.stats.bucket_response_time"]
    assert run(MOVED + PROGRAM) == str(moved)


def test_nobody_else_uses_them() -> None:
    private = re.compile(
        r"_handlers\b|_users_dispatcher|_send_stats|WORKER_REPORT_INTERVAL|StatsCSV|StatsError"
        r"|bucket_response_time|PERCENTILES_TO_REPORT|\.custom_messages"
    )
    files = [file for room in ("sioprobe", "load") for file in Path(ROOT, room).rglob("*.py")]
    users = [file.name for file in files if private.search(file.read_text("utf-8"))]
    assert users == ["private_parts.py"]
