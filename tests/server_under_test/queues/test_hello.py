"""A process is ready when it hears itself through the queue, and not before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from server_under_test.queues import hello


class Server:
    """A Socket.IO server, and its manager, whose queue loses the first messages."""

    def __init__(self, lost: int, pack: Callable[[Any], Any]) -> None:
        self.manager = self
        self.host_id = "mine"
        self.manager_initialized = False
        self.published = 0
        self.heard: list[Any] = []
        self._lost, self._pack = lost, pack
        self._queue: list[Any] = ["no JSON", b"\xff", "[]", {"method": "hello", "host_id": "another"}]

    def initialize(self) -> None:
        assert self.manager_initialized

    def sleep(self, seconds: float) -> None:
        """The turn of the listener."""
        self.heard += self._listen()

    def _publish(self, message: Any) -> None:
        self.published += 1
        if self.published > self._lost:
            self._queue.append(self._pack(message))

    def _listen(self) -> Iterator[Any]:
        while self._queue:
            yield self._queue.pop(0)


def packed_as_bytes(message: Any) -> bytes:
    return json.dumps(message).encode()


def as_it_is(message: Any) -> Any:
    return message


@pytest.mark.parametrize("pack", [json.dumps, packed_as_bytes, as_it_is])
def test_it_says_hello_until_it_hears_itself(pack: Callable[[Any], Any]) -> None:
    server = Server(lost=3, pack=pack)
    hello.listen([server], "redis")
    assert server.published == 4
    # Everything reaches python-socketio's own listener.
    assert len(server.heard) == 5


def test_one_that_does_not_hear_itself_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hello, "PATIENCE_SECONDS", 0.0)
    hello.listen([Server(3, json.dumps)], "kafka://h")
    line = "this process does not hear its own messages through the queue kafka://h; it still tries\n"
    assert capsys.readouterr().err == line
