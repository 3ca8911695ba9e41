"""`upgrade`: connect over polling and upgrade to WebSocket while events are in flight both ways.

From the CONNECT until shortly after the upgrade each client keeps four of its events unanswered (each ack is
one delivery) and one `burst` of the server under way (its events must come in order). The ledger says whether
an event was lost, came twice, or overtook another. Then the client closes, and a new one upgrades. Each
client that ends with closed accounts is one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns
from typing import Any

from load.playing.counted_lives import CountedLivesPlayer, CountedLivesScenario
from load.playing.lives import PAUSE
from load.playing.observations import Observations, count_of, duration, spread, summed, told
from load.playing.parameters import NAMESPACE, PAYLOAD_BYTES, RATE, TIMEOUT, Options, Parameter
from load.playing.players import WRONG_ACK, Player
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine, Kind, SwarmError
from sioprobe.engine.hub import SECOND
from sioprobe.measured import Ledger, Recorder
from sioprobe.measured.ledger import Receiver

__all__ = ["UpgradeScenario"]

BURST = Parameter(
    "burst", 10, "events that the server sends in one go during the upgrade", least=1, most=100_000
)
WINDOW = 4
"""So many events of a client wait for their ack at the same time."""


class UpgradeScenario(CountedLivesScenario):
    """A life ends well if its accounts are closed. Its time counts from connect to close."""

    title = "upgrade from polling to WebSocket with events in flight both ways"
    parameters = (NAMESPACE, BURST, PAYLOAD_BYTES, RATE, PAUSE, TIMEOUT)
    transports = ("upgrade",)
    operation = ("SIO life", "upgrade")

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.ledger: Ledger = Ledger()
        self.in_flight_sent = 0
        self.in_flight_received = 0

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A client, with its first connection."""
        return UpgradePlayer(self, connection, changed)

    def state(self) -> dict[str, Any]:
        """Lives, failures, and how many events were under way during upgrades."""
        return {
            **super().state(),
            "in_flight_sent": self.in_flight_sent,
            "in_flight_received": self.in_flight_received,
        }

    @classmethod
    def found(cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched) -> Observations:
        """The share of upgrades that failed and why, their time, and what was in flight."""
        failed = summed(state["failed"] for state in states)
        lives, sent, received = (
            sum(state[name] for state in states) for name in ("lives", "in_flight_sent", "in_flight_received")
        )
        series = recorder.series("SIO upgrade", "upgrade")
        series.take()
        upgrades, errors = series.total.timed, dict(series.total.errors)
        tried = upgrades + sum(errors.values())
        times = spread(series.total.histogram)
        words = f"{count_of(tried, 'upgrade')}, "
        if errors:
            words += f"{sum(errors.values()):,} failed ({sum(errors.values()) / tried:.1%}: {told(errors)})"
        else:
            words += "none failed"
        if upgrades:
            words += f"; half within {duration(times['p50'])}, all within {duration(times['max'])}"
        more = [
            f"under way when upgrades ended: {count_of(sent, 'event')} of clients without their acks,"
            f" {received:,} of the server"
        ]
        if failed:
            more.append(f"{count_of(sum(failed.values()), 'client')} failed before the end: {told(failed)}")
        return Observations(
            [words, *more],
            {
                "upgrades": upgrades,
                "upgrade_errors": errors,
                "failed_share": sum(errors.values()) / tried if tried else None,
                "upgrade_us": times,
                "lives": lives,
                "failed": failed,
                "in_flight_sent": sent,
                "in_flight_received": received,
            },
        )


