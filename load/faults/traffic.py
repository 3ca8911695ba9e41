"""The clients of one cluster: for each worker a publisher and a receiver, with a connection each.

The receivers are in one room. Each publisher emits `in` ROOM EVENT [epoch, worker, number, padding] at a
steady rate and asks for an ack, which comes when the server's own `emit` has returned. Lost connections come
back as those of socket.io-client do. An epoch is the time of one fault: what comes from an earlier one is not
counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from time import monotonic_ns
from typing import Any

import gevent

from load.faults.accounts import Course, Heard, Sent
from load.faults.catalogue import FLOOD_BYTES
from sioprobe.engine import Backoff, Connection, Engine, Listener, SwarmError, Target

__all__ = ["Traffic"]

ROOM, EVENT = "ledger", "m"
ACK_SECONDS = 600.0
"""An ack may take as long as a fault: nobody gives one up before the end."""
CONNECT_SECONDS = 10.0
MOST_LARGE = 8
"""So many large events of a publisher may be without an ack: more would only wait on our side."""
Loss = tuple[int, str, str]


class _Client(Listener):
    """One of the clients. `losses` is shared by all."""

    role = ""
    keeps_offsets = False

    def __init__(self, connection: Connection, worker: int, losses: list[Loss]) -> None:
        self.connection = connection
        self.worker = worker
        self.losses = losses
        self._there = False
        connection.listener = self

    def connected(self, connection: Connection, namespace: str) -> None:
        self._there = True

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        # Each attempt that fails is told, too.
        if self._there:
            self._there = False
            self.losses.append((monotonic_ns(), f"{self.role} {self.worker}", str(failure)))


class _Publisher(_Client):
    """Writes into `sent` what it emits."""

    role = "publisher"

    def __init__(self, connection: Connection, worker: int, losses: list[Loss]) -> None:
        super().__init__(connection, worker, losses)
        self.sent = Sent()
        self._large = 0

    def publish(self, epoch: int, padding: str) -> None:
        """Emit the next number, if there is a connection; with the padding if there is room for it."""
        if not self.connection.namespaces:
            return
        sent = self.sent
        number = len(sent.moments)
        large = bool(padding) and self._large < MOST_LARGE
        words = [epoch, self.worker, number, *([padding] if large else [])]
        sent.moments.append(monotonic_ns())
        ended = partial(self._ended, sent, number, large)
        try:
            self.connection.emit("in", ROOM, EVENT, *words, ack=ended, timeout=ACK_SECONDS)
        except SwarmError:
            sent.moments.pop()
            return
        self._large += large
        sent.large += large

    def _ended(
        self, sent: Sent, number: int, large: bool, args: list[Any] | None, failure: SwarmError | None
    ) -> None:
        self._large -= large
        if failure is None:
            sent.acks[number] = monotonic_ns()
        else:
            sent.cut_off.add(number)


class _Receiver(_Client):
    """Writes into `heard` what comes."""

    role = "receiver"

    def __init__(self, connection: Connection, worker: int, losses: list[Loss]) -> None:
        super().__init__(connection, worker, losses)
        self.heard = Heard()
        self.epoch = 0

    def connected(self, connection: Connection, namespace: str) -> None:
        super().connected(connection, namespace)
        connection.emit("join", ROOM, ack=self._joined)

    def _joined(self, args: list[Any] | None, failure: SwarmError | None) -> None:
        if failure is None:
            self.heard.presence.append((monotonic_ns(), True))

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        super().lost(connection, failure)
        if self.heard.present:
            self.heard.presence.append((monotonic_ns(), False))

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        if name == EVENT and args[0] == self.epoch:
            self.heard.receive(args[1], args[2], monotonic_ns())


class Traffic:
    """The clients at these URLs, which is one for each worker. `close` ends them."""

    def __init__(
        self, engine: Engine, urls: Sequence[str], transport: str, rate: float, *, known_workers: bool = True
    ) -> None:
        self._interval = 1.0 / rate
        self._known_workers = known_workers
        self._connections: list[Connection] = []
        self._flooding: Collection[int] = ()
        self._flow: gevent.Greenlet[..., None] | None = None
        self._epoch = 0
        self.lag = 0.0
        """How many seconds too late a round of events went out, at most."""

        def connection(url: str) -> Connection:
            made = Connection(
                engine, Target.from_url(url), transport, timeout=CONNECT_SECONDS, backoff=Backoff()
            )
            self._connections.append(made)
            return made

        self._losses: list[Loss] = []
        numbered = list(enumerate(urls, start=1))
        self._publishers = [_Publisher(connection(url), worker, self._losses) for worker, url in numbered]
        self._receivers = [_Receiver(connection(url), worker, self._losses) for worker, url in numbered]
        for each in self._connections:
            each.connect()

    @property
    def ready(self) -> bool:
        """Whether every publisher is connected, and every receiver is in the room."""
        return all(each.connection.namespaces for each in self._publishers) and all(
            each.heard.present for each in self._receivers
        )

    @property
    def broken(self) -> str | None:
        """Why a connection is over for good."""
        over = next((each for each in self._connections if each.closed), None)
        return None if over is None else str(over.failure or "a connection was closed")

    def begin(self) -> Course:
        """Begin the flow of another epoch."""
        self._epoch += 1
        self.lag = 0.0
        self._losses.clear()
        for publisher in self._publishers:
            publisher.sent = Sent()
        for receiver in self._receivers:
            presence = receiver.heard.presence[-1:]
            receiver.heard, receiver.epoch = Heard(presence=presence), self._epoch
        self._flow = gevent.spawn(self._publish)
        return Course(
            sent={each.worker: each.sent for each in self._publishers},
            heard={each.worker: each.heard for each in self._receivers},
            losses=self._losses,
            known_workers=self._known_workers,
        )

    def flood(self, workers: Collection[int]) -> None:
        """From now on the events of these publishers are large; with none they are all small again."""
        self._flooding = workers

    def end(self) -> None:
        """End the flow."""
        if self._flow is not None:
            self._flow.kill()
            self._flow = None
        self.flood(())

    def _publish(self) -> None:
        padding = "x" * FLOOD_BYTES
        due = monotonic_ns()
        while True:
            for publisher in self._publishers:
                publisher.publish(self._epoch, padding if publisher.worker in self._flooding else "")
            due += int(self._interval * 1e9)
            ahead = (due - monotonic_ns()) / 1e9
            self.lag = max(self.lag, -ahead)
            gevent.sleep(max(0.0, ahead))

    def close(self) -> None:
        """End the flow and the connections."""
        self.end()
        for each in self._connections:
            each.abort()
