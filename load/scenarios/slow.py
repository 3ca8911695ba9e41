"""`slow`: rooms in which a share of the members stops reading for a while, and then reads again.

In each room one member publishes `in` room 's' [number, monotonic nanoseconds, payload] on a schedule, and
every member enters it. Three phases: `before`, all read; `slow`, a share of the members reads nothing (a
WebSocket is not read, the answer to a poll neither), so what the server sends them waits in its queues;
`after`, all read again, until the end of the run. The kernels of both sides keep megabytes for a connection:
a server feels only what goes beyond; payload, rate and length of the phase say how much that is.
The ledger is that of the healthy members; the slow ones have their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic_ns
from typing import Any

from load.scenarios.common import NANOSECONDS, Player, Scenario, kind_of_end
from load.scenarios.fanout import ROOM_SIZE
from load.scenarios.found import Found, pack
from load.scenarios.lives import CALM, Calm, Later
from load.scenarios.parameters import NAMESPACE, PAYLOAD_BYTES, TIMEOUT, Options, Parameter
from load.scenarios.slow_found import AFTER, BEFORE, PHASES, SLOW, slow_found
from load.server_watch import Watched
from sioprobe.results.histogram import Histogram
from sioprobe.swarm import Connection, Engine, Ledger, Recorder, SwarmError
from sioprobe.swarm.ledger import Receiver

__all__ = ["SlowScenario"]

EVENT = "s"
LOOK_SECONDS = 0.05

PUBLISH_RATE = Parameter(
    "publish_rate", 20.0, "messages in each room", unit="a second", least=0.1, most=100_000
)
SLOW_SHARE = Parameter(
    "slow_share", 0.2, "share of a room's members that stop reading; one at least", least=0, most=0.9
)
PHASE_SECONDS = Parameter(
    "phase_seconds",
    5.0,
    "how long all read before, and how long some then do not",
    unit="s",
    least=0.1,
    most=86_400,
)


class SlowScenario(Scenario):
    """One operation a delivery to a healthy member."""

    title = "some members of a room stop reading, and what that does to the others"
    parameters = (
        NAMESPACE,
        ROOM_SIZE,
        PUBLISH_RATE,
        replace(PAYLOAD_BYTES, default=10_000),
        SLOW_SHARE,
        PHASE_SECONDS,
        CALM,
        TIMEOUT,
    )
    has_phases = True
    operation = ("SIO deliver", EVENT)
    messages_per_operation = 1

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.ledger: Ledger = Ledger()
        self.slow_ledger = Ledger()
        self.series = engine.recorder.series(*self.operation)
        self.payload = "x" * options.payload_bytes
        self.rooms: list[Room] = []
        self.phase = ""
        self.latencies = {name: Histogram() for name in PHASES}
        self.slow: list[SlowPlayer] = []
        self.healthy_at_pause = 0
        self._began: dict[str, tuple[int, float]] = {}
        self._ended: tuple[int, float] | None = None
        self._calm = Calm(options.calm)
        self._timer = Later(engine)
        # Other processes have rooms on the same server.
        self._stem = f"slow-{os.getpid()}-{monotonic_ns():x}"

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the first room that is not full."""
        if not self.rooms:
            self._timer.set(LOOK_SECONDS, self._look)
        size = self.options.room_size
        room = next((room for room in self.rooms if len(room.seats) < size), None)
        if room is None:
            room = Room(self, f"{self._stem}-{len(self.rooms)}")
            self.rooms.append(room)
        player = SlowPlayer(self, connection, changed, room)
        room.seats.add(player)
        return player

    @property
    def published(self) -> int:
        """Messages published so far."""
        return self.ledger.published

    # The course of a run

    def arrived(self) -> None:
        """A member is in its room."""
        self._calm.disturb()

    def _look(self) -> None:
        if self.halted:
            return
        self._timer.set(LOOK_SECONDS, self._look)
        if not self.phase:
            if self._calm.reached and any(room.members for room in self.rooms):
                self._begin(BEFORE)
                for room in self.rooms:
                    room.start()
        elif self.phase == BEFORE and self._in_phase() >= self.options.phase_seconds:
            self._begin(SLOW)
            self.healthy_at_pause = sum(not member.chosen for room in self.rooms for member in room.members)
            for member in self.slow:
                member.stop_reading()
        elif self.phase == SLOW:
            for member in self.slow:
                member.look_for_end()
            if self._in_phase() >= self.options.phase_seconds:
                self._resume()

    def _resume(self) -> None:
        self._begin(AFTER)
        for member in self.slow:
            member.start_reading()

    def _begin(self, phase: str) -> None:
        self.phase = phase
        self._began[phase] = (monotonic_ns(), time.time())

    def _in_phase(self) -> float:
        return (monotonic_ns() - self._began[self.phase][0]) / NANOSECONDS

    def phase_of(self, stamp: int) -> str:
        """The phase in which a message was published."""
        return next(
            (name for name in reversed(PHASES) if name in self._began and stamp >= self._began[name][0]),
            BEFORE,
        )

    # Ends and accounts

    def halt(self) -> None:
        """Publish nothing more, and let all read what waits for them."""
        super().halt()
        self._timer.cancel()
        self._ended = (monotonic_ns(), time.time())
        for room in self.rooms:
            room.stop()
        for member in self.slow:
            member.start_reading()

    @property
    def at_rest(self) -> bool:
        """Whether every member that is connected has everything."""
        return all(member.has_all for room in self.rooms for member in room.members)

    def settle(self) -> None:
        """Enter what never came as lost; for the healthy members it is an error as well."""
        for room in self.rooms:
            for member in room.members:
                member.close_account()
        for kind in ("lost", "duplicated", "reordered"):
            for _ in range(getattr(self.ledger, kind)):
                self.series.error(kind)

    def state(self) -> dict[str, Any]:
        """Phases, latencies of the healthy members in each, what became of the slow ones."""
        now = self._ended or (monotonic_ns(), time.time())
        starts = [(name, *self._began[name]) for name in PHASES if name in self._began]
        ends = [*starts[1:], ("", *now)]
        return {
            "phases": [
                {"name": name, "at": at, "seconds": max(0.0, (end[1] - began) / NANOSECONDS)}
                for (name, began, at), end in zip(starts, ends, strict=True)
            ],
            "latencies": {name: pack(histogram) for name, histogram in self.latencies.items()},
            "healthy": self.healthy_at_pause,
            "slow": [member.fate() for member in self.slow if member.stopped],
            "slow_ledger": self.slow_ledger.to_json(),
        }

    @classmethod
    def found(cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched) -> Found:
        """The healthy with and without the slow, the server's memory, and what became of the slow."""
        return slow_found(states, server)


