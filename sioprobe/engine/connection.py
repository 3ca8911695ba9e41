"""One Socket.IO client on an Engine.IO session: namespaces, events, acks, attachments.

Every call returns at once, and a `Listener` hears the outcome on the hub. `sioprobe.users` puts blocking
calls on top. A `tap` sees the text of each packet before it is decoded: a scenario can recognise the answer
that it waits for by comparing strings. If the tap does not take a packet, the packet is decoded strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any, ClassVar

from sioprobe.engine.acks import AckCallback, WaitingAcks
from sioprobe.engine.errors import REFUSALS, Kind, SwarmError
from sioprobe.engine.hub import Engine
from sioprobe.engine.namespaces import connect_packet
from sioprobe.engine.push_limit import limit_of
from sioprobe.engine.reconnect import Backoff, Reconnector
from sioprobe.engine.recovery import Recovery
from sioprobe.engine.session import Session
from sioprobe.engine.target import Target
from sioprobe.measured.limits import packets_dropped
from sioprobe.measured.recorder import Series
from sioprobe.wire import (
    MAIN_NAMESPACE,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    encode_packet_of,
)

__all__ = ["NO_ANSWER", "Connection", "Listener"]

NO_ANSWER = {"message": "no answer to CONNECT"}
"""What a listener hears as the words of a refusal, if the server said nothing in time."""

# Every packet needs several of them, and a name of the module is found faster than a member.
CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = SocketPacketType
RECOVERY = "SIO recovery"
NO_NAMESPACES: frozenset[str] = frozenset()
"""All connections share it, because an empty set takes 216 bytes."""


class Listener:
    """Hears, on the hub, what happens on a connection. A subclass overrides the methods that it needs.

    A server that recovers connections puts an offset behind the arguments of its events. The official client
    gives it to the application, as its last argument. Without `keeps_offsets` it is cut off.
    """

    __slots__ = ()

    keeps_offsets: ClassVar[bool] = True

    def connected(self, connection: Connection, namespace: str) -> None:
        """The server accepted the namespace."""

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        """The server answered CONNECT_ERROR."""

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """An event came. If `ack_id` is not None, the server waits for `connection.ack`."""
        if ack_id is not None:
            connection.ack(ack_id, namespace=namespace)

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """An ack came, and no `emit` with a callback waits for it."""
        connection.count_error(Kind.ACK_TO_NOTHING)

    def disconnected(self, connection: Connection, namespace: str) -> None:
        """The server sent DISCONNECT."""

    def pinged(self, connection: Connection) -> None:
        """A PING came. The PONG is sent, or waits behind other `unsent` packets."""

    def upgraded(self, connection: Connection) -> None:
        """The session is on WebSocket now, or the upgrade failed and the session stays on polling."""

    def expired(self, connection: Connection) -> None:
        """The `deadline` that the listener set on the connection has passed."""

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        """The session is lost and its acks have failed. The connection tries to open another session."""

    def reconnected(self, connection: Connection, nanoseconds: int) -> None:
        """All namespaces are connected again, so long after the loss. `connected` was called for each."""

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The connection is over. `failure` is None if we closed it."""


