"""One Socket.IO client on an Engine.IO session: namespaces, events, acks, attachments.

Everything is a call that returns at once or a callback on the hub; `sioprobe.users.user` puts blocking
calls on top. Here is what comes: how a connection begins and ends, what its session brings and what follows
a loss, told to a `Listener`; and the deadlines. What a client sends is in `sioprobe.engine.outgoing`.
A `tap` sees the text of each packet before it is decoded, so that a scenario can recognise the answer it
waits for by comparing strings; what it does not take is decoded strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.engine.cookies import Cookies
from sioprobe.engine.engine import Engine
from sioprobe.engine.errors import DROPPED, INTERNAL_ERROR, LEFT, SwarmError
from sioprobe.engine.listener import AckCallback, Listener
from sioprobe.engine.outgoing import Outgoing
from sioprobe.engine.reconnect import Backoff, Reconnector
from sioprobe.engine.session import Session
from sioprobe.engine.target import Target
from sioprobe.measured.recorder import Series
from sioprobe.wire import RemoteProtocolError, SocketDecoder, SocketPacket, SocketPacketType

__all__ = ["DROPPED", "AckCallback", "Connection", "Listener"]


class Connection(Outgoing):
    """One client. `deadline` (`monotonic_ns`, 0 for none) makes the engine call `listener.expired`.

    With a `backoff` it outlives its session: after a loss that nobody asked for it opens another and
    connects the namespaces again, with their auth. As the official client, it leaves out those that the
    server disconnected or refused, and ends where none is left. A first session that fails is no loss.
    Where `end_is_no_error` an end is not counted, because the caller does what makes servers end it.
    """

    __slots__ = (
        "_connect_series",
        "_cookies",
        "_decoder",
        "_poll_series",
        "_timeout",
        "_upgrade_series",
        "_waiting",
        "deadline",
        "end_is_no_error",
        "failure",
        "listener",
        "tap",
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
        self._acks = {}
        self._next_id = 0
        self._connect_packets = {}
        self._connect_started = {}
        self.target = target
        self._connect_series = self.series("SIO connect", transport)
        self._upgrade_series = self.series("SIO upgrade", transport)
        self._poll_series = self.series("SIO poll", transport)
        self._session_series = self.series("SIO session", transport)
        # Namespaces that we left or gave up, of which packets may still be under way.
        self._left = None
        self.listener = listener or Listener()
        self.tap: Callable[[str], bool] | None = None
        self._frame_tap = None
        self.deadline = 0
        self.end_is_no_error = False
        self.transport = transport
        self.namespaces = {}
        self.closed = False
        self.failure: SwarmError | None = None

    # Beginning and end

    def _begin(self) -> None:
        self._engine.connections.add(self)
        self._session.open()

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

    def successor(self) -> Connection:
        """A new connection to the same server, over the same transport, with the same deadlines."""
        backoff = self._reconnector.backoff if self._reconnector is not None else None
        other = Connection(self._engine, self.target, self.transport, timeout=self._timeout, backoff=backoff)
        other.end_is_no_error = self.end_is_no_error
        return other

    # What the session tells

    def session_opened(self) -> None:
        if self._reconnector is not None:
            self._reconnector.attempt = 0
        for namespace in list(self._connect_started):
            self._session.send_text(self._connect_packets[namespace])

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
        if reconnector is None or not reconnector.lose(self.namespaces, self._connect_started):
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
        if not wanted:
            reconnector.give_up(namespace)
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