class UpgradePlayer(CountedLivesPlayer):
    """One client.

    `_more` counts the events and bursts that it begins after the upgrade. Before, it is None: no limit.
    """

    __slots__ = (
        "_burst_base",
        "_burst_left",
        "_ledger",
        "_more",
        "_outstanding",
        "_receiver",
        "_sent",
        "_settled",
    )
    play: UpgradeScenario

    def __init__(
        self, scenario: UpgradeScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self._ledger = scenario.ledger.part(connection.target.label)
        self._receiver: Receiver | None = None
        self._reset()

    def _enter(self, kind: str, count: int = 1) -> None:
        """Count wrong deliveries as errors."""
        for _ in range(count):
            self.series.error(kind)

    def _reset(self) -> None:
        self._settled = False
        self._more: list[int] | None = None
        self._outstanding = 0
        self._sent = 0
        self._burst_base = 0
        self._burst_left = 0

    # The course of a life

    def begin_life(self) -> None:
        """A life with empty accounts."""
        super().begin_life()
        self._reset()

    def connected(self, connection: Connection, namespace: str) -> None:
        """Begin at once: the scenario is about what happens during the upgrade."""
        if self.state == "connecting":
            self.set_ready()
        else:
            self.work()

    def upgraded(self, connection: Connection) -> None:
        """Send a little more, then end: the upgrade is over, well or not."""
        self._settled = True
        if self.step == "work":
            self.play.in_flight_sent += self._outstanding
            self.play.in_flight_received += self._burst_left
            self._last_turn()

    def work(self) -> None:
        """Open the accounts, and send events in both directions."""
        if self.connection.closed:
            return
        self.step = "work"
        self._receiver = Receiver(self._ledger, 0)
        self.connection.deadline = monotonic_ns() + int(self.play.options.timeout * SECOND)
        if self._settled:
            self._last_turn()
        else:
            self._begin_burst()
            self._send()

    def _last_turn(self) -> None:
        self._more = [WINDOW, 1]
        self._send()
        if not self._burst_left:
            self._begin_burst()

    def _send(self) -> None:
        """Send until so many events are unanswered."""
        options, ledger = self.play.options, self._ledger
        while self._outstanding < WINDOW and self.step == "work":
            if self._more is not None:
                if not self._more[0]:
                    return
                self._more[0] -= 1
            number, self._sent = self._sent, self._sent + 1
            self._outstanding += 1
            ledger.published += 1
            ledger.expected += 1
            self.connection.emit(
                "message-with-ack",
                number,
                self.play.payload,
                namespace=options.namespace,
                ack=partial(self._answered, number),
                timeout=2 * options.timeout,  # the deadline of the life comes first
            )

    def _answered(self, number: int, args: list[Any] | None, failure: SwarmError | None) -> None:
        if failure is not None:
            return  # the connection ended; `closed` accounts for all that is outstanding
        self._outstanding -= 1
        if args != [number, self.play.payload]:
            self._enter(WRONG_ACK)
        self._ledger.received += 1
        self._send()
        self._close_if_done()

    def _begin_burst(self) -> None:
        if self._more is not None:
            if not self._more[1]:
                return
            self._more[1] -= 1
        options, ledger = self.play.options, self._ledger
        self._burst_left = options.burst
        ledger.published += options.burst
        ledger.expected += options.burst
        self.connection.emit("burst", options.burst, options.payload_bytes, namespace=options.namespace)

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """Take one event of the burst."""
        super().event(connection, namespace, name, args, ack_id)
        if name != "b" or self._receiver is None:
            return
        if len(args) != 2 or type(args[0]) is not int or args[1] != self.play.payload:
            self._enter("wrong event")
            return
        reordered, duplicated = self._ledger.reordered, self._ledger.duplicated
        if self._receiver.receive(self._burst_base + args[0]):
            self._burst_left -= 1
        self._enter("reordered", self._ledger.reordered - reordered)
        self._enter("duplicated", self._ledger.duplicated - duplicated)
        if not self._burst_left and self.step == "work":
            self._burst_base += self.play.options.burst
            self._begin_burst()
            self._close_if_done()

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """Count an ack that came twice."""
        self._ledger.duplicated += 1
        self._enter("duplicated")

    # The end of a life

    def _close_if_done(self) -> None:
        done = self._more == [0, 0] and not self._outstanding and not self._burst_left
        if done and self.step == "work":
            self.step = "close"
            self.connection.deadline = 0
            self.connection.close()

    def expired(self, connection: Connection) -> None:
        """Give up, because something did not come in time."""
        self.failure = SwarmError(Kind.TIMEOUT, "not all events came")
        connection.close()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Close the accounts. If the end was unexpected, what was under way is lost."""
        self._account()
        super().closed(connection, failure)

    def _account(self) -> None:
        receiver, self._receiver = self._receiver, None
        lost = 0
        if receiver is not None:
            lost = receiver.close(
                self._burst_base + (self.play.options.burst if self._burst_left else 0), excused=self.leaving
            )
        if self.leaving:
            self._ledger.expected -= self._outstanding
        else:
            self._ledger.lost += self._outstanding
            self._enter("lost", lost + self._outstanding)
        self._outstanding = 0
