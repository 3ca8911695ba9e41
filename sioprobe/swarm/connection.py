"""One Socket.IO client on an Engine.IO session: namespaces, events, acks, attachments.

Everything is a call that returns at once or a callback on the hub; `sioprobe.swarm.user` puts blocking
calls on top. A `tap` sees the text of each packet before it is decoded, so that a scenario can recognise
the answer it waits for by comparing strings; what it does not take is decoded strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.swarm.cookies import Cookies
from sioprobe.swarm.engine import Engine
from sioprobe.swarm.errors import INTERNAL_ERROR, LEFT, SwarmError
from sioprobe.swarm.reconnect import Backoff, Reconnector
from sioprobe.swarm.recorder import Series
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

__all__ = ["DROPPED", "AckCallback", "Connection", "Listener"]

DROPPED = "dropped"
"""The kind of a loss that `Connection.drop` made: an operation of ours, and so counted as no error."""

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

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        """The session is lost, its acks have ended, and the connection tries to get another."""

    def reconnected(self, connection: Connection, nanoseconds: int) -> None:
        """All namespaces are connected again, so long after the loss; `connected` told of each before."""

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The connection is over; `failure` is None where we closed it."""


class Connection:
    """One client. `deadline` (`monotonic_ns`, 0 for none) makes the engine call `listener.expired`.

    With a `backoff` it outlives its session: after a loss that nobody asked for it opens another and
    connects the namespaces again, with their auth. As the official client, it leaves out those that the
    server disconnected or refused, and ends where none is left. A first session that fails is no loss.
    Where `end_is_no_error` an end is not counted, because the caller does what makes servers end it.
    """

    __slots__ = (
        "_acks",
        "_auth",
        "_connect_series",
        "_connect_started",
        "_cookies",
        "_decoder",
        "_engine",
        "_frame_tap",
        "_left",
        "_next_id",
        "_poll_series",
        "_reconnector",
        "_session",
        "_session_series",
        "_timeout",
        "_upgrade_series",
        "_waiting",
        "closed",
        "deadline",
        "end_is_no_error",
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
        backoff: Backoff | None = None,
    ) -> None:
        self._engine = engine
        self._timeout = timeout
        self._cookies = Cookies(target)
        self._session = Session(engine.loop, target, transport, self, timeout, self._cookies)
        self._reconnector = Reconnector(engine.loop, backoff) if backoff is not None else None
        self._decoder = SocketDecoder()
        self._waiting = False
        self._acks: dict[int, tuple[AckCallback, int]] = {}
        self._next_id = 0
        self._auth: dict[str, Any] = {}
        self._connect_started: dict[str, int] = {}
        self.target = target
        self._connect_series = self.series("SIO connect", transport)
        self._upgrade_series = self.series("SIO upgrade", transport)
        self._poll_series = self.series("SIO poll", transport)
        self._session_series = self.series("SIO session", transport)
        # Namespaces that we left or gave up, of which packets may still be under way.
        self._left: set[str] | None = None
        self.listener = listener or Listener()
        self.tap: Callable[[str], bool] | None = None
        self._frame_tap: Callable[[bytes], bool] | None = None
        self.deadline = 0
        self.end_is_no_error = False
        self.transport = transport
        self.namespaces: dict[str, str] = {}
        self.closed = False
        self.failure: SwarmError | None = None

    # What a client does

    def connect(self, namespace: str = MAIN_NAMESPACE, auth: Any = None) -> None:
        """Connect to a namespace; the first call opens the session, and its time counts from here."""
        reconnector = self._reconnector
        wanted = reconnector.namespaces if reconnector is not None else []
        if namespace in self._connect_started or namespace in self.namespaces or namespace in wanted:
            raise SwarmError("already connected", namespace)
        if self.closed:
            raise SwarmError("connection closed")
        self._auth[namespace] = auth
        if self._left is not None:
            self._left.discard(namespace)
        if reconnector is not None and reconnector.lost_at:
            wanted.append(namespace)
            if self._session.state == "closed":
                return  # the next attempt takes it along
        self._connect_started[namespace] = monotonic_ns()
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
        backoff = self._reconnector.backoff if self._reconnector is not None else None
        other = Connection(self._engine, self.target, self.transport, timeout=self._timeout, backoff=backoff)
        other.end_is_no_error = self.end_is_no_error
        return other

    def disconnect(self, namespace: str = MAIN_NAMESPACE) -> None:
        """Leave one namespace; the session stays."""
        if self.namespaces.pop(namespace, None) is not None:
            self._leave(namespace)
            self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))

    def _leave(self, namespace: str) -> None:
        if self._left is None:
            self._left = set()
        self._left.add(namespace)

    def close(self) -> None:
        """Close the session in order, or give up a lost one; `listener.closed` follows."""
        if self.closed:
            return
        if self._session.state == "closed":
            self.session_closed(None)
        else:
            self._session.close()

    def abort(self) -> None:
        """End at once, without telling the server."""
        if self.closed:
            return
        if self._session.state == "closed":
            self.session_closed(None)
        else:
            self._session.abort()

    def drop(self) -> None:
        """Cut the session as a lost network does; what follows is what follows any loss.

        It is counted as no error, but the outage is `SIO reconnect` as any other.
        """
        self._session.abort(SwarmError(DROPPED))

    def stop_reading(self) -> None:
        """Leave in the kernel whatever comes (on polling: the answer to the poll), as a client that hangs.

        No PING is answered, so the server gives the session up in the end; sending still works.
        Nothing happens before the session is open and while an upgrade is under way. Both kernels keep
        megabytes before the server feels it.
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

    def tap_frames(self, tap: Callable[[bytes], bool]) -> None:
        """Show `tap` the bytes of each read of this session's WebSocket, where a frame begins there.

        For a scenario that knows a whole frame by comparing bytes: what it answers True to is taken. Nothing
        is shown on polling, nor while attachments are due, nor after a reconnection.
        """
        self._frame_tap = tap
        self._session.tap_frames(tap)

    def _send(self, packet: SocketPacket) -> None:
        if self._session.state != "open":
            raise SwarmError("connection closed" if self.closed else "not connected")
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
    def reconnecting(self) -> bool:
        """Whether the session was lost and not all namespaces are connected again."""
        return self._reconnector is not None and bool(self._reconnector.lost_at)

    @property
    def upgrading(self) -> bool:
        """Whether an upgrade is under way."""
        return self._session.upgrading

    @property
    def current_transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        return "websocket" if self._session.on_websocket else "polling"

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

    def series(self, type: str, name: str) -> Series:
        """Where this connection records its operations of that kind: apart where its target has a label."""
        series = self._engine.recorder.series(type, name)
        label = self.target.label
        return series if label is None else series.part(label)

    def count_error(self, kind: str) -> None:
        """Count something wrong that belongs to no operation."""
        self._session_series.error(kind)

    # What the session tells

    def session_opened(self) -> None:
        if self._reconnector is not None:
            self._reconnector.attempt = 0
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
        elif self._frame_tap is not None:
            self._session.tap_frames(None)

    def session_binary(self, data: bytes) -> None:
        packet = self._decoder.decode(data)
        if packet is not None:
            self._waiting = False
            if self._frame_tap is not None:
                self._session.tap_frames(self._frame_tap)
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
        if failure is not None:
            self._count_loss(failure)
        again = failure is not None and self._wants_another()
        if again:
            self.namespaces.clear()
            self._connect_started.clear()
            self._decoder = SocketDecoder()
            self._waiting = False
            self._frame_tap = None
            self._left = None
        else:
            self.closed = True
            self._engine.connections.discard(self)
            if self._reconnector is not None:
                self._reconnector.forget()
        self._end_acks(failure or SwarmError(LEFT))
        try:
            if again and failure is not None:
                self.listener.lost(self, failure)
            else:
                self.listener.closed(self, failure)
        except Exception as error:
            self._engine.count_internal(error)

    def _count_loss(self, failure: SwarmError) -> None:
        if failure.kind == INTERNAL_ERROR:
            self._engine.internal_errors += 1
        if failure.kind == DROPPED or self.end_is_no_error:
            return
        for _ in self._connect_started:
            self._connect_series.error(failure.kind)
        if self.namespaces:  # else the end was announced, by DISCONNECT or CONNECT_ERROR
            self._session_series.error(failure.kind)

    def _end_acks(self, failure: SwarmError) -> None:
        waiting, self._acks = self._acks, {}
        for callback, _ in waiting.values():
            try:
                callback(None, failure)
            except Exception as error:
                self._engine.count_internal(error)

    # Reconnecting

    def _wants_another(self) -> bool:
        """Whether another session is to follow the one that was lost; if so, it is scheduled."""
        reconnector = self._reconnector
        if reconnector is None:
            return False
        if not reconnector.lost_at and self.namespaces:
            reconnector.lost_at = monotonic_ns()
            reconnector.namespaces = [*self.namespaces, *self._connect_started]
        if not reconnector.namespaces:
            return False
        if reconnector.exhausted:
            self._reconnect_series.error("gave up")
            return False
        reconnector.schedule(self._open_another)
        return True

    def _open_another(self) -> None:
        reconnector = self._reconnector
        assert reconnector is not None
        try:
            reconnector.cancel()
            self._connect_started = dict.fromkeys(reconnector.namespaces, monotonic_ns())
            self._session = Session(
                self._engine.loop, self.target, self.transport, self, self._timeout, self._cookies
            )
            self._session.open()
        except Exception as error:
            self._engine.count_internal(error)

    def _settled(self, namespace: str, *, wanted: bool) -> None:
        """The server has said what becomes of a namespace; the last one ends an outage."""
        reconnector = self._reconnector
        if reconnector is None or not reconnector.lost_at:
            return
        if not wanted and namespace in reconnector.namespaces:
            reconnector.namespaces.remove(namespace)
        if self._connect_started:
            return
        nanoseconds = monotonic_ns() - reconnector.lost_at
        reconnector.forget()
        if self.namespaces:
            self._reconnect_series.record(nanoseconds / 1000)
            self.listener.reconnected(self, nanoseconds)
        else:
            self._reconnect_series.error("connect refused")

    @property
    def _reconnect_series(self) -> Series:
        return self._engine.recorder.series("SIO reconnect", self.transport)

    # Packets

    def _take(self, packet: SocketPacket) -> None:
        kind = packet.type
        namespace = packet.namespace
        if kind is SocketPacketType.EVENT or kind is SocketPacketType.BINARY_EVENT:
            if namespace in self.namespaces or namespace in self._connect_started:
                self.listener.event(self, namespace, packet.data[0], packet.data[1:], packet.ack_id)
            elif not self._left or namespace not in self._left:
                self.count_error("event of no namespace of ours")
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
            self._settled(namespace, wanted=False)
        else:
            was_there = self.namespaces.pop(namespace, None) is not None and self._session.state == "open"
            if was_there and not self.end_is_no_error:
                self._session_series.error("disconnected by the server")
            self.listener.disconnected(self, namespace)
            self._settled(namespace, wanted=False)

    def _take_connect(self, namespace: str, data: Any) -> None:
        started = self._connect_started.pop(namespace, None)
        if started is None and self._left and namespace in self._left:
            # It was counted as too late; the server must not take us for a member.
            self._left.remove(namespace)
            self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))
            return
        if started is None:
            raise RemoteProtocolError(f"CONNECT for {namespace!r}, which nobody asked for")
        if not isinstance(data, dict) or not isinstance(data.get("sid"), str):
            self._connect_started[namespace] = started
            raise RemoteProtocolError("CONNECT answer without a sid")
        self._connect_series.record((monotonic_ns() - started) / 1000)
        self.namespaces[namespace] = data["sid"]
        self.listener.connected(self, namespace)
        self._settled(namespace, wanted=True)

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
                if self.reconnecting:
                    self._session.abort(SwarmError("connect timeout"))
                    return
                self._connect_started.pop(namespace)
                self._leave(namespace)
                self._connect_series.error("connect timeout")
                self.listener.refused(self, namespace, {"message": "no answer to CONNECT"})
