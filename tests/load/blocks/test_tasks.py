"""Blocks of a locustfile: what is counted as an operation, and what a task that fails does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load.blocks.test_block import Generator
from tests.servers import Server, start_server

FILE = """
from locust import constant, task
from sioprobe import SocketIOUser


class Mixed(SocketIOUser):
    wait_time = constant(0.02)

    def on_start(self):
        self.on("message-back", lambda *_: None)
        self.connect()

    @task
    def ask(self):
        self.call("message-with-ack", 1)
        self.call("message", 2, answer="message-back")

    @task
    def say(self):
        self.emit("message", 3)
        BODY
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_server("threading") as started:
        yield started


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    generator = Generator()
    yield generator
    assert generator.close() == 0


def block(generator: Generator, server: Server, file: Path, **more: Any) -> dict[str, Any]:
    return generator.block(url=server.url, locustfile=str(file), server_pids=server.about["pids"], **more)


def test_answered_calls_are_operations_and_all_packets_are_messages(
    generator: Generator, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.py"
    file.write_text(FILE.replace("BODY", "pass"))

    for transport in ("websocket", "polling", "upgrade"):
        found = block(generator, server, file, transport=transport, connections=6)

        assert found["error_kinds"] == {}
        assert (found["scenario"], found["connected"]) == ("locustfile", 6)
        assert found["operations"] == found["latency"]["count"] > 0
        assert 0 < found["latency"]["p50"] <= found["latency"]["max"]
        tasks = found["found"]["tasks"]
        assert found["found"]["locustfile"] == "mixed.py"
        asked, said = tasks["Mixed.ask"]["count"], tasks["Mixed.say"]["count"]
        # Tasks and calls that lie across the end of the window: one for each user at most.
        assert abs(found["operations"] - 2 * asked) <= 12
        # Two packets a call, two for each emit and the event that answers it.
        assert abs(found["messages"] - 4 * asked - 2 * said) <= 24
        # With their wait time, users do no more tasks than this.
        assert asked + said <= 6 * (found["seconds"] / 0.02 + 1)
        assert any(words.startswith("Mixed.ask: ") for words in found["found"]["words"])
        assert found["generator"]["unconfirmed_closes"] == 0
        assert found["server"]["cpu_seconds"] > 0


def test_a_task_that_fails_is_an_error_and_the_next_one_follows(
    generator: Generator, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.py"
    file.write_text(FILE.replace("BODY", "assert False"))

    found = block(generator, server, file)

    assert found["error_kinds"] == {"AssertionError": found["errors"]}
    assert found["errors"] > 12
    assert found["operations"] > 0
    assert "Mixed.say" not in found["found"]["tasks"]


def test_tasks_that_only_emit_have_no_operations(
    generator: Generator, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "mixed.py"
    file.write_text(FILE.replace("BODY", "pass") + "\n\nMixed.tasks = [Mixed.say]\n")

    found = block(generator, server, file)

    assert (found["operations"], found["latency"]["p50"]) == (0, None)
    assert found["messages"] > 0
    assert found["found"]["tasks"]["Mixed.say"]["count"] > 0
    assert not any("operation" in reason for reason in found["validity"]["reasons"])


def test_a_scenario_follows_on_a_locustfile(generator: Generator, server: Server) -> None:
    found = generator.block(url=server.url)

    assert (found["scenario"], found["error_kinds"]) == ("ack", {})


@pytest.mark.parametrize(
    ("text", "request_", "line"),
    [
        ("", {"scenario": "ack"}, "locustfile and scenario say two different things"),
        ("", {"payload_bytes": 3}, "locustfile and payload_bytes say two different things"),
        ("", {}, "mixed.py: has no class that inherits from SocketIOUser"),
        (
            FILE,
            {"auth": {"a": 1}},
            "mixed.py: an auth payload is what its users give to self.connect(auth=...)",
        ),
        (
            FILE.replace("self.connect()", "self.connect('/nowhere')"),
            {},
            "no connection to http://127.0.0.1:",
        ),
    ],
    ids=["scenario", "parameter", "no user", "auth", "refused"],
)
def test_what_cannot_be_measured_is_one_line(
    generator: Generator, server: Server, tmp_path: Path, text: str, request_: dict[str, Any], line: str
) -> None:
    file = tmp_path / "mixed.py"
    file.write_text(text.replace("BODY", "pass"))

    assert block(generator, server, file, **request_)["error"].startswith(line)
