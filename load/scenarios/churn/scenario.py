"""`churn`: each user connects, works (emits and waits for `acks` acks), leaves, and comes again.

A life lasts from the connect to the confirmed close. It is a closed loop with `pause` seconds between the
lives of a user, or with `rate` a schedule of arrivals for each user: times then count from the intended
arrival. At the end the run looks at the server until it has released everything or has had enough time for
that. What is left then is a leak, and so is memory that grows life after life. With `expect` refused, the
server refuses each user, and the refusal ends the life.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Any

from load.playing.counted_lives import CountedLivesPlayer, CountedLivesScenario
from load.playing.lives import PAUSE
from load.playing.observations import Observations, count_of, summed, told
from load.playing.parameters import NAMESPACE, PAYLOAD_BYTES, RATE, TIMEOUT, Options, Parameter
from load.playing.players import WRONG_ACK, Player
from load.scenarios.churn.leak import COOL_DOWN, leak_observed
from load.scenarios.churn.refused import RefusedPlayer
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.measured import Recorder

__all__ = ["ChurnScenario"]

EVENT = "message-with-ack"
ACKS = Parameter("acks", 3, "acks that a user waits for before it leaves", least=0, most=1_000_000)
REFUSED = "refused"
EXPECT = Parameter(
    "expect",
    "connected",
    "what the server does with each user; refused: it answers CONNECT_ERROR, HTTP 401 or HTTP 403",
    choices=("connected", REFUSED),
)


class ChurnScenario(CountedLivesScenario):
    """Each ack of a life is two messages."""

    title = "connect, wait for some acks, leave, come again"
    parameters = (NAMESPACE, EXPECT, ACKS, PAYLOAD_BYTES, RATE, PAUSE, TIMEOUT, COOL_DOWN)
    operation = ("SIO life", "churn")
    cools_down = True
    look_seconds = 0.25

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.messages_per_operation = 0 if self.wants_refusal(options) else 2 * options.acks
        self.unconfirmed = 0
        self.late = 0

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A user, with its first connection."""
        kind = RefusedPlayer if self.wants_refusal(self.options) else ChurnPlayer
        return kind(self, connection, changed)

    @classmethod
    def wants_refusal(cls, options: Options) -> bool:
        """Whether each life ends with a refusal."""
        return options["expect"] == REFUSED

    @classmethod
    def floor(cls, options: Options) -> Options:
        """The null server refuses nobody: users that come and go are the nearest."""
        if not cls.wants_refusal(options):
            return options
        return Options(cls.parameters, {**options, EXPECT.name: EXPECT.default, ACKS.name: 0})

    def state(self) -> dict[str, Any]:
        """Lives, failures by step, closes without an answer, late arrivals."""
        return {
            **super().state(),
            "refused": self.wants_refusal(self.options),
            "unconfirmed_closes": self.unconfirmed,
            "late_arrivals": self.late,
            "heartbeat_seconds": self.heartbeat,
        }

    @classmethod
    def found(cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched) -> Observations:
        """How many lives ended well, how many failed in which step, and what the server kept."""
        failed = summed(state["failed"] for state in states)
        lives = sum(state["lives"] for state in states)
        unconfirmed = sum(state["unconfirmed_closes"] for state in states)
        late = sum(state["late_arrivals"] for state in states)
        end = "refusal" if any(state["refused"] for state in states) else "close"
        also = f"; {sum(failed.values()):,} failed ({told(failed)})" if failed else ""
        words = [f"{count_of(lives, 'life', 'lives')} from connect to {end}{also}"]
        if unconfirmed:
            words.append(f"{count_of(unconfirmed, 'close')} that the server did not answer within 2 s")
        if late:
            words.append(f"{count_of(late, 'arrival')} later than intended: the life before was not over")
        leak = leak_observed(server, lives)
        return Observations(
            [*words, *leak.words],
            {
                "lives": lives,
                "failed": failed,
                "unconfirmed_closes": unconfirmed,
                "late_arrivals": late,
                "leak": leak.figures,
            },
        )


class ChurnPlayer(CountedLivesPlayer):
    """One user."""

    __slots__ = ("_acked", "_acks", "_close_series", "_closing", "_first_ack", "_number")
    play: ChurnScenario

    def __init__(
        self, scenario: ChurnScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self._acked = 0
        self._number = 0
        self._closing = 0
        self._acks = connection.series("SIO ack", EVENT)
        self._first_ack = connection.series("SIO first ack", "churn")
        self._close_series = connection.series("SIO close", "churn")

    def next_life(self) -> None:
        """Begin another life, and count it if it is late."""
        self.play.late += self.late
        super().next_life()

    def begin_life(self) -> None:
        """Begin a life without acks."""
        super().begin_life()
        self._acked = 0

    def set_ready(self) -> None:
        """Be ready: connected, and upgraded if that was asked for. The first life waits for `begin`."""
        if self.connection.session.heartbeat is not None:
            self.play.heartbeat = sum(self.connection.session.heartbeat)
        if self.state == "connecting":
            # The time until `begin` does not count: the life waits for others.
            self.arrival -= monotonic_ns()
            super().set_ready()
        else:
            self.work()

    def begin(self) -> None:
        """Go on with the first life."""
        self.arrival += monotonic_ns()
        super().begin()

    def upgraded(self, connection: Connection) -> None:
        if self.scenario.options.namespace in connection.namespaces and self.step == "connect":
            self.prepare()

    def work(self) -> None:
        """Emit, or close after the last ack."""
        self.step = "work"
        if self._acked >= self.play.options.acks:
            self._close()
            return
        self._number += 1
        number, started = self._number, monotonic_ns()

        def answered(args: list[Any] | None, failure: SwarmError | None) -> None:
            if failure is not None:
                if not self.leaving:
                    self._acks.error(failure.kind)
                self._fail(failure)
            elif args != [number, self.play.payload]:
                self._acks.error(WRONG_ACK)
                self._fail(SwarmError(WRONG_ACK))
            else:
                self._acknowledged(started)

        options = self.play.options
        self.connection.emit(
            EVENT,
            number,
            self.play.payload,
            namespace=options.namespace,
            ack=answered,
            timeout=options.timeout,
        )

    def _acknowledged(self, started: int) -> None:
        now = monotonic_ns()
        self._acks.record((now - started) / 1000)
        self._acked += 1
        if self._acked == 1:
            self._first_ack.record((now - self.arrival) / 1000)
        self.work()

    def _close(self) -> None:
        self.step = "close"
        self._closing = monotonic_ns()
        self.connection.close()

    def _fail(self, failure: SwarmError) -> None:
        if not self.connection.closed:
            self.failure = failure
            self.connection.close()

    def end_well(self, now: int) -> None:
        """Count the life, and the time of its close if the server answered it."""
        super().end_well(now)
        if self.connection.session.close_confirmed:
            self._close_series.record((now - self._closing) / 1000)
        else:
            self.play.unconfirmed += 1
            self._close_series.count()
