"""Connections to one server that send a message and wait for its answer, as often as one says."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from itertools import count
from time import monotonic_ns
from typing import Any, Protocol

import gevent
from gevent.event import Event

from load.playing.calling import Calls, Pending, Start, turns_of
from load.servers.message_sizes import too_large
from load.side_by_side.asking import LifeError, LifeRequest
from load.side_by_side.starting import RunningServer
from sioprobe.engine import Connection, Engine, Listener, SwarmError, Target
from sioprobe.engine.acks import WaitingAcks

__all__ = ["Players", "Playing"]

ANSWER_SECONDS = 10.0
RETRY_SECONDS = 0.05
NOT_ACCEPTED = "did not accept a Socket.IO client"
FIRST_NUMBER = 10_000
"""Numbers and ack ids of one length, so that a message has the same number of bytes each time."""


class Playing(Protocol):
    """The clients of one server. Every method raises LifeError if the server fails."""

    @property
    def packets(self) -> int:
        """Socket.IO packets that came."""

    @property
    def connections(self) -> int:
        """How many there are, once they are connected."""

    def over(self, transport: str) -> Playing:
        """Others for the same server, not connected yet."""

    def connect(self, end: float) -> None:
        """Open all connections, at most until `end` (monotonic)."""

    def play(self, messages: int) -> tuple[int, float]:
        """Play so many messages or tasks: nanoseconds to the last end, and the p50 in µs."""

    def finish(self, first: Any) -> None:
        """At the end of a life: make sure that it played what the `first` server's players did."""

    def repeated(self, turns: int) -> bool:
        """Whether the last turns were all the same."""

    def close(self) -> None:
        """Cut all connections."""


class _Player(Listener):
    """One connection; `quota` is how many messages it has still to send in this slice."""

    __slots__ = ("_calls", "_sent_at", "_turn", "_waiting", "connection", "failure", "owner", "quota", "user")

    keeps_offsets = False

    def __init__(self, owner: Players, connection: Connection, user: int) -> None:
        self.owner = owner
        self.connection = connection
        self.quota = 0
        self.failure: str | None = None
        self.user = self._turn = user
        self._calls = Calls(owner.messages, user)
        self._waiting: list[Pending] = []
        self._sent_at = 0
        connection.listener = self
        connection.tap = self._tap
        connection.acks = WaitingAcks(FIRST_NUMBER)

    def send(self) -> None:
        self.quota -= 1
        self._sent_at = monotonic_ns()
        turns = self.owner.turns
        call = self._calls.each[turns[self._turn % len(turns)]]
        self._turn += 1
        self._waiting = [call.send(self.connection, next(self.owner.numbers))]

    def _tap(self, text: str) -> bool:
        self.owner.packets += 1
        if self._calls.of_text(text, self._waiting) is None:
            return False
        self._answered()
        return True

    def _answered(self) -> None:
        self._waiting = []
        self.owner.latencies.append(monotonic_ns() - self._sent_at)
        if self.quota > 0:
            self.send()
        else:
            self.owner.finished()

    # What the tap does not take: answers with attachments, or in an unusual spelling.

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        Listener.event(self, connection, namespace, name, args, ack_id)
        if self._calls.of_event(name, args, self._waiting) is not None:
            self._answered()

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        pending = self._calls.of_ack(ack_id, self._waiting)
        if pending is None:
            return
        if pending.fits(args):
            self._answered()
        else:
            self._fail(f"an ack of {pending.call.event!r} does not match")

    def connected(self, connection: Connection, namespace: str) -> None:
        owner = self.owner
        Start(owner.engine, connection, owner.request.on_start, self.user, owner.numbers, owner.finished)

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self._fail(f"the server refused the namespace {namespace}")

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self._fail("the server disconnected a client")

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        if failure is not None:
            lost = "a connection was lost" if self.owner.connected else f"the server {NOT_ACCEPTED}"
            self._fail(f"{lost}: {failure}")

    def _fail(self, problem: str) -> None:
        self.failure = problem
        self.owner.stop_waiting()