class Room:
    """Members in one process; the first one publishes and always reads."""

    def __init__(self, scenario: SlowScenario, name: str) -> None:
        self.scenario = scenario
        self.name = name
        self.seats: set[SlowPlayer] = set()
        self.members: list[SlowPlayer] = []
        self.published = 0
        self.running = False
        self._intended = 0
        self._interval = int(NANOSECONDS / scenario.options.publish_rate)
        self._timer = Later(scenario.engine)

    def join(self, member: SlowPlayer) -> None:
        """Take a member; once publishing goes on, it is a healthy one."""
        self.members.append(member)
        if self.running:
            member.expect(self.scenario.ledger, self.published)

    def start(self) -> None:
        """Choose who will stop reading, open all accounts, and publish."""
        scenario = self.scenario
        others = self.members[1:]
        count = min(len(others), max(1, round(len(self.members) * scenario.options.slow_share)))
        for member in others[len(others) - count :] if scenario.options.slow_share else ():
            member.chosen = True
            scenario.slow.append(member)
        for member in self.members:
            member.expect(scenario.slow_ledger if member.chosen else scenario.ledger, self.published)
        self.running = True
        self._intended = monotonic_ns()
        self._publish()

    def stop(self) -> None:
        """Publish nothing more."""
        self.running = False
        self._timer.cancel()

    def _publish(self) -> None:
        if not self.running:
            return
        publisher = next((member for member in self.members if not member.chosen), None)
        if publisher is not None and publisher.connection.is_open:
            self._send(publisher)
        self._intended += self._interval
        self._timer.set((self._intended - monotonic_ns()) / NANOSECONDS, self._publish)

    def _send(self, publisher: SlowPlayer) -> None:
        scenario = self.scenario
        number, self.published = self.published, self.published + 1
        scenario.engine.send_lag.record(max(0, monotonic_ns() - self._intended) / 1000)
        scenario.ledger.published += 1
        slow = sum(member.chosen for member in self.members)
        scenario.slow_ledger.expected += slow
        scenario.ledger.expected += len(self.members) - slow
        publisher.connection.emit(
            "in",
            self.name,
            EVENT,
            number,
            self._intended,
            scenario.payload,
            namespace=scenario.options.namespace,
        )

    def leave(self, member: SlowPlayer, excused: bool) -> None:
        """A member is gone; what it had not got is lost, unless it left of its own will."""
        self.seats.discard(member)
        if member in self.members:
            self.members.remove(member)
            member.close_account(excused=excused)


