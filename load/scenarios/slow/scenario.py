"""`slow`: rooms in which a share of the members stops reading for a while, and then reads again.

In each room one member publishes `in` room 's' [number, monotonic nanoseconds, payload] on a schedule. There
are three phases. `before`: all members read. `slow`: a share of them reads nothing, neither a WebSocket nor
the answer to a poll, so messages to them wait in queues of the server. `after`: all read again, until the end
of the run. The kernels of both sides buffer megabytes for each connection, and the server feels only what
exceeds them: choose payload, rate and length of the phase accordingly. The ledger is that of the healthy
members. The slow ones have another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic_ns
from typing import Any

from load.playing.observations import Observations, pack
from load.playing.parameters import NAMESPACE, PAYLOAD_BYTES, TIMEOUT, Options, Parameter
from load.playing.players import Player, Scenario
from load.playing.rooms import ROOM_SIZE, room_with_a_seat
from load.playing.timers import CALM, Later
from load.scenarios.slow.members import EVENT, SlowMember, SlowRoom, SlowRun
from load.scenarios.slow.observed import slow_observed
from load.scenarios.slow.phases import AFTER, BEFORE, SLOW
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine
from sioprobe.measured import Ledger, Recorder
from sioprobe.results.loads import to_json

__all__ = ["SlowScenario"]

LOOK_SECONDS = 0.05

PUBLISH_RATE = Parameter(
    "publish_rate", 20.0, "messages in each room", unit="a second", least=0.1, most=100_000
)
SLOW_SHARE = Parameter(
    "slow_share", 0.2, "share of a room's members that stop reading, at least one", least=0, most=0.9
)
PHASE_SECONDS = Parameter(
    "phase_seconds",
    5.0,
    "length of the phase in which all read, and of the one in which some do not",
    unit="s",
    least=0.1,
    most=86_400,
)


class SlowScenario(Scenario):
    """Each delivery to a healthy member is one operation."""

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
    look_seconds = 1.0
    operation = ("SIO deliver", EVENT)
    messages_per_operation = 1

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.run = SlowRun(engine, options)
        self.ledger: Ledger = self.run.ledger
        self.rooms: list[SlowRoom] = []
        self.healthy_at_pause = 0
        self._timer = Later(engine)
        # Other processes have rooms on the same server.
        self._stem = f"slow-{os.getpid()}-{monotonic_ns():x}"

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A member of the first room that is not full."""
        if not self.rooms:
            self._timer.set(LOOK_SECONDS, self._look)
        room = room_with_a_seat(
            self.rooms,
            self.options.room_size,
            lambda index: SlowRoom(self, self.run, f"{self._stem}-{index}"),
        )
        return SlowMember(self, connection, changed, room)

    @property
    def published(self) -> int:
        """Messages published so far."""
        return self.ledger.published

    @property
    def slow(self) -> list[SlowMember]:
        """The members of all rooms that were chosen to stop reading, also those that have left."""
        return [member for room in self.rooms for member in room.chosen]

    # The course of a run

    def _look(self) -> None:
        if self.halted:
            return
        self._timer.set(LOOK_SECONDS, self._look)
        phases = self.run.phases
        if not phases.now:
            if self.run.calm.reached and any(room.members for room in self.rooms):
                phases.begin(BEFORE)
                for room in self.rooms:
                    room.start()
        elif phases.now == BEFORE and phases.seconds >= self.options.phase_seconds:
            phases.begin(SLOW)
            self.healthy_at_pause = sum(not member.chosen for room in self.rooms for member in room.members)
            for member in self.slow:
                member.stop_reading()
        elif phases.now == SLOW:
            for member in self.slow:
                member.look_for_end()
            if phases.seconds >= self.options.phase_seconds:
                phases.begin(AFTER)
                for member in self.slow:
                    member.start_reading()

    # Ends and accounts

    def halt(self) -> None:
        """Publish nothing more, and let all members read what waits for them."""
        super().halt()
        self._timer.cancel()
        self.run.phases.end()
        for room in self.rooms:
            room.stop()
        for member in self.slow:
            member.start_reading()

    @property
    def at_rest(self) -> bool:
        """Whether every connected member has everything."""
        return all(member.has_all for room in self.rooms for member in room.members)

    def settle(self) -> None:
        """Count what never came as lost. For healthy members it is also an error."""
        for room in self.rooms:
            for member in room.members:
                member.close_account()
        for label, problems in self.ledger.problems_by_label.items():
            for kind in ("lost", "duplicated", "reordered"):
                for _ in range(problems[kind]):
                    self.run.delivered.part(label).error(kind)

    def state(self) -> dict[str, Any]:
        """The phases, the latencies of the healthy members in each, and what became of the slow ones."""
        return {
            "phases": self.run.phases.to_json(),
            "latencies": {name: pack(histogram) for name, histogram in self.run.latencies.items()},
            "healthy": self.healthy_at_pause,
            "slow": [member.fate() for member in self.slow if member.stopped],
            "slow_ledger": to_json(self.run.slow_ledger.figures()),
        }

    @classmethod
    def found(cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched) -> Observations:
        """The latencies with and without slow members, the server's memory, and the fate of the slow ones."""
        return slow_observed(states, server)
