"""One test that starts what tests start, says so, and waits.

`tests/test_children.py` runs it, and ends that run. pytest does not collect it by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser

from server_under_test.foreign.servers import FOREIGN, ready
from server_under_test.queues.redis_server import find_redis
from server_under_test.starting.modes import MODES, missing
from tests.chromium import browser as browser
from tests.servers import ROOT

STARTED = "STARTED"
"""The variable with the path of the file that is made when all of them run."""
REFERENCE = ("-m", "server_under_test", "--port", "0")
MODES_STARTED = ("threading", "gevent", "gunicorn-gthread", "gevent_uwsgi")
FOREIGN_STARTED = ("uvicorn", "node", "bun-engine", "socketioxide", "zishang520", "netty-socketio")


def programs() -> list[tuple[str, ...]]:
    """Arguments of Python: each of them prints READY."""
    found: list[tuple[str, ...]] = [
        ("-m", "load.blocks.null_server"),
        ("-m", "tests.strict_server"),
        ("-m", "tests.conformance.flask_faults.servers"),
        ("-m", "tests.server_under_test.crippled_app"),
    ]
    found += [(*REFERENCE, "--mode", name) for name in MODES_STARTED if missing(MODES[name]) is None]
    found += [(*REFERENCE, "--server", name) for name in FOREIGN_STARTED if ready(FOREIGN[name])]
    if find_redis() is not None:
        found.append((*REFERENCE, "--mode", "threading", "--workers", "2", "--queue", "redis"))
    return found


def start(*arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, start_new_session=True
    )


def url_of(process: subprocess.Popen[bytes]) -> str:
    """The first URL behind READY."""
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith(b"READY "))
    urls: list[str] = json.loads(line.removeprefix(b"READY "))["urls"]
    return urls[0] if urls else ""


def test_everything_runs(browser: Browser) -> None:
    null, *others = [start(*arguments) for arguments in programs()]
    forking = start("-m", "tests.reference_breaks.python", "-", stdin=subprocess.PIPE)
    assert forking.stdin is not None
    forking.stdin.write(b"none\n")
    forking.stdin.flush()
    url = url_of(null)
    start(
        "-m", "load", "--url", url, "--users", "2", "--processes", "2", "--seconds", "600", "--no-calibrate"
    )
    for process in (*others, forking):
        url_of(process)
    while not loaded(url):
        time.sleep(0.05)
    Path(os.environ[STARTED]).touch()
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])


def loaded(url: str) -> bool:
    """Whether both users of the load are there."""
    with urllib.request.urlopen(f"{url}/counts", timeout=60) as answer:
        return int(json.load(answer)["sessions"]) == 2
