"""One Engine.IO session: handshake, heartbeat, upgrade and close, over either transport.

`transport` is `polling`, `websocket`, or `upgrade`: the handshake on polling, then the probe, and no packet
is lost between the two. The content of MESSAGE packets belongs to `sioprobe.engine.connection`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Protocol

from sioprobe.engine.errors import Kind, SwarmError, above_max_payload
from sioprobe.engine.hub import SECOND
from sioprobe.engine.target import Target
from sioprobe.engine.transports.polling import PollingChannel
from sioprobe.engine.transports.websocket import WebSocketChannel
from sioprobe.wire import EnginePacket, EnginePacketType, OpenData, RemoteProtocolError, decode_open
from sioprobe.wire.cookies import Cookies

__all__ = ["TRANSPORTS", "Session", "SessionOwner"]

TRANSPORTS = ("polling", "websocket", "upgrade")

CLOSE_DEADLINE = 2 * SECOND
OUR_OWN = (Kind.DROPPED, Kind.INTERNAL_ERROR, Kind.LEFT)
"""Failures that no server is the reason of."""


class SessionOwner(Protocol):
    """Hears, on the hub, what happens in a session. `session_pushed` hears of a POST with many packets."""

    def session_opened(self) -> None: ...
    def session_text(self, data: str) -> None: ...
    def session_binary(self, data: bytes) -> None: ...
    def session_polled(self) -> None: ...
    def session_pushed(self, packets: int) -> None: ...
    def session_pinged(self) -> None: ...
    def session_upgraded(self, nanoseconds: int, failure: SwarmError | None) -> None: ...
    def session_closed(self, failure: SwarmError | None) -> None: ...


class Session:
    """A session. The last call to its owner is `session_closed`, with None if we closed the session.

    `state` is new, opening, open, closing or closed. `opened` is the OPEN packet, None before it came.
    `upgrading` says that an upgrade is under way, `close_confirmed` that the server answered our close before
    the deadline. `reading` is False between `stop_reading` and `start_reading`.
    """

    __slots__ = (
        "_closing_deadline",
        "_cookies",
        "_heartbeat",
        "_last_ping",
        "_loop",
        "_open_deadline",
        "_owner",
        "_polling",
        "_probe",
        "_probe_started",
        "_socket",
        "_target",
        "close_confirmed",
        "opened",
        "reading",
        "state",
        "timeout",
        "transport",
        "upgrading",
    )

    def __init__(
        self,
        loop: Any,
        target: Target,
        transport: str,
        owner: SessionOwner,
        timeout: float = 10.0,
        cookies: Cookies | None = None,
    ) -> None:
        self._loop = loop
        self._target = target
        self._cookies = cookies or target.new_cookies()
        self._owner = owner
        self.timeout = int(timeout * SECOND)
        self._polling: PollingChannel | None = None
        self._socket: WebSocketChannel | None = None
        self._probe: WebSocketChannel | None = None
        self._probe_started = 0
        self._open_deadline = self._closing_deadline = self._last_ping = self._heartbeat = 0
        self.transport = transport
        self.state = "new"
        self.opened: OpenData | None = None
        self.upgrading = False
        self.close_confirmed = False
        self.reading = True

    def open(self) -> None:
        """Start the handshake."""
        self.state = "opening"
        self._open_deadline = monotonic_ns() + self.timeout
        if self.transport == "websocket":
            self._probe = WebSocketChannel(
                self._loop,
                self._target,
                self._target.endpoint("websocket"),
                self._cookies,
                opened=_nothing,
                text=self._receive_text,
                binary=self._receive_binary,
                lost=self._lost,
            )
        else:
            self._polling = PollingChannel(
                self._loop,
                self._target,
                self._cookies,
                text=self._receive_text,
                binary=self._receive_binary,
                polled=self._owner.session_polled,
                pushed=self._owner.session_pushed,
                failed=self._lost,
            )
            self._polling.handshake()

    # What the server has said

    @property
    def id(self) -> str | None:
        """The `sid` of the OPEN packet; None before it came."""
        return self.opened.session_id if self.opened is not None else None

    @property
    def heartbeat(self) -> tuple[float, float] | None:
        """Ping interval and ping timeout in seconds, as the server announced them; None before it did."""
        opened = self.opened
        return (opened.ping_interval / 1000, opened.ping_timeout / 1000) if opened is not None else None

    @property
    def current_transport(self) -> str:
        """`polling` or `websocket`: what the session is on now."""
        return "websocket" if self._socket is not None else "polling"

    # Sending

    def send_text(self, packet: str) -> None:
        """Send one text packet, with its type digit. Raises SwarmError if no session is open."""
        if self._socket is not None:
            self._socket.send_text(packet)
        elif self._polling is not None and self.opened is not None:
            self._polling.send_text(packet)
        else:
            raise SwarmError(Kind.NOT_CONNECTED)

    def send_binary(self, data: bytes) -> None:
        """Send one attachment. Raises SwarmError if no session is open."""
        if self._socket is not None:
            self._socket.send_binary(data)
        elif self._polling is not None and self.opened is not None:
            self._polling.send_binary(data)
        else:
            raise SwarmError(Kind.NOT_CONNECTED)

    def tap_frames(self, tap: Callable[[bytes], bool] | None) -> None:
        """Show `tap` the bytes of each read of the WebSocket from now on. On polling it sees nothing."""
        if self._socket is not None:
            self._socket.frame_tap = tap

    def explain(self, failure: SwarmError) -> SwarmError:
        """The failure, with its reason if this client has just sent more than the server takes."""
        channel, opened = self._socket or self._polling, self.opened
        if channel is None or opened is None or failure.kind in OUR_OWN:
            return failure
        packets = self._polling.packets if self._polling is not None else 1
        return above_max_payload(failure, channel.oversized, opened.max_payload, packets)

    @property
    def unsent(self) -> int:
        """Bytes (WebSocket) or packets (polling) that the server has not taken yet."""
        channel = self._socket or self._polling
        return channel.unsent if channel is not None else 0

    # Receiving

    def stop_reading(self) -> None:
        """Behave like a client that hangs: leave in the kernel all that comes (on polling, one answer).

        No PING is answered, so the server will give up the session. Sending still works. The call does
        nothing before the session is open and during an upgrade. The server notices only after megabytes,
        which both kernels buffer.
        """
        channel = self._socket or self._polling
        if channel is not None and self.state == "open" and not self.upgrading:
            self.reading = False
            channel.stop_reading()

    def start_reading(self) -> None:
        """Read again. All that waited comes in order, and an end of the connection is noticed.

        From now on the server has the whole ping interval and ping timeout to send a PING.
        """
        channel = self._socket or self._polling
        if channel is not None and not self.reading:
            self.reading = True
            self._last_ping = monotonic_ns()
            channel.start_reading()

    @property
    def ended_by_server(self) -> bool | None:
        """Whether the kernel knows that the server has ended the WebSocket; None on polling.

        A session that is not read does not notice it otherwise.
        """
        return self._socket.ended_by_peer if self._socket is not None else None

    def _receive_text(self, text: str) -> None:
        kind = text[:1]
        if kind == "4":
            if self.opened is None:
                raise RemoteProtocolError("MESSAGE before OPEN")
            self._owner.session_text(text[1:])
        elif kind == "2":
            if self.opened is None:
                raise RemoteProtocolError(f"unexpected PING {text[:20]!r}")
            self._last_ping = monotonic_ns()
            if self._socket is not None:
                self._socket.note_ping()
            self.send_text("3")
            self._owner.session_pinged()
        elif kind == "0":
            self._take_open(text)
        elif kind == "6":
            if text != "6":
                raise RemoteProtocolError("NOOP with data")
        elif kind == "1":
            self._end(SwarmError(Kind.CLOSED_BY_SERVER))
        else:
            raise RemoteProtocolError(f"unexpected packet {text[:20]!r}")

    def _receive_binary(self, data: bytes) -> None:
        if self.opened is None:
            raise RemoteProtocolError("binary message before OPEN")
        self._owner.session_binary(data)

    def _take_open(self, text: str) -> None:
        if self.opened is not None:
            raise RemoteProtocolError("a second OPEN packet")
        # Decoded as in revision 3, which needs no maxPayload: some servers of revision 4 leave it out.
        opened = decode_open(EnginePacket(EnginePacketType.OPEN, text[1:]), revision=3)
        self.opened = opened
        self._last_ping = monotonic_ns()
        self._heartbeat = int((opened.ping_interval + opened.ping_timeout) * 1_000_000)
        if self.state != "opening":
            return
        self.state = "open"
        if self._polling is None:
            self._socket, self._probe = self._probe, None
        if self._socket is not None:
            self._socket.message = self._owner.session_text
            self._socket.max_payload = opened.max_payload or math.inf
        self._owner.session_opened()
        if self._polling is not None and self.state == "open":
            # After `session_opened`, so that the CONNECT packet goes out before the upgrade is tried.
            self._polling.start(opened.session_id, opened.max_payload)
            if self.transport == "upgrade":
                self._start_upgrade(opened)

    # Upgrade

    def _start_upgrade(self, opened: OpenData) -> None:
        self._probe_started = monotonic_ns()
        if "websocket" not in opened.upgrades:
            self._owner.session_upgraded(0, SwarmError(Kind.UPGRADE_NOT_OFFERED))
            return
        self.upgrading = True
        self._probe = WebSocketChannel(
            self._loop,
            self._target,
            self._target.endpoint("websocket", opened.session_id),
            self._cookies,
            opened=self._send_probe,
            text=self._take_probe,
            binary=self._refuse_binary,
            lost=self._probe_lost,
        )

    def _send_probe(self) -> None:
        assert self._probe is not None
        self._probe.send_text("2probe")

    def _take_probe(self, text: str) -> None:
        if text == "6":
            return
        if text != "3probe":
            raise RemoteProtocolError(f"{text[:20]!r} instead of the answer to the probe")
        if self._polling is not None:
            self._polling.pause(self._switch)

    def _refuse_binary(self, data: bytes) -> None:
        raise RemoteProtocolError("binary message instead of the answer to the probe")

    def _switch(self) -> None:
        socket, polling = self._probe, self._polling
        assert socket is not None
        assert polling is not None
        self._probe = self._polling = None
        self.upgrading = False
        socket.text, socket.binary, socket.lost = self._receive_text, self._receive_binary, self._lost
        socket.message = self._owner.session_text
        socket.max_payload = polling.max_payload
        socket.send_text("5")
        self._socket = socket
        for packet in polling.take_unsent():
            if packet[:1] == "b":
                socket.send_binary(_decode_base64(packet))
            else:
                socket.send_text(packet)
        polling.close()
        self._owner.session_upgraded(monotonic_ns() - self._probe_started, None)

    def _probe_lost(self, failure: SwarmError | None) -> None:
        if self._probe is not None:
            self._probe.close()
        self._probe = None
        self.upgrading = False
        self._owner.session_upgraded(
            monotonic_ns() - self._probe_started, failure or SwarmError(Kind.CONNECTION_CLOSED)
        )
        if self._polling is not None:
            self._polling.resume()

    # Closing

    def close(self) -> None:
        """Close in order. `session_closed` follows within 2 s."""
        if self.state in ("closing", "closed"):
            return
        if self.state != "open":
            self._end(None)
            return
        self.state = "closing"
        self.start_reading()
        self._closing_deadline = monotonic_ns() + CLOSE_DEADLINE
        if self._probe is not None:
            self._probe.close()
            self._probe = None
            self.upgrading = False
        if self._socket is not None:
            self._socket.send_close("1")
        elif self._polling is not None:
            self._polling.when_sent(self._close_confirmed)
            self._polling.resume()
            self._polling.send_text("1")

    def _close_confirmed(self) -> None:
        self.close_confirmed = True
        self._end(None)

    def _lost(self, failure: SwarmError | None) -> None:
        if self.state == "closing":
            # Any end of the stream now answers our close.
            self.close_confirmed = True
            self._end(None)
        else:
            self._end(failure or SwarmError(Kind.CONNECTION_CLOSED))

    def _end(self, failure: SwarmError | None) -> None:
        if self.state == "closed":
            return
        if failure is not None:
            failure = self.explain(failure)
        asked, self.state = self.state == "closing", "closed"
        for channel in (self._socket, self._polling, self._probe):
            if channel is not None:
                channel.close()
        self._socket = self._polling = self._probe = None
        if asked and failure is not None:
            self.close_confirmed = True
        self._owner.session_closed(None if asked else failure)

    def abort(self, failure: SwarmError | None = None) -> None:
        """End at once, without a word to the server."""
        self._end(failure)

    def check(self, now: int) -> None:
        """Enforce the deadlines; `now` is `monotonic_ns()`."""
        if self.state == "opening":
            if now > self._open_deadline:
                self._end(SwarmError(Kind.CONNECT_TIMEOUT))
        elif self.state == "closing":
            if now > self._closing_deadline:
                self._end(None)
        elif self.state == "open":
            if self._heartbeat and self.reading and now > self._last_ping + self._heartbeat:
                self._end(SwarmError(Kind.PING_TIMEOUT, "no PING from the server"))
            elif self.upgrading and now > self._probe_started + self.timeout:
                self._probe_lost(SwarmError(Kind.UPGRADE_TIMEOUT))


def _nothing() -> None:
    pass


def _decode_base64(record: str) -> bytes:
    import base64

    return base64.b64decode(record[1:])
