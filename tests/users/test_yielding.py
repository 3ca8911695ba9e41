"""Between two tasks a user lets the others run, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, start_server
from tests.users.test_user import run

TASKS = """
    import gevent
    from locust import task
    from sioprobe import SocketIOUser

    slept = {}
    sleep = gevent.sleep


    def counted(seconds=0, ref=True):
        slept[gevent.getcurrent()] = slept.get(gevent.getcurrent(), 0) + 1
        sleep(seconds, ref)


    gevent.sleep = counted


    class Busy(SocketIOUser):
        fixed_count = 1

        @task
        def nothing(self):
            pass


    class Caller(SocketIOUser):
        fixed_count = 1

        def on_start(self):
            self.calls = 0
            self.connect()

        @task
        def ask(self):
            self.call("message-with-ack", 1)
            self.calls += 1
            if self.calls == 20:
                print("SLEPT", slept.get(gevent.getcurrent(), 0))
                gevent.spawn(self.environment.runner.quit)
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with start_server("threading") as started:
        yield started


def test_a_user_who_never_waits_yields_and_one_who_calls_has_done_so(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, TASKS, "-u", "2", "-r", "2", "-t", "40s", "--host", server.url)

    assert "SLEPT 0" in done.stdout, done.stderr
