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

from load.playing.findings import Found, pack
from load.playing.lives import CALM, Calm, Later
from load.playing.membership import ROOM_SIZE, room_with_a_seat
from load.playing.parameters import NAMESPACE, PAYLOAD_BYTES, TIMEOUT, Options, Parameter
from load.playing.players import NANOSECONDS, Player, Scenario
from load.playing.slow_findings import AFTER, BEFORE, PHASES, SLOW, slow_found
from load.playing.slow_members import EVENT, Room, SlowPlayer
from load.watching.looks import Watched
from sioprobe.engine import Connection, Engine
from sioprobe.measured import Ledger, Recorder
from sioprobe.results.histogram import Histogram

__all__ = ["SlowScenario"]

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
        room = room_with_a_seat(
            self.rooms, self.options.room_size, lambda index: Room(self, f"{self._stem}-{index}")
        )
        return SlowPlayer(self, connection, changed, room)

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
