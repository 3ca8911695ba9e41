"""A room of `slow` and its members, some of which stop reading and read again.

Each slow member has its own account of what it was sent meanwhile and what became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from load.playing.parameters import Options
from load.playing.players import Player, Scenario, kind_of_end
from load.playing.rooms import WRONG_DELIVERY, Member, MemberRoom
from load.playing.timers import Calm, Later
from load.scenarios.slow.phases import PHASES, Phases
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.engine.hub import SECOND
from sioprobe.measured import Ledger
from sioprobe.measured.ledger import Receiver
from sioprobe.results.histogram import Histogram

__all__ = ["EVENT", "SlowMember", "SlowRoom", "SlowRun"]

EVENT = "s"


class SlowRun:
    """What the rooms of one process share: the phases, the text that is published, and the accounts.

    `ledger` and `latencies` (by phase, in µs) are those of the healthy members.
    """

    def __init__(self, engine: Engine, options: Options) -> None:
        self.phases = Phases()
        self.calm = Calm(options.calm)
        self.payload = "x" * options.payload_bytes
        self.ledger = Ledger()
        self.slow_ledger = Ledger()
        self.delivered = engine.recorder.series("SIO deliver", EVENT)
        self.latencies = {name: Histogram() for name in PHASES}


class SlowRoom(MemberRoom):
    """The first member publishes and always reads. `chosen` are those that stop reading."""

    seats: set[SlowMember]
    members: list[SlowMember]

    def __init__(self, scenario: Scenario, run: SlowRun, name: str) -> None:
        super().__init__(name)
        self.scenario = scenario
        self.run = run
        self.chosen: list[SlowMember] = []
        self.published = 0
        self.running = False
        self._intended = 0
        self._interval = int(SECOND / scenario.options.publish_rate)
        self._timer = Later(scenario.engine)

    def join(self, member: SlowMember) -> None:
        """Add a member. After `start` it is always a healthy one."""
        self.members.append(member)
        if self.running:
            member.expect(self.run.ledger, self.published)

    def start(self) -> None:
        """Choose who will stop reading, open all accounts, and publish."""
        share = self.scenario.options.slow_share
        others = self.members[1:]
        count = min(len(others), max(1, round(len(self.members) * share)))
        self.chosen = others[len(others) - count :] if share else []
        for member in self.chosen:
            member.chosen = True
        for member in self.members:
            member.expect(self.run.slow_ledger if member.chosen else self.run.ledger, self.published)
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
        self._timer.set((self._intended - monotonic_ns()) / SECOND, self._publish)

    def _send(self, publisher: SlowMember) -> None:
        scenario, run = self.scenario, self.run
        number, self.published = self.published, self.published + 1
        scenario.engine.send_lag.record(max(0, monotonic_ns() - self._intended) / 1000)
        run.ledger.published += 1
        for member in self.members:
            (run.slow_ledger if member.chosen else run.ledger).part(member.label).expected += 1
        publisher.connection.emit(
            "in",
            self.name,
            EVENT,
            number,
            self._intended,
            run.payload,
            namespace=scenario.options.namespace,
        )

    def leave(self, member: SlowMember, *, excused: bool) -> None:
        """Remove a member. What it had not got is lost, unless it wanted to leave."""
        if self.remove(member):
            member.close_account(excused=excused)


class SlowMember(Member):
    """One member. `chosen`: it is to stop reading. `stopped`: it did."""

    __slots__ = (
        "_backlog",
        "_backlog_got",
        "_end",
        "_ended_us",
        "_expected_from",
        "_got",
        "_limit",
        "_receiver",
        "_stopped_at",
        "chosen",
        "stopped",
    )
    room: SlowRoom

    def __init__(
        self,
        scenario: Scenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
        room: SlowRoom,
    ) -> None:
        super().__init__(scenario, connection, changed, room)
        self.chosen = self.stopped = False
        self._receiver: Receiver | None = None
        self._expected_from = self._got = 0
        self._stopped_at = self._limit = 0
        self._backlog: int | None = None
        self._backlog_got = 0
        self._ended_us: float | None = None
        self._end: str | None = None

    def join(self) -> None:
        """Join, and begin the wait for the calm anew."""
        self.room.run.calm.disturb()
        super().join()

    def expect(self, ledger: Ledger, first: int) -> None:
        """Expect every number from `first` on."""
        self._receiver = Receiver(ledger.part(self.label), first)
        self._expected_from = first

    @property
    def label(self) -> str | None:
        """That of its server, if there are several."""
        return self.connection.target.label

    @property
    def has_all(self) -> bool:
        """Whether nothing is missing."""
        return self._receiver is None or self._got >= self.room.published - self._expected_from

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """Take a delivery."""
        super().event(connection, namespace, name, args, ack_id)
        if name != EVENT or self._receiver is None:
            return
        run = self.room.run
        right = len(args) == 3 and type(args[0]) is int and type(args[1]) is int
        if not right or args[2] != run.payload:
            run.delivered.part(self.label).error(WRONG_DELIVERY)
            return
        if not self._receiver.receive(args[0]):
            return
        self._got += 1
        if not self.chosen:
            us = max(0, monotonic_ns() - args[1]) / 1000
            run.delivered.part(self.label).record(us)
            run.latencies[run.phases.at(args[1])].record(us)
        elif self._backlog is not None and args[0] < self._limit:
            self._backlog_got += 1

    # Not reading, and reading again

    def stop_reading(self) -> None:
        """Read nothing from now on."""
        self.connection.end_is_no_error = True
        self.connection.session.stop_reading()
        self.stopped = not self.connection.session.reading
        self._stopped_at = monotonic_ns()

    def look_for_end(self) -> None:
        """Note the time if the kernel knows that the server has ended the connection."""
        if self.stopped and self._ended_us is None and self.connection.session.ended_by_server:
            self._ended_us = (monotonic_ns() - self._stopped_at) / 1000

    def start_reading(self) -> None:
        """Read again. What was published meanwhile is the backlog."""
        if not self.stopped or self._backlog is not None or self._receiver is None:
            return
        self.look_for_end()
        self._limit = self.room.published
        self._backlog = max(0, self._limit - self._expected_from - self._got)
        self.connection.session.start_reading()

    def fate(self) -> dict[str, Any]:
        """What became of a member that did not read. `end` is the kind of an end that it did not want."""
        return {
            "backlog": self._backlog,
            "backlog_got": self._backlog_got,
            "backlog_bytes": (self._backlog or 0) * self.scenario.options.payload_bytes,
            "end": self._end,
            "ended_us": self._ended_us,
        }

    # Ends

    def close_account(self, *, excused: bool = False) -> None:
        """Count what is missing."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.close(self.room.published, excused=excused)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Note the kind of the end, if the member did not want it."""
        super().closed(connection, failure)
        if not self.leaving:
            self._end = kind_of_end(self.failure)
