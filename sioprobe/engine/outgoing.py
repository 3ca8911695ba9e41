"""The sending half of a connection: what a client does, and what is known of its state.

Every call returns at once. What comes from the server is the other half, `sioprobe.engine.connection`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.engine.engine import Engine
from sioprobe.engine.errors import DROPPED, SwarmError
from sioprobe.engine.listener import AckCallback
from sioprobe.engine.reconnect import Reconnector
from sioprobe.engine.session import SECOND, Session
from sioprobe.engine.target import Target
from sioprobe.measured.recorder import Series
from sioprobe.wire import (
    MAIN_NAMESPACE,
    LocalProtocolError,
    SocketPacket,
    SocketPacketType,
    encode_socket_packet,
)

__all__ = ["Outgoing", "check_namespace"]


def check_namespace(namespace: str) -> None:
    """SwarmError for a name that is none of a namespace."""
    if not isinstance(namespace, str) or not namespace.startswith("/") or "," in namespace:
        meant = isinstance(namespace, str) and not namespace.startswith("/")
        hint = f"does not start with '/'; did you mean '/{namespace}'?" if meant else "is no namespace"
        raise SwarmError("bad namespace", f"{namespace!r} {hint}")


class Outgoing(ABC):
    """What a client does. Made as a `Connection` only, which sets what is declared here."""

    __slots__ = (
        "_acks",
        "_connect_packets",
        "_connect_started",
        "_engine",
        "_frame_tap",
        "_left",
        "_next_id",
        "_reconnector",
        "_session",
        "_session_series",
        "closed",
        "namespaces",
        "target",
    )

    _acks: dict[int, tuple[AckCallback, int]]
    _connect_packets: dict[str, str]
    _connect_started: dict[str, int]
    _engine: Engine
    _frame_tap: Callable[[bytes], bool] | None
    _left: set[str] | None
    _next_id: int
    _reconnector: Reconnector | None
    _session: Session
    _session_series: Series
    closed: bool
    namespaces: dict[str, str]
    target: Target

    def connect(self, namespace: str = MAIN_NAMESPACE, auth: Any = None) -> None:
        """Connect to a namespace; the first call opens the session, and its time counts from here.

        Raises SwarmError at once for a namespace or auth payload that cannot be sent.
        """
        reconnector = self._reconnector
        wanted = reconnector.namespaces if reconnector is not None else []
        if namespace in self._connect_started or namespace in self.namespaces or namespace in wanted:
            raise SwarmError("already connected", namespace)
        if self.closed:
            raise SwarmError("connection closed")
        self._connect_packets[namespace] = packet = _connect_packet(namespace, auth)
        if self._left is not None:
            self._left.discard(namespace)
        if reconnector is not None and reconnector.lost_at:
            wanted.append(namespace)
            if self._session.state == "closed":
                return  # the next attempt takes it along
        self._connect_started[namespace] = monotonic_ns()
        if self._session.state == "new":
            self._begin()
        elif self._session.state == "open":
            self._session.send_text(packet)

    @abstractmethod
    def _begin(self) -> None:
        """Open the first session."""

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

    def disconnect(self, namespace: str = MAIN_NAMESPACE) -> None:
        """Leave one namespace; the session stays."""
        if self.namespaces.pop(namespace, None) is not None:
            self._leave(namespace)
            self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))

    def _leave(self, namespace: str) -> None:
        if self._left is None:
            self._left = set()
        self._left.add(namespace)

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


def _connect_packet(namespace: str, auth: Any) -> str:
    """The Engine.IO packet that asks for a namespace."""
    check_namespace(namespace)
    try:
        text, _ = encode_socket_packet(SocketPacket(SocketPacketType.CONNECT, namespace, auth))
    except LocalProtocolError as error:
        raise SwarmError("cannot be sent", f"the auth payload: {error}") from None
    return "4" + text
