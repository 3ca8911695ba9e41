"""`fanout`: rooms of N members; the publishers of each emit `in` room 'm' [tag, number, ns, payload].

Every member, the publishers included, times each delivery and enters its number into the ledger. Of each
number the first, the median and the last delivery are series of their own, where all members have it.
A closed loop: a publisher's next number follows when all members have the last; with `rate`, an open loop,
latency counted from the intended time. Publishers and members share this host's monotonic clock, and the
members of a room are in one process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, ClassVar

from load.playing.pacing import SCHEDULE
from load.playing.parameters import (
    NAMESPACE,
    PAYLOAD_BYTES,
    RATE,
    TIMEOUT,
    Options,
    Parameter,
    ParameterError,
)
from load.playing.players import Player, Scenario
from load.playing.rooms import ROOM_SIZE, WRONG_DELIVERY, Member, room_with_a_seat
from load.scenarios.fanout.publishing import EVENT, FanoutRoom, Publication, Publisher
from sioprobe.engine import Connection, Engine
from sioprobe.measured import Ledger
from sioprobe.measured.ledger import Receiver

__all__ = ["FanoutPlayer", "FanoutScenario"]

VERIFIED_SHARE = 64
"""One text in so many is decoded strictly; the others are recognised by a pattern of the whole text."""


class FanoutScenario(Scenario):
    """One operation a delivery, and one message the server handled for it."""

    title = "rooms of N members with publishers; every delivery is timed and accounted for"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        NAMESPACE,
        PAYLOAD_BYTES,
        ROOM_SIZE,
        Parameter("publishers", 1, "members that publish, in each room", least=1),
        RATE,
        SCHEDULE,
        TIMEOUT,
    )
    operation = ("SIO deliver", EVENT)
    messages_per_operation = 1

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.publication = Publication(engine, options)
        self.ledger: Ledger = self.publication.ledger
        self.schedule = self.publication.schedule
        prefix = re.escape(self.publication.prefix)
        # The payload rides along: spaces are allowed where JSON allows them.
        self.pattern = re.compile(rf'2{prefix}\["{EVENT}", ?"([^"\\]*)", ?([0-9]+), ?([0-9]+), ?"(x*)"\]')
        self.rooms: list[FanoutRoom] = []
        engine.recorder.hold_back(self._enter)
        # Other processes have rooms on the same server.
        self.stem = f"{os.getpid():x}-{monotonic_ns():x}"

    @classmethod
    def check(cls, options: Options) -> None:
        """A room has no more publishers than members."""
        if options.publishers > options.room_size:
            raise ParameterError(
                "publishers", f"{options.publishers} is more than room_size, {options.room_size}"
            )

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the first room that is not full."""
        room = room_with_a_seat(self.rooms, self.options.room_size, self._room)
        return FanoutPlayer(self, connection, changed, room)

    def _room(self, index: int) -> FanoutRoom:
        name = f"fanout-{self.stem}-{index}"
        return FanoutRoom(self, self.publication, f'"in","{name}"', name, self.options.publishers)

    def _enter(self) -> None:
        for room in self.rooms:
            for publisher in room.publishers.values():
                publisher.enter()

    @property
    def published(self) -> int:
        """Numbers published so far."""
        return self.ledger.published

    @property
    def at_rest(self) -> bool:
        """Whether every delivery expected has come."""
        return all(room.at_rest for room in self.rooms)

    def halt(self) -> None:
        """Publish no more."""
        super().halt()
        for room in self.rooms:
            room.stop()

    def settle(self) -> None:
        """Enter what never came as lost, and what is not in order as errors."""
        for room in self.rooms:
            room.settle()
        for kind, count in self.ledger.problems.items():
            for _ in range(count):
                self.publication.delivered.error(kind)


class FanoutPlayer(Member):
    """One member. `receivers` are its accounts by the tag of the publisher, None when it has none."""

    __slots__ = ("_countdown", "_payload", "_play", "_series", "_timeout", "receivers")
    room: FanoutRoom

    def __init__(
        self,
        scenario: FanoutScenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
        room: FanoutRoom,
    ) -> None:
        super().__init__(scenario, connection, changed, room)
        self._play = scenario
        self._series = connection.series(*scenario.operation)
        self.receivers: dict[str, Receiver] | None = None
        self._countdown = VERIFIED_SHARE
        self._payload = scenario.publication.payload
        self._timeout = scenario.publication.timeout

    def join(self) -> None:
        """The join was acknowledged: from now on every number is expected."""
        self.connection.tap = self._tap
        if self.connection.target.label is None:
            # A frame that is known as such is recorded for the whole room, not apart for each target.
            self.connection.tap_frames(self._tap_frame)
        super().join()

    def begin(self) -> None:
        """Let the room start."""
        super().begin()
        self.room.start()

    def _tap(self, text: str) -> bool:
        room = self.room
        if text == room.last_text:
            # What another member has just got: it was taken apart then.
            self._deliver(*room.last_delivery)
            return True
        match = self._play.pattern.fullmatch(text)
        if match is None or len(match[4]) != len(self._payload):
            return False
        self._countdown -= 1
        if not self._countdown:
            self._countdown = VERIFIED_SHARE
            return False
        room.remember(text, match[1], int(match[2]), int(match[3]))
        self._deliver(*room.last_delivery)
        return True

    def _tap_frame(self, data: bytes) -> bool:
        """What most deliveries are: the frame that another member has just got, the next number, in time."""
        room = self.room
        if data != room.last_frame:
            return False
        assert room.last_flight is not None
        tag, number, stamp, publisher, flight = room.last_flight
        elapsed = monotonic_ns() - stamp
        if self.receivers is None or not 0 <= elapsed < self._timeout:
            return False
        receiver = self.receivers[tag]
        if receiver.next_number != number:
            return False
        receiver.next_number = number + 1
        flight.unrecorded.append(elapsed / 1000)
        flight.left -= 1
        if not flight.left:
            publisher.complete(number, flight)
        return True

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """A delivery that took the strict way."""
        super().event(connection, namespace, name, args, ack_id)
        if name != EVENT:
            return
        if [type(value) for value in args] == [str, int, int, str] and args[3] == self._payload:
            self._deliver(args[0], args[1], args[2], self.room.publishers.get(args[0]))
        else:
            self._series.error(WRONG_DELIVERY)

    def _deliver(self, tag: str, number: int, stamp: int, publisher: Publisher | None) -> None:
        receivers = self.receivers
        if receivers is None:
            return
        receiver = receivers.get(tag)
        if receiver is None:
            receiver = receivers[tag] = Receiver(self._play.ledger, number, foreign=True)
        elapsed = monotonic_ns() - stamp
        if elapsed < 0:
            # The stamp of a publisher on another host may lie ahead: such times are withheld at the end.
            elapsed = 0
        if receiver.receive(number, elapsed > self._timeout):
            self._series.record(elapsed / 1000)
            if publisher is not None:
                publisher.delivered(number, elapsed / 1000)

    def expired(self, connection: Connection) -> None:
        """As publisher: some member did not get a number in time."""
        self.room.give_up(self)
