"""The base of every scenario and of every player."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from load.playing.observations import Observations
from load.playing.parameters import NAMESPACE, Options, Parameter
from load.watching.server_state import Watched
from sioprobe.engine import (
    TRANSPORTS,
    Connection,
    Engine,
    Kind,
    Listener,
    SwarmError,
)
from sioprobe.engine.connection import NO_ANSWER
from sioprobe.measured import Ledger, Recorder, Schedule
from sioprobe.measured.recorder import Sample

__all__ = ["WRONG_ACK", "Player", "Scenario", "kind_of_end"]

WRONG_ACK = "wrong ack"
"""The kind of an error: an ack does not repeat the values that were sent."""
GOLDEN_RATIO = 0.6180339887498949


class Scenario(ABC):
    """What the connections of one process do. Each process of a run has one such object.

    `title` says in one line what a user does. `parameters` are the parameters; each scenario has `namespace`.
    `transports` are the transports over which the scenario makes sense.
    `operation` is the (type, name) of the series that counts the operations, or None.
    `ledger` and `schedule` are its accounts, or None. `processes` is the number of processes in the run.
    `numbering` is the first number of this process, from 0, and the step to its next: no other has the same.
    `timed_between` says that an operation may begin in one process and end in another. The latencies are then
    withheld if the processes are on hosts whose clocks cannot be compared.
    If it `cools_down`, the run looks at the server after the last client has left, for `cool_down` seconds at
    most. With `look_seconds` the run also looks at the server that often, in seconds, while users play.
    """

    title: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = (NAMESPACE,)
    transports: ClassVar[tuple[str, ...]] = TRANSPORTS
    cools_down: ClassVar[bool] = False
    look_seconds: ClassVar[float | None] = None
    operation: tuple[str, str] | None = None
    messages_per_operation = 0
    timed_between = False

    def __init__(self, engine: Engine, options: Options) -> None:
        self.engine = engine
        self.options = options
        self.halted = False
        self._schedules = 0
        self.ledger: Ledger | None = None
        self.schedule: Schedule | None = None
        self.processes = 1
        self.numbering = (0, 1)

    @abstractmethod
    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on this connection. `changed` is called on the hub when its state has changed."""

    @classmethod  # noqa: B027 - most values go together
    def check(cls, options: Options) -> None:
        """Raise ParameterError if values that are valid alone do not go together."""

    @classmethod
    def operation_of(cls, options: Options) -> tuple[str, str] | None:
        """The `operation` of a scenario with these options, for who has none of its objects."""
        return cls.operation

    @classmethod
    def wants_refusal(cls, options: Options) -> bool:
        """Whether the server must refuse the users of a scenario with these options."""
        return False

    @classmethod
    def ended_lives(cls, states: Sequence[dict[str, Any]]) -> int | None:
        """How many lives have ended, from the `state` of each process; None where users have no lives."""
        return None

    @classmethod
    def message_bytes(cls, options: Options) -> int:
        """The largest message that a client sends has at least so many bytes."""
        return int(options.get("payload_bytes", 0))

    @classmethod
    def floor(cls, options: Options) -> Options:
        """The options for the same load on the null server."""
        return options

    def next_offset(self, interval: int) -> int:
        """When the next of several equal schedules begins, in nanoseconds within their interval.

        The golden ratio spreads them evenly, however many there will be. Otherwise they would send in bursts.
        """
        self._schedules += 1
        return int(interval * (self._schedules * GOLDEN_RATIO % 1.0))

    def set_total_rate(self, rate: float) -> None:  # noqa: B027 - most have no such parameter
        """Set another `total_rate`, that of all processes, if the scenario has this parameter."""

    def measured(self) -> Sample:
        """What the operations counted since the recorder was reset."""
        sample = Sample()
        if self.operation is not None:
            self.engine.recorder.take()
            sample.merge(self.engine.recorder.series(*self.operation).total)
        return sample

    def packets(self, operations: int, published: int) -> int:
        """The packets of both directions that these operations and messages were."""
        return operations * self.messages_per_operation + published

    def halt(self) -> None:
        """Start no more operations. Those under way go on."""
        self.halted = True

    @property
    def published(self) -> int:
        """The number of messages to the server so far that are not operations."""
        return 0

    @property
    def at_rest(self) -> bool:
        """Whether no operation is under way."""
        return True

    @property
    def without_answer(self) -> int:
        """How many operations wait for an answer. Others account for that in their ledger, or in words."""
        return 0

    def settle(self) -> None:  # noqa: B027 - most have no accounts
        """Close the accounts after the last operation."""

    def state(self) -> dict[str, Any] | None:
        """What this process has observed, as plain values that travel to the master; most observe nothing."""
        return None

    @classmethod
    def found(
        cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched
    ) -> Observations | None:
        """What the whole run observed, from the `state` of each process and the looks at the server."""
        return None


class Player(Listener):
    """One connection's part in a scenario.

    `state` goes from connecting to ready (it may `begin`), playing and closed. `leaving` says that the player
    itself wants the end.
    """

    __slots__ = ("_changed", "connection", "failure", "leaving", "scenario", "state")

    keeps_offsets = False  # an answer is compared with what was asked

    def __init__(
        self, scenario: Scenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        self.scenario = scenario
        self.connection = connection
        self.state = "connecting"
        self.failure: SwarmError | None = None
        self.leaving = False
        self._changed = changed
        connection.listener = self

    def open(self) -> None:
        """Connect to the scenario's namespace."""
        connection = self.connection
        connection.connect(self.scenario.options.namespace, connection.target.auth)

    def begin(self) -> None:
        """Start playing. The state must be ready."""
        self.state = "playing"

    def leave(self) -> None:
        """Close the connection, because the player wants to leave."""
        self.leaving = True
        self.connection.close()

    def connected(self, connection: Connection, namespace: str) -> None:
        if not connection.session.upgrading:
            self.prepare()

    def upgraded(self, connection: Connection) -> None:
        # The operations are to be measured on the transport that was asked for.
        if self.scenario.options.namespace in connection.namespaces and self.state == "connecting":
            self.prepare()

    def prepare(self) -> None:
        """Do what is needed before the first operation, then call `set_ready`."""
        self.set_ready()

    def set_ready(self) -> None:
        """The player may begin."""
        self.state = "ready"
        self._tell()

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        kind = Kind.CONNECT_TIMEOUT if data is NO_ANSWER else Kind.CONNECT_REFUSED
        self.failure = SwarmError(kind, str(data))
        connection.close()

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self.failure = SwarmError(Kind.DISCONNECTED_BY_SERVER)
        connection.close()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        self.failure = self.failure or failure
        self.state = "closed"
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(self)


def kind_of_end(failure: SwarmError | None) -> str:
    """Why a connection ended, as a key of counts."""
    return failure.kind if failure is not None else Kind.CONNECTION_CLOSED