class Players:
    """All connections of one server. Raises LifeError where the server does not answer."""

    def __init__(self, engine: Engine, server: RunningServer, request: LifeRequest) -> None:
        self.engine = engine
        self.request = request
        self.messages = (request.message, *request.others)
        self.turns = turns_of(self.messages)
        self.numbers = count(FIRST_NUMBER)
        self._server = server
        self._players: list[_Player] = []
        self._waiting = 0
        self._done = Event()
        self.connected = False
        self.latencies: list[int] = []
        self.packets = 0
        """Socket.IO packets that came."""

    def over(self, transport: str) -> Players:
        """Others for the same server, not connected yet."""
        return Players(self.engine, self._server, replace(self.request, transport=transport))

    def connect(self, end: float) -> None:
        """Open all connections; a server that does not accept yet is asked again until `end` (monotonic)."""
        while True:
            try:
                self._connect_all(max(1.0, end - time.monotonic()))
            except LifeError:
                self.close()
                self._server.check()
                if time.monotonic() > end:
                    raise
            else:
                self._check_sizes()
                return
            gevent.sleep(RETRY_SECONDS)

    def _check_sizes(self) -> None:
        """Else every connection would end at its first message."""
        opened = self._players[0].connection.session.opened
        size = max(len(message.arguments.encode()) for message in self.messages)
        if opened is not None and (problem := too_large("a client", size, opened)):
            raise LifeError(f"{self._name}: {problem}", self._name)

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._players)

    def finish(self, first: Any) -> None:
        """Every message is the same."""

    def repeated(self, turns: int) -> bool:
        """Every message is the same."""
        return True

    def _connect_all(self, seconds: float) -> None:
        request = self.request
        try:
            how = request.connection.target_arguments()
            target = Target.from_url(self._server.url, request.connection.path, **how)
        except SwarmError as error:
            raise LifeError(f"{self._name}: {error}", self._name) from None
        self._players = [
            _Player(self, Connection(self.engine, target, request.transport, timeout=seconds), user)
            for user in range(1, request.connections + 1)
        ]
        self._begin(len(self._players))
        for player in self._players:
            player.connection.connect(request.message.namespace, request.connection.auth)
        self._wait(seconds, NOT_ACCEPTED)
        self.connected = True

    def play(self, messages: int) -> tuple[int, float]:
        """Send so many messages over all connections: nanoseconds to the last answer, and the p50 in µs."""
        players = self._players[:messages]
        each, more = divmod(messages, len(players))
        self.latencies.clear()
        self._begin(len(players))
        started = monotonic_ns()
        for number, player in enumerate(players):
            player.quota = each + (number < more)
            player.send()
        events = " or ".join(dict.fromkeys(repr(message.event) for message in self.messages))
        self._wait(ANSWER_SECONDS, f"did not answer {events}")
        return monotonic_ns() - started, statistics.median(self.latencies) / 1000

    @property
    def _name(self) -> str:
        return self._server.side.name

    def _begin(self, awaited: int) -> None:
        self._waiting = awaited
        self._done.clear()

    def finished(self) -> None:
        """A player has done what it had to."""
        self._waiting -= 1
        if self._waiting == 0:
            self._done.set()

    def stop_waiting(self) -> None:
        """A player has failed."""
        self._done.set()

    def _wait(self, seconds: float, problem: str) -> None:
        in_time = self._done.wait(seconds)
        failure = next((player.failure for player in self._players if player.failure is not None), None)
        if failure is not None:
            self._server.check(lost=True)
            raise LifeError(f"{self._name}: {failure}", self._name)
        if not in_time:
            self._server.check()
            raise LifeError(
                f"{self._name}: the server {problem} within {seconds:.0f} s; its last line: "
                f"{self._server.last_line()}",
                self._name,
            )

    def close(self) -> None:
        """Cut all connections."""
        for player in self._players:
            player.connection.listener = Listener()
            player.connection.abort()
        self._players = []