class Connection:
    """One client. `namespaces` holds the socket id of each connected namespace.

    `session` is the Engine.IO session; each reconnection makes a new one. When `deadline` passes
    (`monotonic_ns`, 0 for none), the engine calls `listener.expired`.

    With a `backoff` the connection outlives its session: when it loses one, it opens another and connects
    the namespaces again, with their auth payloads. Like the official client, it leaves out the namespaces
    that the server disconnected or refused, and ends if none is left. A first session that fails is not a
    loss. With `end_is_no_error` an end is not counted as an error: the caller provokes it. With
    `refusal_is_no_error` the caller wants the server to refuse it.

    A server that gave a `pid` is asked to recover what was lost, and `recovery` knows whether it did. What it
    replays comes after `connected`. Listeners get events without their offsets.
    """

    __slots__ = (
        "_connect_packets",
        "_connect_series",
        "_connecting",
        "_cookies",
        "_decoder",
        "_dropped",
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
        "recovery",
        "refusal_is_no_error",
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
        self.recovery: Recovery | None = None
        """Made when the server gives the first `pid`."""
        self.acks = WaitingAcks()
        self.namespaces: dict[str, str] = {}
        self._connecting: dict[str, int] = {}
        """The namespaces whose CONNECT has no answer yet, and since when (`monotonic_ns`)."""
        self._connect_packets: dict[str, str] = {}
        self._left = NO_NAMESPACES
        """Namespaces that we left or gave up. Packets of theirs may still be under way."""
        self._decoder = SocketDecoder()
        self._waiting = False
        """Whether the attachments of a packet are still to come."""
        self._dropped = 0
        """How many packets the last POST had that the server dropped."""
        self.tap: Callable[[str], bool] | None = None
        self._frame_tap: Callable[[bytes], bool] | None = None
        self.deadline = 0
        self.end_is_no_error = False
        self.refusal_is_no_error = False
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
        """Connect to a namespace. The first call also opens the session; the time counts from here.

        Raises SwarmError at once if the namespace or the auth payload cannot be sent.
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
                return  # the next attempt connects it too
        self._connecting[namespace] = monotonic_ns()
        if session.state == "new":
            self._engine.connections.add(self)
            session.open()
        elif session.state == "open":
            session.send_text(packet)

    def disconnect(self, namespace: str = MAIN_NAMESPACE) -> None:
        """Leave one namespace. The session stays open."""
        if self.namespaces.pop(namespace, None) is not None:
            self._left |= {namespace}
            self._forget_state(namespace)
            self._send(DISCONNECT, namespace)

    def close(self) -> None:
        """Leave all namespaces and close the session, or stop trying to replace a lost one.

        `listener.closed` follows.
        """
        if not self._give_up_lost():
            if self.session.state == "open":
                for namespace in self.namespaces:
                    self._send(DISCONNECT, namespace)
            self.session.close()

    def abort(self) -> None:
        """End at once, without a word to the server."""
        if not self._give_up_lost():
            self.session.abort()

    def _give_up_lost(self) -> bool:
        """Close a connection that has lost its session. True if the connection is closed, now or before."""
        if not self.closed and self.session.state == "closed":
            self.session_closed(None)
        return self.closed

    def drop(self) -> None:
        """Cut the session as a lost network does. The connection reacts as to any loss.

        It is not counted as an error, but its outage is recorded as `SIO reconnect`.
        """
        self.session.abort(SwarmError(Kind.DROPPED))

    def successor(self) -> Connection:
        """A new connection to the same server, over the same transport, with the same deadlines."""
        backoff = self._reconnector.backoff if self._reconnector is not None else None
        other = Connection(self._engine, self.target, self.transport, timeout=self._timeout, backoff=backoff)
        other.end_is_no_error = self.end_is_no_error
        other.refusal_is_no_error = self.refusal_is_no_error
        return other

    def resume(self, lost: Connection) -> None:
        """Be the same client as that connection, which was lost. Call it before this one opens.

        It has the cookies of the server, so that a balancer knows it, and asks to recover what was lost.
        """
        self._cookies.keep(lost._cookies)
        self.recovery = lost.recovery

    # Sending

    def emit(
        self,
        event: str,
        *args: Any,
        namespace: str = MAIN_NAMESPACE,
        ack: AckCallback | None = None,
        timeout: float = 10.0,
    ) -> None:
        """Send an event. With `ack`, ask for an ack and wait `timeout` seconds for it.

        Raises SwarmError if no session is open, and LocalProtocolError if a value cannot be sent.
        """
        if ack is None:
            self._send(EVENT, namespace, [event, *args])
            return
        ack_id = self.acks.next_id()
        self._send(EVENT, namespace, [event, *args], ack_id)
        self.acks.expect(ack_id, ack, timeout)

    def ack(self, ack_id: int, *args: Any, namespace: str = MAIN_NAMESPACE) -> None:
        """Answer an event of the server. Raises as `emit` does."""
        self._send(ACK, namespace, list(args), ack_id)

    def send_raw(self, packet: str) -> None:
        """Send the text of a whole Engine.IO packet. The caller has made it from a template."""
        self.session.send_text(packet)

    def _send(
        self, kind: SocketPacketType, namespace: str, data: Any = None, ack_id: int | None = None
    ) -> None:
        if self.session.state != "open":
            raise SwarmError(Kind.CONNECTION_CLOSED if self.closed else Kind.NOT_CONNECTED)
        text, attachments = encode_packet_of(kind, namespace, data, ack_id)
        self.session.send_text("4" + text)
        for attachment in attachments:
            self.session.send_binary(attachment)

    def tap_frames(self, tap: Callable[[bytes], bool]) -> None:
        """Show `tap` the bytes of each read of this session's WebSocket, if they begin with a new frame.

        A scenario can then recognise a whole frame by comparing bytes. If `tap` returns True, the bytes are
        done with. It sees nothing on polling, while attachments are due, and after a reconnection.
        """
        self._frame_tap = tap
        self.session.tap_frames(tap)

    # What the session tells

    def session_opened(self) -> None:
        if self._reconnector is not None:
            self._reconnector.attempt = 0
        recovery = self.recovery
        for namespace in list(self._connecting):
            packet = self._connect_packets[namespace]
            self.session.send_text(packet if recovery is None else recovery.ask(namespace, packet))

    def session_text(self, data: str) -> None:
        if not self._waiting:
            tap = self.tap
            if tap is not None:
                recovery = self.recovery
                if tap(data) if recovery is None else recovery.tap(tap, data):
                    return
            if data[:1] == "3" and self.acks.take(data):
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

    def session_pushed(self, packets: int) -> None:
        limit_of(self._engine, self.target).note(packets, self._packets_dropped)

    def _packets_dropped(self, packets: int, limit: int) -> None:
        self._dropped = packets
        self._session_series.error(packets_dropped(limit))

    def session_upgraded(self, nanoseconds: int, failure: SwarmError | None) -> None:
        if failure is None:
            self._upgrade_series.record(nanoseconds / 1000)
        else:
            self._upgrade_series.error(failure.kind)
        self._call(self.listener.upgraded, self)

    def _call(self, told: Callable[..., object], *values: Any) -> None:
        """Call somebody else's code, whose errors are not those of the session."""
        try:
            told(*values)
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
            self._call(callback, None, failure or SwarmError(Kind.LEFT))
        self._call(self.listener.lost if again else self.listener.closed, self, failure)

    def _count_loss(self, failure: SwarmError) -> None:
        if failure.kind == Kind.INTERNAL_ERROR:
            self._engine.internal_errors += 1
        if failure.kind == Kind.DROPPED or self.end_is_no_error:
            return
        if self.refusal_is_no_error and failure.kind in REFUSALS:
            return
        for _ in self._connecting:
            self._connect_series.error(failure.kind)
        if self.namespaces:  # otherwise DISCONNECT or CONNECT_ERROR announced the end
            self._session_series.error(failure.kind)

    # Reconnecting

    def _forget_session(self) -> None:
        self.namespaces.clear()
        self._connecting.clear()
        self._left = NO_NAMESPACES
        self._decoder = SocketDecoder()
        self._waiting = False
        self._dropped = 0
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

    def give_up_connecting(self) -> None:
        """Count each CONNECT that has no answer as failed, because the run is over."""
        for namespace in self._connecting:
            self._left |= {namespace}
            if not self.end_is_no_error:
                self._connect_series.error(Kind.NOT_CONNECTED)
        self._connecting.clear()

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
        if kind is EVENT or kind is BINARY_EVENT:
            if self.recovery is not None and self.recovery.take(packet, cut=not self.listener.keeps_offsets):
                return
            if namespace in self.namespaces or namespace in self._connecting:
                self.listener.event(self, namespace, packet.data[0], packet.data[1:], packet.ack_id)
            elif namespace not in self._left:
                self.count_error(Kind.EVENT_OF_NO_NAMESPACE)
        elif kind is ACK or kind is BINARY_ACK:
            assert packet.ack_id is not None
            callback = self.acks.pop(packet.ack_id)
            if callback is None:
                self.listener.stray_ack(self, namespace, packet.ack_id, packet.data)
            else:
                callback(packet.data, None)
        elif kind is CONNECT:
            self._take_connect(namespace, packet.data)
        elif kind is CONNECT_ERROR:
            if self._connecting.pop(namespace, None) is not None and not self.refusal_is_no_error:
                self._connect_series.error(Kind.CONNECT_REFUSED)
            self._forget_state(namespace)
            self.listener.refused(self, namespace, packet.data)
            self._settled(namespace, wanted=False)
        else:
            was_there = self.namespaces.pop(namespace, None) is not None and self.session.state == "open"
            if was_there and not self.end_is_no_error:
                self._session_series.error(Kind.DISCONNECTED_BY_SERVER)
            self._forget_state(namespace)
            self.listener.disconnected(self, namespace)
            self._settled(namespace, wanted=False)

    def _take_connect(self, namespace: str, data: Any) -> None:
        started = self._connecting.pop(namespace, None)
        if started is None and namespace in self._left:
            # It was counted as a timeout. Tell the server that we are not there.
            self._left -= {namespace}
            self._send(DISCONNECT, namespace)
            return
        if started is None:
            raise RemoteProtocolError(f"CONNECT for {namespace!r}, which nobody asked for")
        if not isinstance(data, dict) or not isinstance(data.get("sid"), str):
            self._connecting[namespace] = started
            raise RemoteProtocolError("CONNECT answer without a sid")
        self._connect_series.record((monotonic_ns() - started) / 1000)
        self.namespaces[namespace] = data["sid"]
        pid = data.get("pid")
        if pid is None and self.recovery is None:
            self.listener.connected(self, namespace)
        else:
            self._connected_with(namespace, pid)
        self._settled(namespace, wanted=True)

    def _connected_with(self, namespace: str, pid: Any) -> None:
        """Tell of a CONNECT answer with a `pid`, and then of the events that the server has replayed."""
        if self.recovery is None:
            self.recovery = Recovery()
        recovery, answer = self.recovery, self.recovery.answered(namespace, pid)
        if answer.asked:
            self.series(RECOVERY, "recovered" if answer.recovered else "not recovered").count()
        self.listener.connected(self, namespace)
        for _ in range(answer.twice):
            self.series(RECOVERY, "replayed").error(Kind.REPLAYED_TWICE)
        recovery.replaying = True
        try:
            for packet in answer.replayed:
                self.series(RECOVERY, "replayed").count()
                self.listener.event(self, namespace, packet.data[0], packet.data[1:], packet.ack_id)
        finally:
            recovery.replaying = False

    def _forget_state(self, namespace: str) -> None:
        if self.recovery is not None:
            self.recovery.forget(namespace)

    # Deadlines

    def check(self, now: int) -> None:
        """Enforce every deadline; `now` is `monotonic_ns()`. The engine calls it."""
        self.session.check(now)
        if self.deadline and now > self.deadline:
            self.deadline = 0
            self.listener.expired(self)
        if self.acks.waiting:
            self.acks.check(now, self.no_answer)
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
                # An auth payload may be above maxPayload.
                self._connect_series.error(self.session.explain(SwarmError(Kind.CONNECT_TIMEOUT)).kind)
                self.listener.refused(self, namespace, NO_ANSWER)

    def no_answer(self, awaited: str) -> SwarmError:
        """The failure of an operation that was not answered in time, with the reason if it is known."""
        if self._dropped:
            awaited += f" (the server dropped a POST of {self._dropped} packets)"
        return self.session.explain(SwarmError(Kind.TIMEOUT, awaited))

    # State and figures

    @property
    def is_open(self) -> bool:
        """Whether the Engine.IO session is open."""
        return self.session.state == "open"

    @property
    def connecting_since(self) -> int:
        """Since when it waits for the answer to a CONNECT (`monotonic_ns`); 0 if it does not wait."""
        return min(self._connecting.values(), default=0)

    @property
    def reconnecting(self) -> bool:
        """Whether the session was lost and some namespaces are not connected again."""
        return self._reconnector is not None and bool(self._reconnector.lost_at)

    def series(self, type: str, name: str) -> Series:
        """The series of this connection's operations: the part of the target's label, if it has one."""
        return self._engine.recorder.series(type, name).part(self.target.label)

    def count_error(self, kind: str) -> None:
        """Count an error that belongs to no operation."""
        self._session_series.error(kind)
