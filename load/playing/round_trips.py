"""For scenarios with one emit and one answer: closed loop, open loop, deadlines, accounts.

In a closed loop each connection has one operation outstanding. In an open loop it sends by a schedule, even
if operations are outstanding: the latency counts from the intended time, the service time from the sending.
An operation that is due but cannot be sent is an error of the series. If a connection is lost, its schedule
goes on until another connection takes its place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable
from time import monotonic_ns
from typing import Any, ClassVar

from load.playing.pacing import SCHEDULE, Pacer
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
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.engine.hub import SECOND
from sioprobe.measured import Schedule, Series

__all__ = ["OPEN_LOOP", "RoundTripPlayer", "RoundTripScenario", "TextRoundTripPlayer"]

NO_CONNECTION = "no connection"
OUTSTANDING = "too many outstanding"

OPEN_LOOP = (
    RATE,
    Parameter(
        "total_rate",
        0.0,
        "operations of all connections together, which take turns; instead of rate",
        unit="a second",
        least=0,
        most=10_000_000,
    ),
    SCHEDULE,
    Parameter(
        "max_outstanding",
        64,
        "with a rate: a connection with so many unanswered operations sends no more",
        least=1,
        most=1_000_000,
    ),
)


class RoundTripScenario(Scenario):
    """Each operation is two messages: the emit and its answer."""

    parameters: ClassVar[tuple[Parameter, ...]] = (NAMESPACE, PAYLOAD_BYTES, *OPEN_LOOP, TIMEOUT)
    messages_per_operation = 2

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        assert self.operation is not None
        self.series = engine.recorder.series(*self.operation)
        self.prefix = "" if options.namespace == "/" else options.namespace + ","
        self.payload = "x" * int(options.get("payload_bytes", 0))
        self.timeout = int(options.timeout * SECOND)
        self.max_outstanding = options.max_outstanding
        self.outstanding = 0
        if options.rate or options.total_rate:
            self.schedule = Schedule()
        self._turns: deque[RoundTripPlayer] = deque()
        self._lost: list[RoundTripPlayer] = []
        self._pacer: Pacer | None = None
        self._total_rate = options.total_rate

    @classmethod
    def check(cls, options: Options) -> None:
        """Only one of the two rates may be given."""
        if options.rate and options.total_rate:
            raise ParameterError("total_rate", "excludes rate; give one of the two")

    @property
    def at_rest(self) -> bool:
        """Whether every emit was answered or given up."""
        return self.outstanding == 0

    @property
    def without_answer(self) -> int:
        """The emits under way."""
        return self.outstanding

    def join(self, player: RoundTripPlayer) -> None:
        """Add a player to the open loop. It takes the place of a lost one, if there is one."""
        options = self.options
        if self._lost:
            self.dismiss(self._lost.pop())
        if options.rate:
            player.pacer = Pacer(self.engine, options.rate, options.schedule, player.take_turn)
            player.pacer.start(self.next_offset(player.pacer.interval))
            return
        self._turns.append(player)
        if self._pacer is None:
            rate = self._total_rate / self.processes
            self._pacer = Pacer(self.engine, rate, options.schedule, self._take_turn)
            self._pacer.start()

    def set_total_rate(self, rate: float) -> None:
        """Set another rate from now on."""
        self._total_rate = rate
        if self._pacer is not None:
            self._pacer.set_rate(rate / self.processes)

    def lose(self, player: RoundTripPlayer) -> None:
        """Go on with the turns of a player whose connection is lost. They are counted as not sent."""
        self._lost.append(player)

    def dismiss(self, player: RoundTripPlayer) -> None:
        """Give the player no more turns."""
        if player.pacer is not None:
            player.pacer.stop()
        if player in self._turns:
            self._turns.remove(player)
        if player in self._lost:
            self._lost.remove(player)

    def _take_turn(self, intended: int) -> None:
        if self._turns:
            self._turns.rotate(-1)
            self._turns[-1].take_turn(intended)
        else:
            self.miss(NO_CONNECTION, self.series)

    def miss(self, reason: str, series: Series) -> None:
        """Count an operation that is due but cannot be sent."""
        assert self.schedule is not None
        self.schedule.miss(reason)
        series.error(f"not sent: {reason}")

    def halt(self) -> None:
        """Start no more operations."""
        super().halt()
        if self._pacer is not None:
            self._pacer.stop()
        for player in [*self._turns, *self._lost]:
            self.dismiss(player)


class RoundTripPlayer(Player, ABC):
    """The loop of one connection.

    `_waiting` holds each operation by the key of its answer: the intended time, the sending time, the number.
    """

    __slots__ = ("_open", "_series", "_waiting", "number", "pacer", "play")

    def __init__(
        self,
        scenario: RoundTripScenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.play = scenario
        self._series = connection.series(scenario.series.type, scenario.series.name)
        self._open = scenario.schedule is not None
        self._waiting: dict[Hashable, tuple[int, int, int]] = {}
        self.number = 0
        self.pacer: Pacer | None = None

    @abstractmethod
    def transmit(self, number: int) -> Hashable:
        """Send the operation with this number. Returns the key by which its answer is recognised."""

    def begin(self) -> None:
        """Send the first event, or join the schedule."""
        super().begin()
        if self._open:
            self.play.join(self)
        else:
            self._go_on(monotonic_ns())

    def take_turn(self, intended: int) -> None:
        """Send, because it is due, or count why not. It is called at the intended time or later."""
        play = self.play
        if play.halted:
            if self.pacer is not None:
                self.pacer.stop()
        elif self.state != "playing" or self.connection.session.state != "open":
            play.miss(NO_CONNECTION, self._series)
        elif len(self._waiting) >= play.max_outstanding:
            play.miss(OUTSTANDING, self._series)
        else:
            now = monotonic_ns()
            lag_us = (now - intended) / 1000
            play.engine.pulse.send_lag.record(lag_us)
            assert play.schedule is not None
            play.schedule.send(lag_us)
            self._send(intended, now)

    def _send(self, intended: int, now: int) -> None:
        """Send the next operation. The connection is open."""
        self.number = number = self.number + 1
        play = self.play
        if not self._waiting:
            self.connection.deadline = now + play.timeout
        self._waiting[self.transmit(number)] = (intended, now, number)
        play.outstanding += 1

    def answer(self, key: Hashable) -> bool:
        """Take the right answer with this key. False if no operation waits for it."""
        entry = self._waiting.pop(key, None)
        if entry is None:
            return False
        now = monotonic_ns()
        play = self.play
        play.outstanding -= 1
        self._series.record((now - entry[0]) / 1000)
        if self._open:
            assert play.schedule is not None
            play.schedule.service.record((now - entry[1]) / 1000)
        self._go_on(now)
        return True

    def fail(self, key: Hashable, kind: str) -> None:
        """Count the operation with this key as failed."""
        if self._waiting.pop(key, None) is not None:
            self.play.outstanding -= 1
            self._series.error(kind)
            self._go_on(monotonic_ns())

    def _go_on(self, now: int) -> None:
        if self._waiting:
            # The first is the oldest, because dicts keep their order.
            self.connection.deadline = next(iter(self._waiting.values()))[1] + self.play.timeout
        else:
            self.connection.deadline = 0
            if self._open or self.state != "playing" or self.play.halted:
                return
            # Acks fail before the listener hears that the connection is closed.
            if self.connection.session.state == "open":
                self._send(now, now)

    def expired(self, connection: Connection) -> None:
        """Fail the operations whose answer did not come in time."""
        end = monotonic_ns() - self.play.timeout
        kind = connection.no_answer("").kind
        for key in [key for key, entry in self._waiting.items() if entry[1] <= end]:
            self.fail(key, kind)
        if self._waiting:
            self.connection.deadline = next(iter(self._waiting.values()))[1] + self.play.timeout

    def leave(self) -> None:
        """Leave, and give up the place in the schedule."""
        self.play.dismiss(self)
        super().leave()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Count the operations under way as failed."""
        begun = self.state == "playing"
        self.play.outstanding -= len(self._waiting)
        kind = failure.kind if failure is not None else self.failure.kind if self.failure is not None else ""
        if kind:
            for _ in self._waiting:
                self._series.error(kind)
        self._waiting.clear()
        super().closed(connection, failure)
        if begun and self._open and kind and not self.play.halted:
            self.play.lose(self)


class TextRoundTripPlayer(RoundTripPlayer):
    """A player whose keys are the whole texts of the answers: a text is looked up before it is decoded."""

    __slots__ = ()

    def begin(self) -> None:
        """Tap the texts, then begin as every player."""
        self.connection.tap = self.answer
        super().begin()

    def waiting_for(self, args: list[Any]) -> Hashable | None:
        """The key of the operation whose number is the first argument, or None."""
        if not args or type(args[0]) is not int:
            return None
        return next((key for key, entry in self._waiting.items() if entry[2] == args[0]), None)
