"""The health check that the page about faults shows: it is red while a process does not hear the queue."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from server_under_test.queues.redis_server import start as start_redis
from server_under_test.starting.children import stop_children
from tests.server_under_test.conftest import require_redis
from tests.servers import ROOT, start_command

APPLICATION = ROOT / "tests/applications/health/app.py"
DEADLINE = 60.0
# After so much silence of Redis a publish fails.
TIMEOUTS = "socket_timeout=1&socket_connect_timeout=1"

SERVE = """

import json

from werkzeug.serving import make_server

server = make_server("127.0.0.1", 0, app, threaded=True)
print("READY", json.dumps({"urls": [f"http://127.0.0.1:{server.port}"]}), flush=True)
server.serve_forever()
"""


class Link:
    """A way to the queue that can be frozen."""

    def __init__(self, address: str) -> None:
        words = [sys.executable, "-m", "server_under_test.cluster.links", "--links", "1", address]
        self.process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ((self.port,),) = json.loads(self._answer())

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[list[str], Link, str]]:
    """The URLs of two processes of the application, and of the queue; the way of the first can be frozen."""
    require_redis()
    program = APPLICATION.read_text("utf-8").replace("DEAF_SECONDS = 5", "DEAF_SECONDS = 3")
    # Without it Flask-SocketIO takes eventlet, which must patch first.
    program = program.replace("client_manager=manager", 'async_mode="threading", client_manager=manager')
    (tmp_path / "app.py").write_text(program + SERVE)
    queue = start_redis()
    address = queue.url.partition("//")[2].partition("/")[0]
    with ExitStack() as stack:
        stack.callback(stop_children, queue.processes, 5.0)
        link = Link(address)
        stack.callback(link.close)
        urls = [
            stack.enter_context(
                start_command([sys.executable, str(tmp_path / "app.py")], environment={"QUEUE_URL": url})
            ).url
            for url in (f"redis://127.0.0.1:{link.port}/0?{TIMEOUTS}", queue.url)
        ]
        yield urls, link, queue.url


def health(url: str) -> tuple[int, int]:
    """The status, and how many emits wait."""
    try:
        with urllib.request.urlopen(url + "/health", timeout=10.0) as answer:
            return answer.status, json.load(answer)["waiting"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["waiting"]


def status(url: str) -> int:
    return health(url)[0]


def wait(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, f"not within {DEADLINE:.0f} s: {what}"
        time.sleep(0.1)


def listeners(queue_url: str) -> set[str]:
    """The connections that listen, by the ids that Redis gave them."""
    with redis.Redis.from_url(queue_url) as client:
        return {one["id"] for one in client.client_list(_type="pubsub")}


def test_it_is_red_while_the_process_is_deaf_and_emit_does_not_wait(
    processes: tuple[list[str], Link, str],
) -> None:
    (deaf, well), link, queue_url = processes
    assert (status(deaf), status(well)) == (200, 200)
    listening = listeners(queue_url)

    link.tell("freeze 1")
    wait(lambda: status(deaf) == 503, "red")
    # The other process hears itself, so it is not the queue.
    wait(lambda: status(well) == 200, "green")

    # The hellos wait, and not the task that emits them.
    wait(lambda: health(deaf)[1] >= 3, "three hellos that wait")

    link.tell("thaw 1")
    wait(lambda: health(deaf) == (200, 0), "green again, and nothing waits")
    assert listeners(queue_url) == listening  # what fails to publish does not cut what listens


def test_the_page_shows_this_application() -> None:
    page = (ROOT / "docs/measured/faults.md").read_text("utf-8")

    assert '--8<-- "tests/applications/health/app.py"' in page
