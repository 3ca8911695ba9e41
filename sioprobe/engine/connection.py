"""One Socket.IO client on an Engine.IO session: namespaces, events, acks, attachments.

Every call returns at once. A `Listener` is told, on the hub, what comes of it; `sioprobe.users` puts blocking
calls on top. A `tap` sees the text of each packet before it is decoded, so that a scenario can recognise the
answer it waits for by comparing strings. What the tap does not take is decoded strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.engine.acks import AckCallback, WaitingAcks
from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.hub import Engine
from sioprobe.engine.namespaces import connect_packet
from sioprobe.engine.reconnect import Backoff, Reconnector
from sioprobe.engine.session import Session
from sioprobe.engine.target import Target
from sioprobe.measured.recorder import Series
from sioprobe.wire import (
    MAIN_NAMESPACE,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    encode_socket_packet,
)

__all__ = ["Connection", "Listener"]

NO_NAMESPACES: frozenset[str] = frozenset()
"""One for all connections: each empty set of its own would be 216 bytes."""


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
        connection.count_error(Kind.ACK_TO_NOTHING)

    def disconnected(self, connection: Connection, namespace: str) -> None:
        """The server sent DISCONNECT."""

    def pinged(self, connection: Connection) -> None:
        """A PING came; the PONG has been sent, or waits behind what is `unsent`."""

    def upgraded(self, connection: Connection) -> None:
        """The session is on WebSocket now, or its upgrade failed and it stays on polling."""

    def expired(self, connection: Connection) -> None:
        """The connection's `deadline`, set by the listener, has passed."""

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        """The session is lost, its acks have ended, and the connection tries to get another."""

    def reconnected(self, connection: Connection, nanoseconds: int) -> None:
        """All namespaces are connected again, so long after the loss; `connected` told of each before."""

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The connection is over; `failure` is None where we closed it."""


class Connection:
    """One client. `namespaces` has the socket id of each namespace that is connected.

    `session` is its Engine.IO session, a new one after each reconnection. A `deadline` (`monotonic_ns`, 0 for
    none) makes the engine call `listener.expired`.

    With a `backoff` the connection outlives its session: after a loss that nobody asked for it opens another
    and connects the namespaces again, with their auth payloads. Like the official client it leaves out those
    that the server disconnected or refused, and ends where none is left. A first session that fails is no
    loss. Where `end_is_no_error` an end is not counted, because the caller does what makes servers end it.
    """

    __slots__ = (
        "_connect_packets",
        "_connect_series",
        "_connecting",
        "_cookies",
        "_decoder",
        "_engine",
        "_frame_tap",
        "_left",
        "_poll_series",
        "_reconnector",
        "_session_series",
        "_timeout",
        "_upgrade_series",
        "_waiting",
        "acks",
        "closed",
        "deadline",
        "end_is_no_error",
        "failure",
        "listener",
        "namespaces",
        "session",
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
        backoff: Backoff | None = None,
    ) -> None:
        self._engine = engine
        self.target = target
        self.transport = transport
        self.listener = listener or Listener()
        self._timeout = timeout
        self._cookies = target.new_cookies()
        self.session = self._new_session()
        self._reconnector = Reconnector(engine, backoff, transport) if backoff is not None else None
        self.acks = WaitingAcks()
        self.namespaces: dict[str, str] = {}
        self._connecting: dict[str, int] = {}
        """Since when (`monotonic_ns`) the server's answer to CONNECT is waited for, by namespace."""
        self._connect_packets: dict[str, str] = {}
        self._left = NO_NAMESPACES
        """Namespaces that we left or gave up, of which packets may still be under way."""
        self._decoder = SocketDecoder()
        self._waiting = False
        """Whether the attachments of a packet are still to come."""
        self.tap: Callable[[str], bool] | None = None
        self._frame_tap: Callable[[bytes], bool] | None = None
        self.deadline = 0
        self.end_is_no_error = False
        self.closed = False
        self.failure: SwarmError | None = None
        self._connect_series = self.series("SIO connect", transport)
        self._upgrade_series = self.series("SIO upgrade", transport)
        self._poll_series = self.series("SIO poll", transport)
        self._session_series = self.series("SIO session", transport)

    def _new_session(self) -> Session:
        return Session(self._engine.loop, self.target, self.transport, self, self._timeout, self._cookies)

    # Beginning and end

    def connect(self, namespace: str = MAIN_NAMESPACE, auth: Any = None) -> None:
        """Connect to a namespace; the first call opens the session, and its time counts from here.

        Raises SwarmError at once for a namespace or auth payload that cannot be sent.
        """
        reconnector = self._reconnector
        wanted = reconnector.namespaces if reconnector is not None else []
        if namespace in self._connecting or namespace in self.namespaces or namespace in wanted:
            raise SwarmError(Kind.ALREADY_CONNECTED, namespace)
        if self.closed:
            raise SwarmError(Kind.CONNECTION_CLOSED)
        self._connect_packets[namespace] = packet = connect_packet(namespace, auth)
        if namespace in self._left:
            self._left -= {namespace}
        session = self.session
        if reconnector is not None and reconnector.lost_at:
            wanted.append(namespace)
            if session.state == "closed":
                return  # the next attempt takes it along
        self._connecting[namespace] = monotonic_ns()
        if session.state == "new":
            self._engine.connections.add(self)
            session.open()
        elif session.state == "open":
            session.send_text(packet)

    def disconnect(self, namespace: str = MAIN_NAMESPACE) -> None:
        """Leave one namespace; the session stays."""
        if self.namespaces.pop(namespace, None) is not None:
            self._left |= {namespace}
            self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))

    def close(self) -> None:
        """Close the session in order, or give up a lost one; `listener.closed` follows."""
        if not self._give_up_lost():
            self.session.close()

    def abort(self) -> None:
        """End at once, without telling the server."""
        if not self._give_up_lost():
            self.session.abort()

    def _give_up_lost(self) -> bool:
        """Whether there is no session to end: the connection is closed, or is now."""
        if not self.closed and self.session.state == "closed":
            self.session_closed(None)
        return self.closed

    def drop(self) -> None:
        """Cut the session as a lost network does; what follows is what follows any loss.

        It is counted as no error, but the outage is `SIO reconnect` as any other.
        """
        self.session.abort(SwarmError(Kind.DROPPED))

    def successor(self) -> Connection:
        """A new connection to the same server, over the same transport, with the same deadlines."""
        backoff = self._reconnector.backoff if self._reconnector is not None else None
        other = Connection(self._engine, self.target, self.transport, timeout=self._timeout, backoff=backoff)
        other.end_is_no_error = self.end_is_no_error
        return other

    # Sending

    def emit(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        ack: AckCallback | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Send an event; with `ack`, ask for one and wait for it `timeout` seconds.

        Raises SwarmError where no session is open, LocalProtocolError for values that cannot be sent.
        """
        if ack is None:
            self._send(SocketPacket(SocketPacketType.EVENT, namespace, [event, *args]))
            return
        ack_id = self.acks.next_id()
        self._send(SocketPacket(SocketPacketType.EVENT, namespace, [event, *args], ack_id))
        self.acks.expect(ack_id, ack, timeout)

    def ack(self, ack_id: int, *args: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Answer an event of the server. Raises as `emit` does."""
        self._send(SocketPacket(SocketPacketType.ACK, namespace, list(args), ack_id))

    def send_raw(self, packet: str) -> None:
        """Send the text of a whole Engine.IO packet, made from a template by the caller."""
        self.session.send_text(packet)

    def _send(self, packet: SocketPacket) -> None:
        if self.session.state != "open":
            raise SwarmError(Kind.CONNECTION_CLOSED if self.closed else Kind.NOT_CONNECTED)
        text, attachments = encode_socket_packet(packet)
        self.session.send_text("4" + text)
        for attachment in attachments:
            self.session.send_binary(attachment)

    def tap_frames(self, tap: Callable[[bytes], bool]) -> None:
        """Show `tap` the bytes of each read of this session's WebSocket, where a frame begins there.

        For a scenario that knows a whole frame by comparing bytes: what it answers True to is taken. Nothing
        is shown on polling, nor while attachments are due, nor after a reconnection.
        """
        self._frame_tap = tap
        self.session.tap_frames(tap)

    # What the session tells

    def session_opened(self) -> None:
        if self._reconnector is not None:
            self._reconnector.attempt = 0
        for namespace in list(self._connecting):
            self.session.send_text(self._connect_packets[namespace])

    def session_text(self, data: str) -> None:
        tap = self.tap
        if tap is not None and not self._waiting and tap(data):
            return
        packet = self._decoder.decode(data)
        self._waiting = packet is None
        if packet is not None:
            self._take(packet)
        elif self._frame_tap is not None:
            self.session.tap_frames(None)

    def session_binary(self, data: bytes) -> None:
        packet = self._decoder.decode(data)
        if packet is not None:
            self._waiting = False
            if self._frame_tap is not None:
                self.session.tap_frames(self._frame_tap)
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
        try:
            self.listener.upgraded(self)
        except Exception as error:
            self._engine.count_internal(error)

    def session_closed(self, failure: SwarmError | None) -> None:
        self.failure = failure
        again = False
        reconnector = self._reconnector
        if failure is not None:
            self._count_loss(failure)
            again = reconnector is not None and reconnector.lose(
                self.namespaces, self._connecting, self._open_another
            )
        if again:
            self._forget_session()
        else:
            self.closed = True
            self._engine.connections.discard(self)
            if reconnector is not None:
                reconnector.forget()
        for callback in self.acks.end():
            try:
                callback(None, failure or SwarmError(Kind.LEFT))
            except Exception as error:
                self._engine.count_internal(error)
        try:
            if again and failure is not None:
                self.listener.lost(self, failure)
            else:
                self.listener.closed(self, failure)
        except Exception as error:
            self._engine.count_internal(error)

    def _count_loss(self, failure: SwarmError) -> None:
        if failure.kind == Kind.INTERNAL_ERROR:
            self._engine.internal_errors += 1
        if failure.kind == Kind.DROPPED or self.end_is_no_error:
            return
        for _ in self._connecting:
            self._connect_series.error(failure.kind)
        if self.namespaces:  # else the end was announced, by DISCONNECT or CONNECT_ERROR
            self._session_series.error(failure.kind)

    # Reconnecting

    def _forget_session(self) -> None:
        self.namespaces.clear()
        self._connecting.clear()
        self._left = NO_NAMESPACES
        self._decoder = SocketDecoder()
        self._waiting = False
        self._frame_tap = None

    def _open_another(self) -> None:
        reconnector = self._reconnector
        assert reconnector is not None
        try:
            self._connecting = dict.fromkeys(reconnector.namespaces, monotonic_ns())
            self.session = self._new_session()
            self.session.open()
        except Exception as error:
            self._engine.count_internal(error)

    def _settled(self, namespace: str, *, wanted: bool) -> None:
        reconnector = self._reconnector
        if reconnector is not None and reconnector.lost_at:
            nanoseconds = reconnector.settle(
                namespace, wanted=wanted, connected=self.namespaces, connecting=self._connecting
            )
            if nanoseconds is not None:
                self.listener.reconnected(self, nanoseconds)

    # Packets

    def _take(self, packet: SocketPacket) -> None:
        kind = packet.type
        namespace = packet.namespace
        if kind is SocketPacketType.EVENT or kind is SocketPacketType.BINARY_EVENT:
            if namespace in self.namespaces or namespace in self._connecting:
                self.listener.event(self, namespace, packet.data[0], packet.data[1:], packet.ack_id)
            elif namespace not in self._left:
                self.count_error(Kind.EVENT_OF_NO_NAMESPACE)
        elif kind is SocketPacketType.ACK or kind is SocketPacketType.BINARY_ACK:
            assert packet.ack_id is not None
            callback = self.acks.pop(packet.ack_id)
            if callback is None:
                self.listener.stray_ack(self, namespace, packet.ack_id, packet.data)
            else:
                callback(packet.data, None)
        elif kind is SocketPacketType.CONNECT:
            self._take_connect(namespace, packet.data)
        elif kind is SocketPacketType.CONNECT_ERROR:
            if self._connecting.pop(namespace, None) is not None:
                self._connect_series.error(Kind.CONNECT_REFUSED)
            self.listener.refused(self, namespace, packet.data)
            self._settled(namespace, wanted=False)
        else:
            was_there = self.namespaces.pop(namespace, None) is not None and self.session.state == "open"
            if was_there and not self.end_is_no_error:
                self._session_series.error(Kind.DISCONNECTED_BY_SERVER)
            self.listener.disconnected(self, namespace)
            self._settled(namespace, wanted=False)

    def _take_connect(self, namespace: str, data: Any) -> None:
        started = self._connecting.pop(namespace, None)
        if started is None and namespace in self._left:
            # It was counted as too late; the server must not take us for a member.
            self._left -= {namespace}
            self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))
            return
        if started is None:
            raise RemoteProtocolError(f"CONNECT for {namespace!r}, which nobody asked for")
        if not isinstance(data, dict) or not isinstance(data.get("sid"), str):
            self._connecting[namespace] = started
            raise RemoteProtocolError("CONNECT answer without a sid")
        self._connect_series.record((monotonic_ns() - started) / 1000)
        self.namespaces[namespace] = data["sid"]
        self.listener.connected(self, namespace)
        self._settled(namespace, wanted=True)

    # Deadlines

    def check(self, now: int) -> None:
        """Enforce every deadline; `now` is `monotonic_ns()`. Called by the engine."""
        self.session.check(now)
        if self.deadline and now > self.deadline:
            self.deadline = 0
            self.listener.expired(self)
        if self.acks.waiting:
            self.acks.check(now)
        if self._connecting and self.session.state == "open":
            self._check_connects(now)

    def _check_connects(self, now: int) -> None:
        for namespace, started in list(self._connecting.items()):
            if now > started + self.session.timeout:
                if self.reconnecting:
                    self.session.abort(SwarmError(Kind.CONNECT_TIMEOUT))
                    return
                self._connecting.pop(namespace)
                self._left |= {namespace}
                self._connect_series.error(Kind.CONNECT_TIMEOUT)
                self.listener.refused(self, namespace, {"message": "no answer to CONNECT"})

    # State and figures

    @property
    def is_open(self) -> bool:
        """Whether the Engine.IO session is open."""
        return self.session.state == "open"

    @property
    def reconnecting(self) -> bool:
        """Whether the session was lost and not all namespaces are connected again."""
        return self._reconnector is not None and bool(self._reconnector.lost_at)

    def series(self, type: str, name: str) -> Series:
        """Where this connection records its operations of that kind: apart where its target has a label."""
        series = self._engine.recorder.series(type, name)
        label = self.target.label
        return series if label is None else series.part(label)

    def count_error(self, kind: str) -> None:
        """Count something wrong that belongs to no operation."""
        self._session_series.error(kind)
