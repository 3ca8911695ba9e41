"""One Socket.IO client on an Engine.IO session: namespaces, events, acks, attachments.

Everything is a call that returns at once or a callback on the hub; `sioprobe.swarm.user` puts blocking
calls on top. A `tap` sees the text of each packet before it is decoded, so that a scenario can recognise
the answer it waits for by comparing strings; what it does not take is decoded strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.swarm.engine import Engine
from sioprobe.swarm.errors import SwarmError
from sioprobe.swarm.session import SECOND, Session
from sioprobe.swarm.target import Target
from sioprobe.wire import (
    MAIN_NAMESPACE,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    encode_socket_packet,
)

__all__ = ["AckCallback", "Connection", "Listener"]

AckCallback = Callable[["list[Any] | None", "SwarmError | None"], None]
"""Called once, with the arguments of the ack or with what went wrong."""


class Listener:
    """Who is told, on the hub, what happens on a connection. Each method may be left as it is."""

    __slots__ = ()

    def connected(self, connection: Connection, namespace: str) -> None:
        """The server accepted the namespace."""

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        """The server answered CONNECT_ERROR."""

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """An event came; where `ack_id` is not None the server waits for `connection.ack`."""
        if ack_id is not None:
            connection.ack(ack_id, namespace=namespace)

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """An ack came that no `emit` with a callback waits for."""
        connection.count_error("ack to nothing")

    def disconnected(self, connection: Connection, namespace: str) -> None:
        """The server sent DISCONNECT."""

    def pinged(self, connection: Connection) -> None:
        """A PING of the server came; the PONG has been sent, or waits behind what is `unsent`."""

    def upgraded(self, connection: Connection) -> None:
        """The session is on WebSocket now, or its upgrade failed and it stays on polling."""

    def expired(self, connection: Connection) -> None:
        """The connection's `deadline`, set by the listener, has passed."""

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The session is over; `failure` is None where we closed it."""


class Connection:
    """One client. `deadline` (`monotonic_ns`, 0 for none) makes the engine call `listener.expired`."""

    __slots__ = (
        "_acks",
        "_auth",
        "_connect_series",
        "_connect_started",
        "_decoder",
        "_engine",
        "_next_id",
        "_poll_series",
        "_session",
        "_session_series",
        "_upgrade_series",
        "_waiting",
        "closed",
        "deadline",
        "failure",
        "listener",
        "namespaces",
        "tap",
        "target",
        "transport",
    )

    def __init__(
        self,
        engine: Engine,
        target: Target,
        transport: str,
        listener: Listener | None = None,
        *,
        timeout: float = 10.0,
    ) -> None:
        self._engine = engine
        self._session = Session(engine.loop, target, transport, self, timeout)
        self._decoder = SocketDecoder()
        self._waiting = False
        self._acks: dict[int, tuple[AckCallback, int]] = {}
        self._next_id = 0
        self._auth: dict[str, Any] = {}
        self._connect_started: dict[str, int] = {}
        recorder = engine.recorder
        self._connect_series = recorder.series("SIO connect", transport)
        self._upgrade_series = recorder.series("SIO upgrade", transport)
        self._poll_series = recorder.series("SIO poll", transport)
        self._session_series = recorder.series("SIO session", transport)
        self.listener = listener or Listener()
        self.tap: Callable[[str], bool] | None = None
        self.deadline = 0
        self.target = target
        self.transport = transport
        self.namespaces: dict[str, str] = {}
        self.closed = False
        self.failure: SwarmError | None = None

    # What a client does

    def connect(self, namespace: str = MAIN_NAMESPACE, auth: Any = None) -> None:
        """Connect to a namespace; the first call opens the session, and its time counts from here."""
        if namespace in self._connect_started or namespace in self.namespaces:
            raise SwarmError("already connected", namespace)
        if self.closed:
            raise SwarmError("connection closed")
        self._connect_started[namespace] = monotonic_ns()
        self._auth[namespace] = auth
        if self._session.state == "new":
            self._engine.connections.add(self)
            self._session.open()
        elif self._session.state == "open":
            self._send(SocketPacket(SocketPacketType.CONNECT, namespace, auth))

    def emit(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        ack: AckCallback | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Send an event; with `ack`, ask for one and wait for it `timeout` seconds."""
        ack_id = None
        if ack is not None:
            ack_id = self.next_ack_id()
        self._send(SocketPacket(SocketPacketType.EVENT, namespace, [event, *args], ack_id))
        if ack is not None and ack_id is not None:
            self._acks[ack_id] = (ack, monotonic_ns() + int(timeout * SECOND))

    def ack(self, ack_id: int, *args: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Answer an event of the server."""
        self._send(SocketPacket(SocketPacketType.ACK, namespace, list(args), ack_id))

    def successor(self) -> Connection:
        """A new connection to the same server, over the same transport, with the same deadlines."""
        return Connection(
            self._engine, self.target, self.transport, timeout=self._session.timeout / SECOND
        )

    def disconnect(self, namespace: str = MAIN_NAMESPACE) -> None:
        """Leave one namespace; the session stays."""
        if self.namespaces.pop(namespace, None) is not None:
            self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))

    def close(self) -> None:
        """Close the session in order; `listener.closed` follows."""
        if not self.closed:
            self._session.close()

    def abort(self) -> None:
        """End at once, without telling the server."""
        self._session.abort()

    def stop_reading(self) -> None:
        """Leave in the kernel whatever comes (on polling: the answer to the poll), as a client that hangs.

        No PING is answered, so the server gives the session up in the end; sending still works.
        Nothing happens before the session is open and while an upgrade is under way.
        """
        self._session.stop_reading()

    def start_reading(self) -> None:
        """Read again. What waited comes in order, and an end of the connection is noticed."""
        self._session.start_reading()

    def next_ack_id(self) -> int:
        """An ack id that this connection has not used."""
        self._next_id += 1
        return self._next_id

    def send_raw(self, packet: str) -> None:
        """Send the text of a whole Engine.IO packet, made from a template by the caller."""
        self._session.send_text(packet)

    def _send(self, packet: SocketPacket) -> None:
        if self.closed:
            raise SwarmError("connection closed")
        text, attachments = encode_socket_packet(packet)
        self._session.send_text("4" + text)
        for attachment in attachments:
            self._session.send_binary(attachment)

    # State

    @property
    def is_open(self) -> bool:
        """Whether the Engine.IO session is open."""
        return self._session.state == "open"

    @property
    def upgrading(self) -> bool:
        """Whether an upgrade is under way."""
        return self._session.upgrading

    @property
    def close_confirmed(self) -> bool:
        """Whether the server answered our close before the deadline."""
        return self._session.close_confirmed

    @property
    def reading(self) -> bool:
        """False between `stop_reading` and `start_reading`."""
        return self._session.reading

    @property
    def ended_by_server(self) -> bool | None:
        """Whether the server has ended the WebSocket as far as the kernel knows; None on polling.

        For a connection that does not read, which would not notice.
        """
        return self._session.ended_by_server

    @property
    def heartbeat(self) -> tuple[float, float] | None:
        """Ping interval and ping timeout in seconds, as the server announced them; None before it did."""
        opened = self._session.opened
        return (opened.ping_interval / 1000, opened.ping_timeout / 1000) if opened else None

    @property
    def session_id(self) -> str | None:
        """The `sid` of the OPEN packet."""
        return self._session.opened.session_id if self._session.opened else None

    @property
    def unsent(self) -> int:
        """Bytes or packets that the server has not taken yet."""
        return self._session.unsent

    def count_error(self, kind: str) -> None:
        """Count something wrong that belongs to no operation."""
        self._session_series.error(kind)

    # What the session tells

    def session_opened(self) -> None:
        for namespace in list(self._connect_started):
            self._send(SocketPacket(SocketPacketType.CONNECT, namespace, self._auth[namespace]))

    def session_text(self, data: str) -> None:
        tap = self.tap
        if tap is not None and not self._waiting and tap(data):
            return
        packet = self._decoder.decode(data)
        self._waiting = packet is None
        if packet is not None:
            self._take(packet)

    def session_binary(self, data: bytes) -> None:
        packet = self._decoder.decode(data)
        if packet is not None:
            self._waiting = False
            self._take(packet)

    def session_pinged(self) -> None:
        self.listener.pinged(self)

    def session_polled(self) -> None:
        self._poll_series.count()

    def session_upgraded(self, nanoseconds: int, failure: SwarmError | None) -> None:
        if failure is None:
            self._upgrade_series.record(nanoseconds / 1000)
        else:
            self._upgrade_series.error(failure.kind)
        self.listener.upgraded(self)

    def session_closed(self, failure: SwarmError | None) -> None:
        self.closed = True
        self.failure = failure
        self._engine.connections.discard(self)
        if failure is not None:
            if self._connect_started:
                self._connect_series.error(failure.kind)
            elif self.namespaces:  # else the end was announced, by DISCONNECT or CONNECT_ERROR
                self._session_series.error(failure.kind)
        try:
            self._end_acks(failure or SwarmError("connection closed"))
            self.listener.closed(self, failure)
        except Exception as error:
            self._engine.count_internal(error)

    def _end_acks(self, failure: SwarmError) -> None:
        waiting, self._acks = self._acks, {}
        for callback, _ in waiting.values():
            callback(None, failure)

    # Packets

    def _take(self, packet: SocketPacket) -> None:
        kind = packet.type
        namespace = packet.namespace
        if kind is SocketPacketType.EVENT or kind is SocketPacketType.BINARY_EVENT:
            self.listener.event(self, namespace, packet.data[0], packet.data[1:], packet.ack_id)
        elif kind is SocketPacketType.ACK or kind is SocketPacketType.BINARY_ACK:
            assert packet.ack_id is not None
            waiting = self._acks.pop(packet.ack_id, None)
            if waiting is None:
                self.listener.stray_ack(self, namespace, packet.ack_id, packet.data)
            else:
                waiting[0](packet.data, None)
        elif kind is SocketPacketType.CONNECT:
            self._take_connect(namespace, packet.data)
        elif kind is SocketPacketType.CONNECT_ERROR:
            if self._connect_started.pop(namespace, None) is not None:
                self._connect_series.error("connect refused")
            self.listener.refused(self, namespace, packet.data)
        else:
            if self.namespaces.pop(namespace, None) is not None and self._session.state == "open":
                self._session_series.error("disconnected by the server")
            self.listener.disconnected(self, namespace)

    def _take_connect(self, namespace: str, data: Any) -> None:
        started = self._connect_started.pop(namespace, None)
        if started is None:
            raise RemoteProtocolError(f"CONNECT for {namespace!r}, which nobody asked for")
        if not isinstance(data, dict) or not isinstance(data.get("sid"), str):
            self._connect_started[namespace] = started
            raise RemoteProtocolError("CONNECT answer without a sid")
        self._connect_series.record((monotonic_ns() - started) / 1000)
        self.namespaces[namespace] = data["sid"]
        self.listener.connected(self, namespace)

    # Deadlines

    def check(self, now: int) -> None:
        """Enforce every deadline; `now` is `monotonic_ns()`. Called by the engine."""
        self._session.check(now)
        if self.deadline and now > self.deadline:
            self.deadline = 0
            self.listener.expired(self)
        if self._acks:
            late = [ack_id for ack_id, (_, deadline) in self._acks.items() if now > deadline]
            for ack_id in late:
                self._acks.pop(ack_id)[0](None, SwarmError("timeout", "no ack"))
        if self._connect_started and self._session.state == "open":
            self._check_connects(now)

    def _check_connects(self, now: int) -> None:
        for namespace, started in list(self._connect_started.items()):
            if now > started + self._session.timeout:
                self._connect_started.pop(namespace)
                self._connect_series.error("connect timeout")
                self.listener.refused(self, namespace, {"message": "no answer to CONNECT"})
