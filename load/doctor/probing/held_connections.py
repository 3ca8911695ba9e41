"""Many connections on the load engine, opened some at a time and held."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
import psutil

from load.doctor.patient import Patient
from sioprobe.engine import Connection, Engine, Listener, SwarmError
from sioprobe.wire import MAIN_NAMESPACE

__all__ = ["DEADLINE", "PATIENCE", "Crowd"]

AT_ONCE = 50
PATIENCE = 4.0
"""Seconds without any answer to a new connection, while old ones are answered, that count as a limit."""
DEADLINE = 25.0
LITTLE_MEMORY = 400 * 2**20
"""Bytes that this machine keeps free: a thread a connection may take more than there is."""

MANY_THREADS = 800
"""Enough to see that each connection brings some; thousands of them slow the whole machine down."""


class Member(Listener):
    """One connection, as its state says: waiting, open, or why it is not."""

    __slots__ = ("answers", "auth", "connection", "state")

    def __init__(self, engine: Engine, patient: Patient) -> None:
        transport = "polling" if patient.websocket else "websocket"
        self.state = "waiting"
        self.answers = 0
        self.auth = patient.auth
        self.connection = Connection(engine, patient.target, transport, self, timeout=DEADLINE * 4)

    def open(self) -> None:
        """Connect to the main namespace; that it is refused counts as an answer too."""
        self.connection.connect(auth=self.auth)

    def ask(self) -> None:
        """Make a call, whose answer is counted."""
        self.connection.connect("/sioprobe-doctor-asks")

    def connected(self, connection: Connection, namespace: str) -> None:
        self.state = "open"
        self.answers += namespace != MAIN_NAMESPACE

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self.connected(connection, namespace)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        self.state = failure.kind if failure is not None else "closed"


@dataclass(slots=True)
class Crowd:
    """The connections of the examination."""

    patient: Patient
    engine: Engine = field(default_factory=Engine)
    members: list[Member] = field(default_factory=list)

    def count(self, state: str) -> int:
        """How many are in that state."""
        return sum(member.state == state for member in self.members)

    def open_more(self, number: int) -> None:
        """Start to open so many."""
        for _ in range(number):
            member = Member(self.engine, self.patient)
            self.members.append(member)
            member.open()

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Until `done`, or until nothing has changed for so long."""
        last, changed = None, time.monotonic()
        while not done():
            state = Counter(member.state for member in self.members)
            if state != last:
                last, changed = state, time.monotonic()
            elif time.monotonic() > changed + seconds:
                return False
            gevent.sleep(0.02)
        return True

    def failures(self) -> dict[str, int]:
        """What became of those that were neither served nor wait."""
        states = Counter(member.state for member in self.members)
        return {state: count for state, count in states.items() if state not in ("open", "waiting", "closed")}

    def still_served(self) -> bool:
        """Whether one that is served gets an answer to a call."""
        served = [member for member in self.members if member.state == "open"]
        if not served:
            return False
        served[0].ask()
        return self.wait(lambda: bool(served[0].answers), PATIENCE)

    def release(self, number: int) -> None:
        """Close some of those that are served."""
        for member in [member for member in self.members if member.state == "open"][:number]:
            member.connection.close()

    def end(self) -> None:
        """Close all."""
        for member in self.members:
            if not member.connection.closed:
                member.connection.close()
        self.wait(lambda: not self.engine.connections, 3.0)
        for connection in list(self.engine.connections):
            connection.abort()
        self.engine.stop()

    def fill(self, threads: Callable[[], int]) -> str:
        """Open connections; why that stopped before all were there, or the empty text.

        `threads` says how many the server has more than before.
        """
        end = time.monotonic() + DEADLINE
        wanted = self.patient.max_connections
        while len(self.members) < wanted:
            if time.monotonic() > end:
                return "deadline"
            if psutil.virtual_memory().available < LITTLE_MEMORY:
                return "memory"
            self.open_more(min(AT_ONCE, wanted - len(self.members)))
            if not self.wait(lambda: not self.count("waiting"), PATIENCE):
                return "silence"
            if self.failures():
                return "failures"
            if threads() >= MANY_THREADS and len(self.members) < wanted:
                return "threads"
        return ""
