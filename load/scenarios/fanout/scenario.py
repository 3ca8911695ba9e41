"""`fanout`: rooms of N members; the publishers of each emit `in` room 'm' [tag, number, ns, payload].

Every member, also a publisher, times each delivery and enters its number into the ledger. If all members have
a number, its first, median and last delivery are recorded as series of their own. In the closed loop a
publisher sends the next number when all members have the last one. With `rate` it is an open loop, and
latency counts from the intended time. Publishers and members share the monotonic clock of this host, and the
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
"""One text in so many is decoded strictly. A pattern of the whole text recognises the others."""


class FanoutScenario(Scenario):
    """Each delivery is one operation and one message of the server."""

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
        # Spaces are allowed where JSON allows them.
        self.pattern = re.compile(rf'2{prefix}\["{EVENT}", ?"([^"\\]*)", ?([0-9]+), ?([0-9]+), ?"(x*)"\]')
        self.rooms: list[FanoutRoom] = []
        engine.recorder.hold_back(self._enter)
        # Other processes have rooms on the same server.
        self.stem = f"{os.getpid():x}-{monotonic_ns():x}"

    @classmethod
    def check(cls, options: Options) -> None:
        """A room cannot have more publishers than members."""
        if options.publishers > options.room_size:
            raise ParameterError(
                "publishers", f"{options.publishers} is more than room_size, {options.room_size}"
            )

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the room in which it was lost, or of the first room that is not full."""
        lost_in = (room for room in self.rooms if connection.recovery in room.away)
        room = next(lost_in, None) or room_with_a_seat(self.rooms, self.options.room_size, self._room)
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
        """Whether every expected delivery has come."""
        return all(room.at_rest for room in self.rooms)

    def halt(self) -> None:
        """Publish no more."""
        super().halt()
        for room in self.rooms:
            room.stop()

    def settle(self) -> None:
        """Count what never came as lost, and all problems as errors."""
        for room in self.rooms:
            room.settle()
        for label, problems in self.ledger.problems_by_label.items():
            series = self.publication.delivered.part(label)
            for kind, count in problems.items():
                for _ in range(count):
                    series.error(kind)


class FanoutPlayer(Member):
    """One member. `receivers` are its accounts by the tag of the publisher, or None."""

    __slots__ = ("_countdown", "_payload", "_play", "_resumed", "_series", "_timeout", "receivers")
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
        self._resumed = False
        self._countdown = VERIFIED_SHARE
        self._payload = scenario.publication.payload
        self._timeout = scenario.publication.timeout

    def connected(self, connection: Connection, namespace: str) -> None:
        """Go on as before, if the server has recovered a lost connection: it is in its room already."""
        self._resumed = self.room.resume(self)
        super().connected(connection, namespace)

    def prepare(self) -> None:
        """Join the room, unless the server has recovered the member."""
        if self._resumed:
            self.connection.tap = self._tap
            self.set_ready()
        else:
            self.enter()

    def enter(self) -> None:
        """Join the room."""
        super().prepare()

    def join(self) -> None:
        """Expect every number from now on, because the join was acknowledged."""
        self.connection.tap = self._tap
        if self.connection.target.label is None:
            # Frames are recorded for the whole room, so this works only without labels of targets.
            self.connection.tap_frames(self._tap_frame)
        super().join()

    def begin(self) -> None:
        """Let the room start."""
        super().begin()
        self.room.start()

    def _tap(self, text: str) -> bool:
        room = self.room
        if text == room.last_text:
            # Another member has just got the same text, and it was decoded then.
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
        """Take the usual delivery: the frame that another member has just got, the next number, in time."""
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
        """Take a delivery that was decoded strictly."""
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
            ledger = self._play.ledger.part(self.connection.target.label)
            receiver = receivers[tag] = Receiver(ledger, number, foreign=True)
        if self._resumed and (number < receiver.replayed_below or self._is_told_of_replays):
            receiver.receive_replayed(number)
            return
        elapsed = monotonic_ns() - stamp
        if elapsed < 0:
            # The clock of another host may be ahead. Such times are withheld at the end.
            elapsed = 0
        if receiver.receive(number, elapsed > self._timeout):
            self._series.record(elapsed / 1000)
            if publisher is not None:
                publisher.delivered(number, elapsed / 1000, self.connection.target.label)

    @property
    def _is_told_of_replays(self) -> bool:
        # Of a publisher in another process nobody here knows what it published meanwhile.
        return self.connection.recovery is not None and self.connection.recovery.replaying

    def expired(self, connection: Connection) -> None:
        """Some member did not get a number of this publisher in time."""
        self.room.give_up(self)
