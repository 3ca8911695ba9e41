"""`fanout`: rooms of N members; in each, one publisher emits `in` room 'm' [number, monotonic nanoseconds].

Every member, the publisher included, records the delivery latency and enters the number into the ledger.
A closed loop: the next number follows when all members have the last; with `rate`, a constant schedule a
room, latency counted from the intended time. Publisher and members share this host's monotonic clock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from load.scenarios.common import NANOSECONDS, Options, Player, Scenario
from sioprobe.swarm import Connection, Engine, Ledger, SwarmError
from sioprobe.swarm.ledger import Receiver

__all__ = ["FanoutScenario"]

EVENT = "m"
VERIFIED_SHARE = 64
"""One text in so many is decoded strictly; the others are recognised by a pattern of the whole text."""


class FanoutScenario(Scenario):
    """One operation a delivery, and one message the server handled for it."""

    operation = ("SIO deliver", EVENT)
    messages_per_operation = 1

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.ledger: Ledger = Ledger()
        self.series = engine.recorder.series(*self.operation)
        self.prefix = "" if options.namespace == "/" else options.namespace + ","
        # The payload rides along: spaces are allowed where JSON allows them.
        self.pattern = re.compile(
            rf'2{re.escape(self.prefix)}\["{EVENT}", ?([0-9]+), ?([0-9]+)(?:, ?"x*")?\]'
        )
        self.payload = "x" * options.payload_bytes
        self.rooms: list[Room] = []
        # Other processes have rooms on the same server.
        self._stem = f"fanout-{os.getpid()}-{monotonic_ns():x}"

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the first room that is not full."""
        size = self.options.room_size
        room = next((room for room in self.rooms if len(room.seats) < size), None)
        if room is None:
            room = Room(self, f"{self._stem}-{len(self.rooms)}")
            self.rooms.append(room)
        player = FanoutPlayer(self, connection, changed, room)
        room.seats.add(player)
        return player

    @property
    def published(self) -> int:
        """Numbers published so far."""
        return self.ledger.published

    @property
    def at_rest(self) -> bool:
        """Whether every delivery expected has come."""
        return all(not room.waiting for room in self.rooms)

    def settle(self) -> None:
        """Enter what never came as lost, and what is not in order as errors."""
        for room in self.rooms:
            for member in room.members:
                if member.receiver is not None:
                    member.receiver.close(room.published)
                    member.receiver = None
            room.waiting.clear()
        ledger = self.ledger
        for kind, count in (
            ("lost", ledger.lost),
            ("duplicated", ledger.duplicated),
            ("reordered", ledger.reordered),
        ):
            for _ in range(count):
                self.series.error(kind)


