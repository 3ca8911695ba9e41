"""`--sio-events`: listeners of Locust's `events.request` hear of each operation, or of none."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sioprobe.harness import harness_environment
from tests.servers import Server, start_command

LOCUST = str(Path(sys.executable).with_name("locust"))
HEADLESS = ("--headless", "--only-summary", "--json", "-u", "1")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "load.blocks.null_server", "--port", "0"]) as started:
        yield started


SOURCE = """
    import json
    import os

    import gevent
    import locust
    from locust import task
    from sioprobe import SocketIOUser
    from sioprobe.engine import SwarmError

    heard = []


    def hear(request_type, name, response_time, exception, start_time, **more):
        if not heard:
            gevent.sleep(0.01)  # a listener may block
        heard.append([request_type, name, response_time, repr(exception), start_time > 1e9])


    if os.environ["LISTEN"] == "yes":
        locust.events.request.add_listener(hear)


    @locust.events.quit.add_listener
    def tell(**_):
        with open("heard.json", "w") as file:
            json.dump(heard, file)


    class Asker(SocketIOUser):
        def on_start(self):
            self.connect()

        @task
        def play(self):
            for number in range(100):
                self.call("message-with-ack", number)
            self.emit("anything")
            try:
                self.call("never answered", timeout=0.1)
            except SwarmError:
                pass
            self.disconnect()
            self.environment.runner.quit()
"""


def run(
    folder: Path, server: Server, listen: str, *arguments: str
) -> tuple[dict[str, tuple[int, int]], list[Any]]:
    """What Locust counted, requests and failures by name, and what the listener heard."""
    (folder / "asker.py").write_text(textwrap.dedent(SOURCE))
    done = subprocess.run(
        [LOCUST, "-f", "asker.py", "--host", server.url, *HEADLESS, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env=harness_environment(LISTEN=listen),
    )
    assert "[\n" in done.stdout, done.stderr
    entries = json.loads(done.stdout[done.stdout.index("[\n") :])
    counted = {entry["name"]: (entry["num_requests"], entry["num_failures"]) for entry in entries}
    return counted, json.loads((folder / "heard.json").read_text())


COUNTED = {"websocket": (1, 0), "message-with-ack": (100, 0), "never answered": (1, 1), "anything": (1, 0)}


@pytest.mark.parametrize("arguments", [(), ("--sio-events", "fire")], ids=["auto", "fire"])
def test_a_listener_hears_each_operation_once(
    server: Server, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    counted, heard = run(tmp_path, server, "yes", *arguments)

    assert counted == COUNTED
    assert {name: requests for name, (requests, _) in counted.items()} == Counter(event[1] for event in heard)
    timed = [event for event in heard if event[1] == "message-with-ack" and event[3] == "None"]
    assert len(timed) == 100
    assert all(event[2] > 0 and event[4] for event in timed)
    (failed,) = [event for event in heard if event[3] != "None"]
    assert failed[:4] == ["SIO ack", "never answered", None, "SwarmError('timeout')"]
    (emitted,) = [event for event in heard if event[0] == "SIO emit"]
    assert emitted[2] is None


def test_batch_calls_nobody_and_counts_the_same(server: Server, tmp_path: Path) -> None:
    counted, heard = run(tmp_path, server, "yes", "--sio-events", "batch")

    assert heard == []
    assert counted == COUNTED


def test_a_wrong_mode_gets_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "asker.py").write_text(textwrap.dedent(SOURCE))
    done = subprocess.run(
        [LOCUST, "-f", "asker.py", "--sio-events", "bach"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=harness_environment(LISTEN="no"),
    )

    assert done.returncode == 2
    assert "unknown mode 'bach' (the nearest is 'batch'; valid are auto, fire, batch)" in done.stderr
