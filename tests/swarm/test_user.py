"""`SocketIOUser` in locustfiles of a user's own, run by Locust in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from load.metrics import server_metrics
from tests.servers import ROOT, Server, start_server

LOCUST = str(Path(sys.executable).with_name("locust"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_server("threading") as started:
        yield started


def run(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a locustfile from a folder that is not the project's."""
    file = folder / "my_locustfile.py"
    file.write_text(textwrap.dedent(source))
    return subprocess.run(
        [LOCUST, "-f", str(file), "--headless", "--only-summary", "--json", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )


def counts(stdout: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    entries = json.loads(stdout[stdout.index("[") :])
    return {
        (entry["method"], entry["name"]): (
            entry["num_requests"],
            entry["num_failures"],
            entry["num_none_requests"],
        )
        for entry in entries
    }


WHOLE = """
    from locust import task
    from sioprobe import SocketIOUser


    class Chatter(SocketIOUser):
        transport = "TRANSPORT"

        def on_start(self):
            self.on("message-back", self.heard)
            self.on("question", lambda number: (number, b"answer"))
            self.on("asked", self.heard)
            self.things = []
            socket_id = self.connect(auth={"token": "good"})
            assert socket_id and self.connected
            self.connect("/custom")

        def heard(self, *things):
            # A handler may block.
            assert self.call("message-with-ack", "in a handler", 2, 3) == ["in a handler", 2, 3]
            self.things.append(things)

        @task
        def talk(self):
            assert self.call("message-with-ack", 1, b"x", {"a": [b""]}, timeout=5) == [1, b"x", {"a": [b""]}]
            assert self.call("join", "lobby", namespace="/custom", name="join a room") == ["lobby"]
            self.emit("message", "hello", b"bytes", 3)
            self.emit("ask", "question", 7)
            self.wait_for(2)
            assert self.things == [("hello", b"bytes", 3), (7, b"answer")], self.things
            self.disconnect()
            assert not self.connected
            self.environment.runner.quit()

        def wait_for(self, number):
            import gevent

            with gevent.Timeout(10):
                while len(self.things) < number:
                    gevent.sleep(0.01)
"""


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_tasks_are_plain_python(server: Server, tmp_path: Path, transport: str) -> None:
    done = run(tmp_path, WHOLE.replace("TRANSPORT", transport), "-u", "1", "-t", "40s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    found = counts(done.stdout)
    assert found["SIO connect", transport] == (2, 0, 0)
    assert found["SIO ack", "message-with-ack"] == (3, 0, 0)
    assert found["SIO ack", "join a room"] == (1, 0, 0)
    assert found["SIO emit", "message"] == (1, 0, 1)
    assert found["SIO event", "message-back"] == (1, 0, 1)
    assert ("SIO session", transport) not in found


FAILING = """
    from locust import task
    from sioprobe import SocketIOUser
    from sioprobe.swarm import SwarmError


    class Unlucky(SocketIOUser):
        @task
        def fail(self):
            kinds = []
            for step in (
                lambda: self.emit("too early"),
                lambda: self.call("too early"),
                lambda: self.connect("/reject"),
                lambda: self.connect(),
                lambda: self.emit("here", namespace="/elsewhere"),
                lambda: self.call("nobody-answers", timeout=0.3),
            ):
                try:
                    step()
                    kinds.append("fine")
                except SwarmError as error:
                    kinds.append(error.kind)
            print("KINDS", kinds)
            self.environment.runner.quit()
"""


def test_what_fails_is_raised_and_counted(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, FAILING, "-u", "1", "-t", "40s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("KINDS"))
    expected = ["not connected", "not connected", "connect refused", "fine", "not connected"]
    assert line.startswith(f"KINDS {expected}"[:-1])
    found = counts(done.stdout[done.stdout.index("[\n") :])
    assert found["SIO connect", "websocket"] == (2, 1, 1)
    assert found["SIO emit", "too early"] == (1, 1, 1)
    assert found["SIO ack", "too early"] == (1, 1, 1)
    assert done.returncode == 1


def test_the_connection_ends_with_the_user_whatever_on_stop_does(server: Server, tmp_path: Path) -> None:
    source = """
        from locust import task
        from sioprobe import SocketIOUser


        class Rude(SocketIOUser):
            def on_start(self):
                self.connect()

            def on_stop(self):
                pass

            @task
            def talk(self):
                self.call("message-with-ack", 1, 2, 3)
    """
    done = run(tmp_path, source, "-u", "3", "-r", "3", "-t", "5s", "--host", server.url)

    assert done.returncode == 0, done.stderr
    assert counts(done.stdout)["SIO connect", "websocket"] == (3, 0, 0)
    # The server's patience with a lost client is 45 s; the socket of a closed one is gone at once.
    deadline = time.monotonic() + 30
    while (metrics := server_metrics(server.url)) is None or any(metrics["sockets"].values()):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)


def test_sioprobe_has_no_other_lazy_names() -> None:
    import sioprobe

    with pytest.raises(AttributeError, match="no attribute 'SocketIOUsers'"):
        sioprobe.SocketIOUsers  # noqa: B018