class Room:
    """Members in one process. `waiting` counts, for each number under way, the members without it."""

    def __init__(self, scenario: FanoutScenario, name: str) -> None:
        self.scenario = scenario
        self.name = name
        self.seats: set[FanoutPlayer] = set()
        self.members: list[FanoutPlayer] = []
        self.waiting: dict[int, int] = {}
        self.published = 0
        self.running = False
        self.last_text = ""
        self.last_number = self.last_stamp = 0
        self._intended = 0
        self._timer: Any = None
        rate = scenario.options.rate
        self._interval = int(NANOSECONDS / rate) if rate else 0

    def join(self, member: FanoutPlayer) -> None:
        """Take a member whose join was acknowledged: it expects every number from the next on."""
        member.receiver = Receiver(self.scenario.ledger, self.published)
        self.members.append(member)

    def start(self) -> None:
        """Publish the first number; a second call does nothing."""
        if not self.running:
            self.running = True
            self._intended = monotonic_ns()
            self.publish()

    def publish(self) -> None:
        """Publish the next number, by the first member."""
        scenario = self.scenario
        if scenario.halted or not self.members or not self.members[0].connection.is_open:
            self.running = False
            return
        number, self.published = self.published, self.published + 1
        now = monotonic_ns()
        stamp = self._intended if self._interval else now
        if self._interval:
            scenario.engine.send_lag.record(max(0, now - stamp) / 1000)
        self.waiting[number] = len(self.members)
        scenario.ledger.published += 1
        scenario.ledger.expected += len(self.members)
        publisher = self.members[0].connection
        publisher.deadline = now + int(scenario.options.timeout * NANOSECONDS)
        publisher.send_raw(
            f'42{scenario.prefix}["in","{self.name}","{EVENT}",{number},{stamp},"{scenario.payload}"]'
        )
        if self._interval:
            self._intended += self._interval
            wait = max(0, self._intended - monotonic_ns()) / NANOSECONDS
            self._timer = scenario.engine.loop.timer(wait)
            self._timer.start(self._take_turn, update=True)

    def _take_turn(self) -> None:
        try:
            self.publish()
        except Exception as error:
            self.scenario.engine.count_internal(error)

    def delivered(self, number: int) -> None:
        """One member has the number."""
        left = self.waiting.get(number)
        if left is None:
            return
        if left > 1:
            self.waiting[number] = left - 1
            return
        del self.waiting[number]
        if not self.waiting and self.members:
            self.members[0].connection.deadline = 0
        if not self._interval:
            self.publish()

    def give_up(self) -> None:
        """The deadline of what is under way has passed; the ledger knows who misses what."""
        self.waiting.clear()
        if not self._interval:
            self.publish()

    def leave(self, member: FanoutPlayer, excused: bool) -> None:
        """A member is gone."""
        self.seats.discard(member)
        if member not in self.members:
            return
        was_publisher = self.members[0] is member
        self.members.remove(member)
        if member.receiver is not None:
            missing = member.receiver.close(self.published, excused=excused)
            member.receiver = None
            if missing:
                self.waiting.clear()
        if was_publisher and self._timer is not None:
            self._timer.stop()
        if self.running and (was_publisher or not self.waiting) and not self._interval:
            self.waiting.clear()
            self.publish()
        elif self.running and was_publisher:
            self.publish()


class FanoutPlayer(Player):
    """One member."""

    __slots__ = ("_countdown", "_leaving", "_series", "receiver", "room")

    def __init__(
        self,
        scenario: FanoutScenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
        room: Room,
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.room = room
        self._series = connection.series(*scenario.operation)
        self.receiver: Receiver | None = None
        self._leaving = False
        self._countdown = VERIFIED_SHARE

    def prepare(self) -> None:
        """Join the room."""
        options = self.scenario.options
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
        self.connection.tap = self._tap
        self.set_ready()

    def begin(self) -> None:
        """Let the room start."""
        super().begin()
        self.room.start()

    def _tap(self, text: str) -> bool:
        room = self.room
        if text == room.last_text:
            # What another member has just got: it was taken apart then.
            self._deliver(room.last_number, room.last_stamp)
            return True
        match = room.scenario.pattern.fullmatch(text)
        if match is None:
            return False
        self._countdown -= 1
        if not self._countdown:
            self._countdown = VERIFIED_SHARE
            return False
        room.last_text, room.last_number, room.last_stamp = text, int(match[1]), int(match[2])
        self._deliver(room.last_number, room.last_stamp)
        return True

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """A delivery that took the strict way."""
        super().event(connection, namespace, name, args, ack_id)
        if name != EVENT:
            return
        if len(args) == 3 and type(args[0]) is int and type(args[1]) is int and args[2] == self._payload:
            self._deliver(args[0], args[1])
        else:
            self._series.error("wrong delivery")

    @property
    def _payload(self) -> str:
        return self.room.scenario.payload

    def _deliver(self, number: int, stamp: int) -> None:
        receiver = self.receiver
        if receiver is not None and receiver.receive(number):
            self._series.record((monotonic_ns() - stamp) / 1000)
            self.room.delivered(number)

    def expired(self, connection: Connection) -> None:
        """As publisher: some member did not get the number in time."""
        self.room.give_up()

    def leave(self) -> None:
        """Leave the room of the member's own will."""
        self._leaving = True
        self.room.leave(self, excused=True)
        super().leave()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """What was under way to a member that dropped out is lost."""
        self.room.leave(self, excused=self._leaving)
        super().closed(connection, failure)