class SlowPlayer(Player):
    """One member. `chosen` to stop reading, it has `stopped` once it did."""

    __slots__ = (
        "_backlog",
        "_backlog_got",
        "_end",
        "_ended_us",
        "_expected_from",
        "_got",
        "_leaving",
        "_limit",
        "_receiver",
        "_stopped_at",
        "chosen",
        "play",
        "room",
        "stopped",
    )

    def __init__(
        self,
        scenario: SlowScenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
        room: Room,
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.play = scenario
        self.room = room
        self.chosen = self.stopped = self._leaving = False
        self._receiver: Receiver | None = None
        self._expected_from = self._got = 0
        self._stopped_at = self._limit = 0
        self._backlog: int | None = None
        self._backlog_got = 0
        self._ended_us: float | None = None
        self._end: str | None = None

    def prepare(self) -> None:
        """Join the room."""
        options = self.play.options
        self.connection.emit(
            "join", self.room.name, namespace=options.namespace, ack=self._joined, timeout=options.timeout
        )

    def _joined(self, args: list[Any] | None, failure: SwarmError | None) -> None:
        if failure is not None:
            if not self.connection.closed:
                self.connection.count_error("join " + failure.kind)
                self.connection.close()
            return
        self.room.join(self)
        self.play.arrived()
        self.set_ready()

    def expect(self, ledger: Ledger, first: int) -> None:
        """Expect every number from `first` on."""
        self._receiver = Receiver(ledger, first)
        self._expected_from = first

    @property
    def has_all(self) -> bool:
        """Whether nothing is missing."""
        return self._receiver is None or self._got >= self.room.published - self._expected_from

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """One delivery."""
        super().event(connection, namespace, name, args, ack_id)
        if name != EVENT or self._receiver is None:
            return
        right = len(args) == 3 and type(args[0]) is int and type(args[1]) is int
        if not right or args[2] != self.play.payload:
            self.play.series.error("wrong delivery")
            return
        if not self._receiver.receive(args[0]):
            return
        self._got += 1
        if not self.chosen:
            us = max(0, monotonic_ns() - args[1]) / 1000
            self.play.series.record(us)
            self.play.latencies[self.play.phase_of(args[1])].record(us)
        elif self._backlog is not None and args[0] < self._limit:
            self._backlog_got += 1

    # Not reading, and reading again

    def stop_reading(self) -> None:
        """Read nothing from now on."""
        self.connection.end_is_no_error = True
        self.connection.stop_reading()
        self.stopped = not self.connection.reading
        self._stopped_at = monotonic_ns()

    def look_for_end(self) -> None:
        """Note when the kernel knew that the server ended the connection."""
        if self.stopped and self._ended_us is None and self.connection.ended_by_server:
            self._ended_us = (monotonic_ns() - self._stopped_at) / 1000

    def start_reading(self) -> None:
        """Read again: what was published meanwhile is the backlog."""
        if not self.stopped or self._backlog is not None or self._receiver is None:
            return
        self.look_for_end()
        self._limit = self.room.published
        self._backlog = max(0, self._limit - self._expected_from - self._got)
        self.connection.start_reading()

    def fate(self) -> dict[str, Any]:
        """What became of one that did not read; `end` is the kind of an end that it did not want."""
        return {
            "backlog": self._backlog,
            "backlog_got": self._backlog_got,
            "backlog_bytes": (self._backlog or 0) * self.play.options.payload_bytes,
            "end": self._end,
            "ended_us": self._ended_us,
        }

    # Ends

    def close_account(self, *, excused: bool = False) -> None:
        """Enter what is missing."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.close(self.room.published, excused=excused)

    def leave(self) -> None:
        """Leave of the member's own will."""
        self._leaving = True
        self.room.leave(self, excused=True)
        super().leave()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """An end that the member did not want, or its own."""
        self.room.leave(self, excused=self._leaving)
        super().closed(connection, failure)
        if not self._leaving:
            self._end = kind_of_end(self.failure)
