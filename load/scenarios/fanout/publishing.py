"""A room of `fanout`: its members and its publishers. Each publisher numbers what it publishes.

Publisher k is the k-th member. If that member leaves, the next one takes its place and goes on with its
numbers.
"""

from __future__ import annotations

from collections import Counter
from time import monotonic_ns

from load.playing.pacing import Pacer
from load.playing.parameters import Options
from load.playing.players import Scenario
from load.playing.rooms import MemberRoom
from load.scenarios.fanout.away import Absences, Subscriber
from sioprobe.engine import Engine
from sioprobe.engine.hub import SECOND
from sioprobe.engine.transports.websocket import message_frame
from sioprobe.measured import Ledger, Schedule
from sioprobe.measured.ledger import Receiver

__all__ = ["EVENT", "FanoutRoom", "Publication", "Publisher"]

EVENT = "m"
NO_CONNECTION = "no connection"


class Publication:
    """What the rooms of one process share: the text that is published, and the accounts.

    `same_server` and `other_server` are for several servers: whether the publisher is at the member's.
    """

    def __init__(self, engine: Engine, options: Options) -> None:
        self.prefix = "" if options.namespace == "/" else options.namespace + ","
        self.payload = "x" * options.payload_bytes
        self.timeout = int(options.timeout * SECOND)
        self.ledger = Ledger()
        self.schedule = Schedule() if options.rate else None
        self.delivered = engine.recorder.series("SIO deliver", EVENT)
        self.published = engine.recorder.series("SIO publish", EVENT)
        self.spread = tuple(
            engine.recorder.series("SIO fan-out", f"{which} delivery")
            for which in ("first", "median", "last")
        )
        self.same_server, self.other_server = (
            engine.recorder.series("SIO fan-out", f"{which}-server delivery") for which in ("same", "other")
        )


class Flight:
    """One number under way: since when, to how many members still, and the times to the others in µs.

    `label` is that of the server on which it was published.
    The times in `unrecorded` are entered into the ledger and the series together, when the flight ends or
    when somebody reads the counts. That is cheaper than one by one.
    """

    __slots__ = ("label", "left", "recorded", "sent", "unrecorded")

    def __init__(self, sent: int, members: int, label: str | None) -> None:
        self.sent = sent
        self.label = label
        self.left = members
        self.recorded: list[float] = []
        self.unrecorded: list[float] = []


