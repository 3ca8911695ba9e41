"""Many connections of the load engine, opened some at a time and held."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

import gevent
import psutil

from sioprobe.engine import Connection, Engine, Listener, SwarmError, Target
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["DEADLINE", "PATIENCE", "HeldConnections", "State", "Stop"]

AT_ONCE = 50
PATIENCE = 4.0
"""If no new connection is answered for so many seconds, but old ones are, that is a limit."""
DEADLINE = 25.0
LITTLE_MEMORY = 400 * 2**20
"""So many bytes stay free on this machine: a thread for each connection may take more than there is."""

MANY_THREADS = 800
"""So many threads show that each connection brings some. Thousands slow the whole machine down."""


class State(Enum):
    """The state of one connection. It is served if the server has answered its CONNECT."""

    WAITING = auto()
    SERVED = auto()
    CLOSED = auto()
    FAILED = auto()
    LOST = auto()
    """It was served, and failed later."""


class Stop(Enum):
    """Why no more connections are opened."""

    ALL_THERE = auto()
    DEADLINE = auto()
    MEMORY = auto()
    """This machine has little left."""
    SILENCE = auto()
    """The last connections got no answer."""
    FAILURES = auto()
    THREADS = auto()
    """The server has so many more than before."""


class Held(Listener):
    """One connection. `failure` is the kind of the failure that ended it, or empty."""

    __slots__ = ("answers", "connection", "failure", "state")

    def __init__(self, engine: Engine, target: Target, transport: str) -> None:
        self.state = State.WAITING
        self.failure = ""
        self.answers = 0
        self.connection = Connection(engine, target, transport, self, timeout=DEADLINE * 4)

    def ask(self) -> None:
        """Make a call. Its answer is counted."""
        self.connection.connect("/sioprobe-doctor-asks")

    def connected(self, connection: Connection, namespace: str) -> None:
        self.state = State.SERVED
        self.answers += namespace != MAIN_NAMESPACE

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        # A refusal is an answer too.
        self.connected(connection, namespace)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        if failure is None:
            self.state = State.CLOSED
        else:
            self.state = State.LOST if self.state is State.SERVED else State.FAILED
        self.failure = failure.kind if failure is not None else ""


class HeldConnections:
    """Connections to one server. `auth` is the auth payload of their CONNECT."""

    def __init__(self, target: Target, transport: str, auth: dict[str, Any] | None = None) -> None:
        self.engine = Engine()
        self.all: list[Held] = []
        self._target = target
        self._transport = transport
        self._auth = auth

    def count(self, state: State) -> int:
        """How many are in that state."""
        return sum(held.state is state for held in self.all)

    def open_more(self, number: int) -> None:
        """Start to open so many connections."""
        for _ in range(number):
            held = Held(self.engine, self._target, self._transport)
            self.all.append(held)
            held.connection.connect(auth=self._auth)

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until `done` returns True. False if nothing changes for so many seconds."""
        last, changed = None, time.monotonic()
        while not done():
            states = Counter(held.state for held in self.all)
            if states != last:
                last, changed = states, time.monotonic()
            elif time.monotonic() > changed + seconds:
                return False
            gevent.sleep(0.02)
        return True

    def failures(self) -> dict[str, int]:
        """The number of failed connections by the kind of the failure."""
        return dict(Counter(held.failure for held in self.all if held.failure))

    def failures_in_words(self) -> str:
        """`3 connection closed, 1 ping timeout`."""
        return ", ".join(f"{count} {kind}" for kind, count in self.failures().items())

    def still_served(self) -> bool:
        """Whether a served connection gets an answer to a call."""
        served = next((held for held in self.all if held.state is State.SERVED), None)
        if served is None:
            return False
        served.ask()
        return self.wait(lambda: bool(served.answers), PATIENCE)

    def release(self, number: int) -> None:
        """Close some of the served connections."""
        for held in [held for held in self.all if held.state is State.SERVED][:number]:
            held.connection.close()

    def end(self) -> None:
        """Close all."""
        for held in self.all:
            if not held.connection.closed:
                held.connection.close()
        self.wait(lambda: not self.engine.connections, 3.0)
        for connection in list(self.engine.connections):
            connection.abort()
        self.engine.stop()

    def fill(self, wanted: int, threads: Callable[[], int]) -> Stop:
        """Open connections until so many are served, or until something stops it.

        `threads` returns how many more threads the server has than before.
        """
        self.engine.start()
        end = time.monotonic() + DEADLINE
        while len(self.all) < wanted:
            if time.monotonic() > end:
                return Stop.DEADLINE
            if psutil.virtual_memory().available < LITTLE_MEMORY:
                return Stop.MEMORY
            self.open_more(min(AT_ONCE, wanted - len(self.all)))
            if not self.wait(lambda: not self.count(State.WAITING), PATIENCE):
                return Stop.SILENCE
            if self.failures():
                return Stop.FAILURES
            if threads() >= MANY_THREADS and len(self.all) < wanted:
                return Stop.THREADS
        return Stop.ALL_THERE
