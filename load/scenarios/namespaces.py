"""`namespaces`: each connection joins several namespaces, works in each, leaves it and joins it again.

In all namespaces at the same time it emits `message-with-ack` [number, name] and waits for the ack that
repeats it. After `visit` acks it disconnects the namespace and connects it again (`SIO rejoin`). Nothing
answers a DISCONNECT, and socket.io closes the session if CONNECT comes in the same read. So CONNECT waits for
an ack from another namespace that was asked for after the DISCONNECT. Nobody waits for a packet with a wrong
namespace, so it is an error. Without an auth payload each CONNECT carries {"token": "good"}, which `/auth` of
the contract wants.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from load.playing.parameters import NAMESPACE, TIMEOUT, Options, Parameter, ParameterError
from load.playing.players import WRONG_ACK, Player, Scenario
from sioprobe.engine import Connection, Engine, Kind, SwarmError
from sioprobe.engine.hub import SECOND

__all__ = ["NamespacesScenario"]

EVENT = "message-with-ack"
CONTRACT_AUTH = {"token": "good"}


def _complaint(value: str) -> str | None:
    names = value.split(",")
    for name in names:
        if problem := NAMESPACE.complaint(name):
            return problem
    return f"{value!r} names a namespace twice" if len(set(names)) < len(names) else None


class NamespacesScenario(Scenario):
    """Each operation is two messages: an event and its ack, in one of the namespaces."""

    title = "each connection joins several namespaces, works in each, leaves it and joins again"
    parameters = (
        NAMESPACE,
        Parameter(
            "namespaces",
            "/custom,/auth",
            "the other namespaces, separated by commas",
            complaint=_complaint,
        ),
        Parameter("visit", 20, "leave a namespace and join it again after so many acks; 0: never", least=0),
        TIMEOUT,
    )
    operation = ("SIO ack", EVENT)
    messages_per_operation = 2

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.names = list(dict.fromkeys([options.namespace, *options.namespaces.split(",")]))
        self.timeout = int(options.timeout * SECOND)
        self.outstanding = 0

    @classmethod
    def check(cls, options: Options) -> None:
        """There must be two namespaces at least, to leave one and join it again."""
        if set(options.namespaces.split(",")) == {options.namespace}:
            raise ParameterError(
                "namespaces", f"{options.namespaces!r} must name a namespace beside --namespace"
            )

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on this connection."""
        return NamespacesPlayer(self, connection, changed)

    @property
    def at_rest(self) -> bool:
        """Whether every emit and every CONNECT was answered."""
        return self.outstanding == 0

    @property
    def without_answer(self) -> int:
        """The emits and the CONNECTs under way."""
        return self.outstanding


class Visit:
    """What a connection does in one namespace.

    `left_at` is when the connection left it, 0 while it is joined. `asked` says that CONNECT was sent again.
    """

    __slots__ = ("acks", "asked", "left_at", "number")

    def __init__(self) -> None:
        self.acks = self.number = self.left_at = 0
        self.asked = False


class NamespacesPlayer(Player):
    """One connection in its namespaces."""

    __slots__ = ("_play", "_rejoins", "_series", "_visits")

    def __init__(
        self, scenario: NamespacesScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self._play = scenario
        self._series = connection.series(*scenario.operation)
        self._rejoins = connection.series("SIO rejoin", "namespace")
        self._visits = {name: Visit() for name in scenario.names}

    def open(self) -> None:
        """Connect to every namespace."""
        for name in self._play.names:
            self._connect(name)

    def _connect(self, name: str) -> None:
        auth = self.connection.target.auth
        self.connection.connect(name, CONTRACT_AUTH if auth is None else auth)

    def connected(self, connection: Connection, namespace: str) -> None:
        """Be ready when all are joined; go on in a namespace that is joined again."""
        if self.state == "connecting":
            self._look(connection)
            return
        visit = self._visits[namespace]
        self._rejoins.record((monotonic_ns() - visit.left_at) / 1000)
        visit.left_at = 0
        self._play.outstanding -= 1
        self._send(namespace)

    def upgraded(self, connection: Connection) -> None:
        if self.state == "connecting":
            self._look(connection)

    def _look(self, connection: Connection) -> None:
        if not connection.session.upgrading and all(name in connection.namespaces for name in self._visits):
            self.prepare()

    def begin(self) -> None:
        """Work in every namespace."""
        super().begin()
        for name in self._visits:
            self._send(name)

    def _send(self, name: str) -> None:
        play, connection, visit = self._play, self.connection, self._visits[name]
        if play.halted or self.state != "playing" or not connection.is_open:
            return
        done = play.options.visit and visit.acks >= play.options.visit
        # One namespace stays: its acks show when the others may be joined again.
        if done and any(not other.left_at for other in self._visits.values() if other is not visit):
            visit.acks = 0
            visit.left_at = monotonic_ns()
            visit.asked = False
            connection.disconnect(name)
            return
        visit.number += 1
        sent, started = [visit.number, name], monotonic_ns()

        def answered(args: list[Any] | None, failure: SwarmError | None) -> None:
            play.outstanding -= 1
            if failure is not None:
                if failure.kind != Kind.CONNECTION_CLOSED:
                    self._series.error(failure.kind)
            elif args != sent:
                self._series.error(WRONG_ACK)
            else:
                self._series.record((monotonic_ns() - started) / 1000)
            visit.acks += 1
            if failure is None:
                self._rejoin(started)
            self._send(name)

        play.outstanding += 1
        connection.emit(EVENT, *sent, namespace=name, ack=answered, timeout=play.options.timeout)

    def _rejoin(self, started: int) -> None:
        """Join again what was left before `started`: the server has seen it, because it sent an ack since."""
        for name, visit in self._visits.items():
            if visit.left_at and not visit.asked and visit.left_at <= started and self.connection.is_open:
                visit.asked = True
                self._play.outstanding += 1
                self._connect(name)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Forget the namespaces that were to be joined again."""
        for visit in self._visits.values():
            if visit.left_at and visit.asked:
                visit.left_at = 0
                self._play.outstanding -= 1
        super().closed(connection, failure)