class Publisher:
    """The k-th publisher of a room. `number` is the next one."""

    def __init__(self, room: FanoutRoom, index: int, tag: str) -> None:
        self.room = room
        self.index = index
        self.tag = tag
        self.number = 0
        self.started = False
        self.flights: dict[int, Flight] = {}
        options = room.scenario.options
        self._pacer: Pacer | None = None
        if options.rate:
            rate = options.rate / room.publisher_count
            self._pacer = Pacer(room.scenario.engine, rate, options.schedule, self._take_turn)

    def start(self) -> None:
        """Publish the first number, or start the schedule. A later call only goes on with a closed loop."""
        if self.started:
            self.go_on()
            return
        self.started = True
        if self._pacer is not None:
            self._pacer.start(self.room.scenario.next_offset(self._pacer.interval))
        else:
            self.publish(monotonic_ns())

    def stop(self) -> None:
        """Take no more turns."""
        if self._pacer is not None:
            self._pacer.stop()

    def _take_turn(self, intended: int) -> None:
        scenario, publication = self.room.scenario, self.room.publication
        lag_us = max(0, monotonic_ns() - intended) / 1000
        assert publication.schedule is not None
        if self.publish(intended):
            scenario.engine.send_lag.record(lag_us)
            publication.schedule.send(lag_us)
        elif not scenario.halted:
            publication.schedule.miss(NO_CONNECTION)
            publication.published.part(self._label).error(f"not sent: {NO_CONNECTION}")

    @property
    def _label(self) -> str | None:
        """The label of the server to which the member that publishes is connected."""
        members = self.room.members
        return members[self.index].connection.target.label if self.index < len(members) else None

    def publish(self, stamp: int) -> bool:
        """Publish the next number. False if no member can do it."""
        room, publication = self.room, self.room.publication
        members = room.members
        if room.scenario.halted or self.index >= len(members) or not members[self.index].connection.is_open:
            return False
        number, self.number = self.number, self.number + 1
        now = monotonic_ns()
        connection = members[self.index].connection
        self.flights[number] = Flight(now, len(members), connection.target.label)
        ledger = publication.ledger
        ledger.published += 1
        for label, count in room.servers.items():
            ledger.part(label).expected += count
        for lost in room.lost:
            ledger.part(lost.connection.target.label).missed_away += 1
        room.away.miss(self.tag, ledger)
        publication.published.part(connection.target.label).count()
        if len(self.flights) == 1:
            connection.deadline = now + publication.timeout
        connection.send_raw(
            f'42{publication.prefix}[{room.head},"{EVENT}","{self.tag}",{number},{stamp},"{publication.payload}"]'
        )
        return True

    def delivered(self, number: int, latency_us: float, label: str | None) -> None:
        """One member, at the server with this label, has received the number."""
        flight = self.flights.get(number)
        if flight is None:
            return
        if label is not None:
            publication = self.room.publication
            series = publication.same_server if label == flight.label else publication.other_server
            series.record(latency_us)
        flight.recorded.append(latency_us)
        flight.left -= 1
        if not flight.left:
            self.complete(number, flight)

    def complete(self, number: int, flight: Flight) -> None:
        """All members have received the number."""
        latencies = flight.unrecorded
        if flight.recorded:
            latencies = sorted(latencies + flight.recorded)
        first, median, last = self.room.publication.spread
        first.record(latencies[0])
        median.record(latencies[len(latencies) // 2])
        last.record(latencies[-1])
        self._land(number)

    def excuse(self, receiver: Receiver) -> None:
        """Wait no longer for what a member has not received, because it is gone."""
        for number, flight in list(self.flights.items()):
            if receiver.lacks(number) and number >= receiver.replayed_below:
                flight.left -= 1
                if not flight.left:
                    self._land(number)

    def _land(self, number: int) -> None:
        self._end(number)
        self.set_deadline()
        self.go_on()

    def _end(self, number: int) -> None:
        self.room.last_frame = b""
        self._enter(self.flights.pop(number))

    def _enter(self, flight: Flight) -> None:
        if flight.unrecorded:
            publication = self.room.publication
            publication.ledger.received += len(flight.unrecorded)
            publication.delivered.record_all(flight.unrecorded)
            flight.recorded += flight.unrecorded
            flight.unrecorded = []

    def enter(self) -> None:
        """Enter the times of all numbers under way into ledger and series."""
        for flight in self.flights.values():
            self._enter(flight)

    def end_all(self) -> None:
        """Wait for nothing that is under way any longer."""
        for number in list(self.flights):
            self._end(number)

    def go_on(self) -> None:
        """In a closed loop, publish the next number if none is under way."""
        if self._pacer is None and self.started and not self.flights:
            self.publish(monotonic_ns())

    def give_up(self) -> None:
        """Give up the numbers whose deadline has passed. The ledger knows what each member missed."""
        end = monotonic_ns() - self.room.publication.timeout
        for number in [number for number, flight in self.flights.items() if flight.sent <= end]:
            self._end(number)
        self.set_deadline()
        self.go_on()

    def set_deadline(self) -> None:
        """Set the deadline of the oldest number under way, on the connection of the publisher."""
        members = self.room.members
        if self.index < len(members):
            oldest = next(iter(self.flights.values()), None)
            members[self.index].connection.deadline = (
                oldest.sent + self.room.publication.timeout if oldest is not None else 0
            )


class FanoutRoom(MemberRoom):
    """`head` is the part of the emit before the name of the event.

    `last_text` is the delivery that was decoded last, and `last_delivery` its values. `last_frame` is the
    frame that brings the same delivery to other members, while its number is under way, and `last_flight` its
    values.

    `lost` are the members whose connection was lost and whose place nobody has taken. Who may be recovered
    keeps its place, and its account in `away`. `servers` says how many members each server has, by the label
    of its target.
    """

    seats: set[Subscriber]
    members: list[Subscriber]

    def __init__(
        self,
        scenario: Scenario,
        publication: Publication,
        head: str,
        name: str,
        publishers: int,
        tag: str = "",
    ) -> None:
        super().__init__(name)
        self.scenario = scenario
        self.publication = publication
        self.head = head
        self.publisher_count = publishers
        self.lost: set[Subscriber] = set()
        self.away = Absences(scenario.options.namespace)
        self.servers: Counter[str | None] = Counter()
        self.last_text = ""
        self.last_delivery: tuple[str, int, int, Publisher | None] = ("", 0, 0, None)
        self.last_frame = b""
        self.last_flight: tuple[str, int, int, Publisher, Flight] | None = None
        self.publishers = {
            f"{tag}{index}": Publisher(self, index, f"{tag}{index}") for index in range(publishers)
        }

    @property
    def numbers(self) -> dict[str, int]:
        """The next number of each publisher."""
        return {tag: publisher.number for tag, publisher in self.publishers.items()}

    @property
    def at_rest(self) -> bool:
        """Whether no number is under way."""
        return not any(publisher.flights for publisher in self.publishers.values())

    def join(self, member: Subscriber) -> None:
        """Add a member whose join was acknowledged. It expects every number from the next one on."""
        label = member.connection.target.label
        ledger = self.publication.ledger.part(label)
        member.receivers = {
            tag: Receiver(ledger, publisher.number) for tag, publisher in self.publishers.items()
        }
        self.members.append(member)
        self.servers[label] += 1
        # A user that comes back goes to the server that it had.
        there = (lost for lost in self.lost if lost.connection.target.label == label)
        self.lost.discard(member if member in self.lost else next(there, next(iter(self.lost), member)))

    def resume(self, member: Subscriber) -> bool:
        """Go on with the account of a member that was lost, if the server has recovered its connection.

        Call it before the replayed events are told. False: the member has to join anew.
        """
        away = self.away.take(member)
        if away is None:
            return False
        self.seats.discard(away.member)
        if not self.away.recovered(member):
            away.close()
            self.lost.add(member)  # until it has joined
            return False
        away.go_on(member, self.numbers)
        self.members.append(member)
        self.servers[member.connection.target.label] += 1
        return True

    def remember(self, text: str, tag: str, number: int, stamp: int) -> None:
        """Remember a decoded delivery: other members get the same text or the same frame."""
        publisher = self.publishers.get(tag)
        self.last_text = text
        self.last_delivery = tag, number, stamp, publisher
        self.last_frame = b""
        flight = publisher.flights.get(number) if publisher is not None else None
        if publisher is not None and flight is not None:
            self.last_frame = message_frame(text)
            self.last_flight = tag, number, stamp, publisher, flight

    def start(self) -> None:
        """Start every publisher whose member is there."""
        for publisher in self.publishers.values():
            if publisher.index < len(self.members):
                publisher.start()

    def stop(self) -> None:
        """End the schedules."""
        for publisher in self.publishers.values():
            publisher.stop()

    def give_up(self, member: Subscriber) -> None:
        """Give up what this member published, because its deadline has passed."""
        for publisher in self.publishers.values():
            if publisher.index < len(self.members) and self.members[publisher.index] is member:
                publisher.give_up()

    def leave(self, member: Subscriber, *, excused: bool) -> None:
        """Remove a member. What was under way to it is lost; what follows, it misses."""
        if excused:
            self.lost.discard(member)
            away = self.away.take(member)
            if away is not None:
                self.seats.discard(away.member)
                away.close()
        if not self.remove(member):
            return
        self.servers[member.connection.target.label] -= 1
        if not excused and not self.scenario.halted:
            if self.away.add(member, self.numbers):
                self.seats.add(member)
            else:
                self.lost.add(member)
        receivers = member.receivers or {}
        for tag, publisher in self.publishers.items():
            if tag in receivers:
                publisher.excuse(receivers[tag])
            if not self.members:
                publisher.end_all()
            publisher.set_deadline()
            publisher.go_on()
        if member not in self.seats:
            self._close(member, excused=excused)
        member.receivers = None

    def _close(self, member: Subscriber, *, excused: bool = False) -> None:
        receivers, member.receivers = member.receivers, None
        for tag, receiver in (receivers or {}).items():
            number = self.publishers[tag].number if tag in self.publishers else 0
            receiver.close(number, excused=excused)

    def settle(self) -> None:
        """Close all accounts."""
        self.stop()
        for member in self.members:
            self._close(member)
        self.away.close()
        for publisher in self.publishers.values():
            publisher.end_all()
