"""What every scenario shares: its parameters, its life cycle, and the life cycle of a player."""

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
from sioprobe.measured import Ledger, Recorder, Schedule

__all__ = ["WRONG_ACK", "Player", "Scenario", "kind_of_end"]

WRONG_ACK = "wrong ack"
"""The kind of an error: the values of an ack are not those that were sent."""
GOLDEN_RATIO = 0.6180339887498949


class Scenario(ABC):
    """One a process. `operation` is the (type, name) of the series that counts its operations, or None.

    `auth` is the auth payload of every CONNECT, None where there is none.
    `title` says in one line what a user does, `parameters` what the scenario can be told; every scenario has
    the parameter `namespace`. `ledger` and `schedule` are its accounts, None where it has none; `processes`
    is how many like this one take part in the run. `timed_between` says that an operation begins in one
    process and may end in another, which may be on another host: latencies are then withheld where the hosts'
    clocks cannot be compared.
    `transports` are those over which it makes sense; one that `cools_down` has the server looked at after its
    last client has left, for at most its parameter `cool_down`; one that `has_phases` has it looked at once a
    second.
    """

    title: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = (NAMESPACE,)
    transports: ClassVar[tuple[str, ...]] = TRANSPORTS
    cools_down: ClassVar[bool] = False
    has_phases: ClassVar[bool] = False
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
        self.auth: dict[str, Any] | None = None

    @abstractmethod
    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on that connection; `changed` is called on the hub when its state has changed."""

    @classmethod  # noqa: B027 - most values go together
    def check(cls, options: Options) -> None:
        """Raise ParameterError for values that do not go together, each right alone."""

    def next_offset(self, interval: int) -> int:
        """When the next of several equal schedules begins, in nanoseconds within their interval.

        By the golden ratio, which spreads however many there will be: begun at once, they send in bursts.
        """
        self._schedules += 1
        return int(interval * (self._schedules * GOLDEN_RATIO % 1.0))

    def set_total_rate(self, rate: float) -> None:  # noqa: B027 - most have no such parameter
        """Play at another `total_rate` from now on, that of all processes; for scenarios that have one."""

    def halt(self) -> None:
        """Start no operation any more; those under way go on."""
        self.halted = True

    @property
    def published(self) -> int:
        """Messages to the server that are no operations themselves, so far."""
        return 0

    @property
    def at_rest(self) -> bool:
        """Whether no operation is under way."""
        return True

    def settle(self) -> None:  # noqa: B027 - most have no accounts
        """Close the accounts, after the last operation."""

    def state(self) -> dict[str, Any] | None:
        """What this process found so far, as plain values that travel to a master; most find nothing more."""
        return None

    @classmethod
    def found(
        cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched
    ) -> Observations | None:
        """What the whole run found, of the `state` of each process and of what was seen of the server."""
        return None


class Player(Listener):
    """One connection's part in a scenario.

    `state` goes from connecting to ready (it may `begin`), playing, and closed; `leaving` says that an end is
    of the player's own will.
    """

    __slots__ = ("_changed", "connection", "failure", "leaving", "scenario", "state")

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
        self.connection.connect(self.scenario.options.namespace, self.scenario.auth)

    def begin(self) -> None:
        """Start playing; the state must be ready."""
        self.state = "playing"

    def leave(self) -> None:
        """Leave of the player's own will: close the connection."""
        self.leaving = True
        self.connection.close()

    def connected(self, connection: Connection, namespace: str) -> None:
        if not connection.session.upgrading:
            self.prepare()

    def upgraded(self, connection: Connection) -> None:
        # What follows is to be measured on the transport that was asked for.
        if self.scenario.options.namespace in connection.namespaces and self.state == "connecting":
            self.prepare()

    def prepare(self) -> None:
        """Do what must be done before the first operation, then call `set_ready`."""
        self.set_ready()

    def set_ready(self) -> None:
        """The player may begin."""
        self.state = "ready"
        self._tell()

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self.failure = SwarmError(Kind.CONNECT_REFUSED, str(data))
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
    """Why a connection ended, as a key of counts; None is an end without a failure."""
    return failure.kind if failure is not None else Kind.CONNECTION_CLOSED
