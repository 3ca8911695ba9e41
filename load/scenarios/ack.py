"""`ack`: each connection emits `message-with-ack` [number, payload] and waits for the ack that repeats it.

A closed loop with one operation outstanding a connection; with `rate`, a constant schedule a connection,
its latency counted from the intended time. What the ack says is compared whole, for every operation.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from load.scenarios.common import NANOSECONDS, Options, Player, Scenario
from sioprobe.swarm import Connection, Engine, SwarmError

__all__ = ["AckScenario"]


class AckScenario(Scenario):
    """Two messages an operation: the event and its ack."""

    operation = ("SIO ack", "message-with-ack")
    messages_per_operation = 2

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.series = engine.recorder.series(*self.operation)
        prefix = "" if options.namespace == "/" else options.namespace + ","
        self.payload = "x" * options.payload_bytes
        self.head = f"42{prefix}"
        self.expected_head = f"3{prefix}"
        self.timeout = int(options.timeout * NANOSECONDS)
        self.outstanding = 0

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on that connection."""
        return AckPlayer(self, connection, changed)

    @property
    def at_rest(self) -> bool:
        """Whether every emit has been answered or given up."""
        return self.outstanding == 0


class AckPlayer(Player):
    """One connection's loop."""

    __slots__ = ("_ack_id", "_expected", "_interval", "_number", "_series", "_started", "_timer", "play")

    def __init__(
        self, scenario: AckScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.play = scenario
        self._series = connection.series(*scenario.operation)
        self._number = 0
        self._ack_id = 0
        self._expected = ""
        self._started = 0
        self._timer: Any = None
        self._interval = int(NANOSECONDS / scenario.options.rate) if scenario.options.rate else 0

    def begin(self) -> None:
        """Send the first event."""
        super().begin()
        self.connection.tap = self._tap
        if self._interval:
            self._started = monotonic_ns()
            self._timer = self.play.engine.loop.timer(0.0)
            self._wait_for_turn()
        else:
            self._started = monotonic_ns()
            self._send()

    def _send(self) -> None:
        play = self.play
        if play.halted:
            return
        self._number = number = self._number + 1
        self._ack_id = ack_id = self.connection.next_ack_id()
        self._expected = f'{play.expected_head}{ack_id}[{number},"{play.payload}"]'
        self.connection.deadline = self._started + play.timeout
        play.outstanding += 1
        self.connection.send_raw(f'{play.head}{ack_id}["message-with-ack",{number},"{play.payload}"]')

    def _tap(self, text: str) -> bool:
        if text != self._expected:
            return False
        self._end_operation()
        return True

    def _end_operation(self) -> None:
        now = monotonic_ns()
        self.play.outstanding -= 1
        self._series.record((now - self._started) / 1000)
        self._go_on(now)

    def _go_on(self, now: int) -> None:
        self._expected = ""
        self.connection.deadline = 0
        if self._interval:
            self._started += self._interval
            self._wait_for_turn()
        else:
            self._started = now
            self._send()

    def _wait_for_turn(self) -> None:
        """Send when the intended time has come; at once where it is past."""
        wait = self._started - monotonic_ns()
        if wait <= 0:
            self._take_turn()
        else:
            self._timer.stop()
            self._timer = self.play.engine.loop.timer(wait / NANOSECONDS)
            self._timer.start(self._take_turn, update=True)

    def _take_turn(self) -> None:
        try:
            if self.state == "playing":
                self.play.engine.send_lag.record(max(0, monotonic_ns() - self._started) / 1000)
                self._send()
        except Exception as error:
            self.play.engine.count_internal(error)

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """An ack whose text is not what we expected: other JSON for the same values, or a wrong answer."""
        if ack_id != self._ack_id or not self._expected:
            self._series.error("ack to nothing")
        elif args == [self._number, self.play.payload]:
            self._end_operation()
        else:
            self._fail("wrong ack")

    def expired(self, connection: Connection) -> None:
        """No ack in time."""
        self._fail("timeout")

    def _fail(self, kind: str) -> None:
        self.play.outstanding -= 1
        self._series.error(kind)
        self._go_on(monotonic_ns())

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Account for the operation under way."""
        if self._expected:
            self._expected = ""
            self.play.outstanding -= 1
            if failure is not None:
                self._series.error(failure.kind)
        if self._timer is not None:
            self._timer.stop()
        super().closed(connection, failure)
