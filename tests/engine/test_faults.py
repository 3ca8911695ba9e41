"""The client against a server with each fault: what it meets is counted, and nothing else happens."""

from __future__ import annotations

import sys
from time import monotonic_ns
from typing import Any

import gevent
from gevent.event import Event

from sioprobe.engine import (
    TRANSPORTS,
    Connection,
    Engine,
    Listener,
    SwarmError,
    Target,
)
from sioprobe.measured import Recorder
from tests.servers import start_command
from tests.strict_server.faults import FAULTS

SECOND = 1_000_000_000
PING_SECONDS = 1.2
PATIENCE_SECONDS = 3.0
DEADLINE = 90.0
GREEDY = {"poll-never-waits"}

# What some faults must be counted as, by transport: (series type, kind), or None where none may be counted.
EXPECTED: dict[tuple[str, str], tuple[str, str] | None] = {
    ("open-packet-is-a-message", "websocket"): ("SIO connect", "malformed input"),
    ("open-data-has-text-for-a-number", "polling"): ("SIO connect", "malformed input"),
    ("open-data-lacks-max-payload", "polling"): None,
    ("polling-offers-no-upgrade", "upgrade"): ("SIO upgrade", "upgrade not offered"),
    ("acks-nothing", "websocket"): ("test ack", "timeout"),
    ("ack-id-is-one-too-high", "polling"): ("SIO session", "ack to nothing"),
    ("ack-data-is-the-first-argument", "websocket"): ("SIO session", "malformed input"),
    ("placeholders-count-from-one", "websocket"): ("SIO session", "malformed input"),
    ("handshake-over-websocket-is-refused", "websocket"): ("SIO connect", "http 400"),
    ("attachments-interleave", "polling"): ("SIO session", "malformed input"),
}


class Visit(Listener):
    """One connection that does everything a client can, and leaves when it was pinged and all has come.

    It waits `patience` seconds for what never comes, or until the error is counted that is wanted.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        transport: str,
        patience: float,
        wanted: tuple[str, str] | None = None,
    ) -> None:
        engine.recorder = self.recorder = Recorder()
        self.acks = self.recorder.series("test ack", transport)
        self.connection = Connection(engine, Target.from_url(url), transport, self, timeout=30)
        self.patience = patience
        self.wanted = wanted
        self.give_up_at = 0
        self.missing = {"asked", "to room", "to all", "disconnected", "refused", "acks"}
        self.done = Event()
        self.failure: SwarmError | None = None
        self.names: list[str] = []
        self.answers = 0
        self.connection.connect()

    def connected(self, connection: Connection, namespace: str) -> None:
        if namespace == "/custom":
            connection.emit("kick", namespace=namespace)
        if namespace != "/":
            return
        connection.deadline = monotonic_ns() + int(PING_SECONDS * SECOND)
        self.give_up_at = monotonic_ns() + int(self.patience * SECOND)
        for data in (1, b"\x00\xff", {"deep": [b"", {"er": "é" * 100}]}):
            connection.emit("message", data)
            connection.emit("message-with-ack", data, ack=self.acked, timeout=self.patience - 1)
        connection.emit("ask", "question", b"?")
        connection.emit("join", "room", ack=self.acked, timeout=self.patience - 1)
        connection.emit("in", "room", "to room", 1)
        connection.emit("all", "to all", 1)
        connection.emit("burst", 5, 200)
        for other, auth in (("/custom", None), ("/auth", {"token": "good"}), ("/reject", None)):
            connection.connect(other, auth)

    def acked(self, values: list[Any] | None, failure: SwarmError | None) -> None:
        self.answers += 1
        if self.answers == 4:
            self.missing.discard("acks")
        if failure is not None:
            self.acks.error(failure.kind)

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        self.names.append(name)
        self.missing.discard(name)
        if ack_id is not None:
            connection.ack(ack_id, b"answer", namespace=namespace)

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self.missing.discard("refused")

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self.missing.discard("disconnected")

    def expired(self, connection: Connection) -> None:
        now = monotonic_ns()
        if not self.missing or now > self.give_up_at or self.wanted in self.errors():
            connection.close()
        else:
            connection.deadline = now + SECOND // 5

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        self.failure = failure
        self.done.set()

    def errors(self) -> set[tuple[str, str]]:
        return {(series.type, kind) for series, sample in self.recorder.totals() for kind in sample.errors}


def visit(engine: Engine, url: str, fault: str, transport: str) -> Visit:
    """A visit that has the time it needs where something is asserted of it, however busy the machine is."""
    asserted = not fault or (fault, transport) in EXPECTED
    wanted = EXPECTED.get((fault, transport))
    patience = DEADLINE / 2 if asserted and fault != "acks-nothing" else PATIENCE_SECONDS
    return Visit(engine, url, transport, patience, wanted)


def test_every_fault_ends_in_a_counted_error_or_in_nothing() -> None:
    hub = gevent.get_hub()
    escaped: list[Any] = []
    before, hub.handle_error = hub.handle_error, lambda *what: escaped.append(what[1:3])
    engine = Engine()
    engine.start()
    try:
        with start_command([sys.executable, "-m", "tests.engine.faulty_servers"]) as servers:
            visits: dict[tuple[str, str], Visit] = {}
            urls = servers.about["faults"]
            # What polls without a pause leaves the others no time, and so comes when they are gone.
            for faults in (urls.keys() - GREEDY, GREEDY):
                group = {
                    (fault, transport): visit(engine, urls[fault], fault, transport)
                    for fault in faults
                    for transport in TRANSPORTS
                }
                with gevent.Timeout(DEADLINE, False):
                    for one in group.values():
                        one.done.wait()
                visits |= group
            hanging = [key for key, one in visits.items() if not one.done.is_set()]
            for one in visits.values():
                one.connection.abort()
    finally:
        engine.stop()
        hub.handle_error = before

    assert len(visits) == 3 * (len(FAULTS) + 1)
    assert hanging == []
    assert escaped == []
    assert engine.internal_errors == 0
    assert engine.connections == set()
    for key, one in visits.items():
        assert not any(kind == "internal error" for _, kind in one.errors()), key
        assert one.failure is None or one.errors(), key
    for transport in TRANSPORTS:
        one = visits["", transport]
        assert one.errors() == {
            ("SIO connect", "connect refused"),
            ("SIO session", "disconnected by the server"),
        }, (transport, one.failure)
        assert one.missing == set()
        assert {"message-back", "question"} <= set(one.names)
        assert one.names.count("b") == 5
    usual = visits["", "websocket"].errors()
    found = {key: visits[key].errors() - usual for key in EXPECTED}
    wrong = {
        key: found[key] for key, want in EXPECTED.items() if (want not in found[key] if want else found[key])
    }
    assert wrong == {}
