"""The Engine.IO session: one peer over one transport at a time, its heartbeat, its buffer and its end.

A session outlives a change of transport; what a transport cannot send yet waits in `buffer`.
It leaves out how sessions are opened (server.py) and how they change transport (upgrade.py).
"""

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from tests.strict_server.faults import Faults
from tests.strict_server.liberties import Liberty
from tests.strict_server.packets import (
    EnginePacket,
    EngineType,
    PacketError,
    decode_packet,
    encode_payload,
    encode_text,
)
from tests.strict_server.websocket import Opcode, WebSocket, encode_frame

if TYPE_CHECKING:
    from tests.strict_server.upgrade import Upgrade


@dataclass(frozen=True, slots=True)
class Config:
    """All times in seconds, `max_payload` in bytes."""

    ping_interval: float
    ping_timeout: float
    max_payload: int
    upgrade_timeout: float
    connect_timeout: float
    # How long a close packet waits for a poll that takes it.
    close_timeout: float = 30.0
    liberties: frozenset[Liberty] = frozenset()


class State(Enum):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Transport(Protocol):
    """What a session sends through."""

    @property
    def name(self) -> str: ...
    @property
    def writable(self) -> bool: ...
    def send(self, packets: list[EnginePacket]) -> None: ...
    def close(self) -> bool:
        """Close in order; True when that is done, False when it waits for the peer."""
        ...

    def drop(self) -> None:
        """Release whatever the peer is still waiting for, now."""
        ...


class Session:
    """`on_message` gets the data of each MESSAGE packet; `on_end` is called once, with the reason."""

    revision = 4
    # Whether binary data may go out as it is over polling, which only revision 3 knows.
    takes_binary = False

    def __init__(self, config: Config, faults: Faults, session_id: str) -> None:
        self.id = session_id
        self.config = config
        self.faults = faults
        self.state = State.OPEN
        self.buffer: list[EnginePacket] = []
        self.upgrade: Upgrade | None = None
        self.upgraded = False
        self.on_message: Callable[[str | bytes], None] = lambda data: None
        self.on_pong: Callable[[], None] = lambda: None
        self.on_upgrade: Callable[[], object] = lambda: None
        self.on_end: Callable[[str], None] = lambda reason: None
        self.on_closed: Callable[[], None] = lambda: None
        self.transport: Transport
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._pings = 0
        self._ping_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None

    def open(self, transport: Transport) -> None:
        """Queue the OPEN packet and start the heartbeat."""
        self.transport = transport
        kind = EngineType.MESSAGE if self.faults("open-packet-is-a-message") else EngineType.OPEN
        self.send(EnginePacket(kind, json.dumps(self._open_data())))
        self.start_heartbeat()

    def new_websocket(self, websocket: WebSocket) -> "WebSocketTransport":
        """A transport of this session's revision."""
        return WebSocketTransport(self, websocket)

    def _open_data(self) -> dict[str, object]:
        polling = self.transport.name == "polling"
        offers_upgrade = polling != self.faults("websocket-offers-upgrades") or polling
        data: dict[str, object] = {
            "sid": self.id,
            "upgrades": ["websocket"] if offers_upgrade else [],
            "pingInterval": round(self.config.ping_interval * 1000),
            "pingTimeout": round(self.config.ping_timeout * 1000),
            "maxPayload": self.config.max_payload,
        }
        if self.faults("polling-offers-no-upgrade"):
            data["upgrades"] = []
        if self.faults("open-data-lacks-max-payload"):
            del data["maxPayload"]
        if self.faults("open-data-has-text-for-a-number"):
            data["pingTimeout"] = str(data["pingTimeout"])
        if self.faults("open-data-has-another-key"):
            data["server"] = "strict"
        if self.faults("ping-interval-in-seconds"):
            data["pingInterval"] = self.config.ping_interval
        return data

    # Sending

    def send(self, packet: EnginePacket) -> None:
        if self.state is State.OPEN:
            self.buffer.append(packet)
            self.flush()

    def send_message(self, data: str | bytes) -> None:
        self.send(EnginePacket(EngineType.MESSAGE, data))

    def flush(self) -> None:
        """Hand the buffer to the transport, when it takes packets and there are any."""
        if self.state is State.CLOSED or not self.buffer or not self.transport.writable:
            return
        if self.upgrade is not None and self.upgrade.holds_packets:
            return
        if self.faults("one-packet-in-a-poll") and self.transport.name == "polling":
            packets, self.buffer = self.buffer[:1], self.buffer[1:]
        else:
            packets, self.buffer = self.buffer, []
        self.transport.send(packets)

    # Receiving

    def receive(self, packet: EnginePacket) -> None:
        """Act on a packet of the peer; CLOSE and the probe are the transports' business."""
        if self.state is not State.OPEN:
            return
        if packet.type is EngineType.MESSAGE:
            if self.faults("events-count-as-pongs"):
                self._schedule_ping()
            if self.faults("each-packet-puts-the-ping-off") and not self.awaits_pong:
                self._schedule_ping()
            as_value = packet.data == "true" and self.faults("text-of-json-becomes-a-value")
            self.on_message("1" if as_value else packet.data)
        elif packet.type is EngineType.PONG:
            if self.faults("unsolicited-pong-closes") and not self.awaits_pong:
                self.end("pong without ping")
                return
            if self.faults("pong-is-not-counted"):
                return
            self.on_pong()
            if not (self.faults("pings-once") and self._pings):
                self._schedule_ping()
        elif packet.type is EngineType.PING:
            self._receive_ping()
        elif packet.type is EngineType.CLOSE and not self.faults("close-packet-over-websocket-is-ignored"):
            self.end("transport close")

    def _receive_ping(self) -> None:
        if self.faults("client-ping-is-answered"):
            self.send(EnginePacket(EngineType.PONG))
        elif not self.faults("client-ping-is-ignored"):
            self.end("invalid heartbeat direction")

    # Heartbeat

    awaits_pong = False

    def start_heartbeat(self) -> None:
        self._schedule_ping()

    def stop_heartbeat(self) -> None:
        """For the fault that leaves nobody to notice a silent peer."""
        if self._ping_timer is not None:
            self._ping_timer.cancel()

    def _schedule_ping(self) -> None:
        interval = self.config.ping_interval
        if self.faults("pings-at-double-interval"):
            interval *= 2
        if self.faults("pings-at-half-interval"):
            interval /= 2
        if self.faults("pings-in-pairs") and self._pings % 2:
            interval = 0.0
        if self.faults("pings-at-once") and not self._pings:
            interval = 0.0
        self.awaits_pong = False
        self._set_timer(interval, self._ping)

    def _ping(self) -> None:
        if self.faults("never-pings"):
            return
        if self.faults("ping-is-dropped-when-no-poll-waits") and not self.transport.writable:
            self._schedule_ping()
            return
        if self.faults("heartbeat-ends-with-the-upgrade") and self.upgraded:
            return
        if self.faults("ping-carries-data"):
            self.send(EnginePacket(EngineType.PING, "probe"))
        else:
            self.send(EnginePacket(EngineType.PING))
        self._pings += 1
        self.awaits_pong = True
        self._set_timer(self._pong_seconds(), lambda: self.end("ping timeout"))

    def _pong_seconds(self) -> float:
        seconds = self.config.ping_timeout
        if self.faults("ping-timeout-is-ignored"):
            return 24 * 3600.0
        if self.faults("ping-timeout-is-a-third"):
            return seconds / 3
        if self.faults("ping-timeout-is-three-times-as-long"):
            return 3 * seconds
        return seconds / 10 if self.faults("ping-timeout-is-a-tenth") else seconds

    def _set_timer(self, seconds: float, action: Callable[[], None]) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
        self._ping_timer = self._loop.call_later(seconds, action)

    # The end

    def close(self) -> None:
        """Close in order: what is buffered goes out first, then a CLOSE packet or a close frame."""
        if self.state is not State.OPEN:
            return
        self.state = State.CLOSING
        if self._ping_timer is not None:
            self._ping_timer.cancel()
        self._tell_end("server close")
        if self.transport.close():
            self.end("server close")
        else:
            timeout = self.config.close_timeout
            self._close_timer = self._loop.call_later(timeout, lambda: self.end("server close"))

    def end(self, reason: str) -> None:
        """The session is over, now; the peer's pending poll or WebSocket is released."""
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        for timer in (self._ping_timer, self._close_timer):
            if timer is not None:
                timer.cancel()
        if self.upgrade is not None:
            self.upgrade.abandon()
        if not (reason == "ping timeout" and self.faults("ping-timeout-leaves-the-poll-waiting")):
            self.transport.drop()
        self.on_closed()
        self._tell_end(reason)

    def _tell_end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self.on_end(reason)


class WebSocketTransport:
    """A session's packets as WebSocket messages, one each."""

    name = "websocket"
    writable = True

    def __init__(self, session: Session, websocket: WebSocket) -> None:
        self._session = session
        self._websocket = websocket
        self._is_left_open = False

    def send(self, packets: list[EnginePacket]) -> None:
        faults = self._session.faults
        if faults("frames-are-payloads") or (faults("frames-are-payloads-when-several") and len(packets) > 1):
            self._websocket.send(encode_payload(packets, faults))
            return
        for packet in packets:
            self._send_one(packet)

    def _send_one(self, packet: EnginePacket) -> None:
        faults = self._session.faults
        if isinstance(packet.data, str):
            text = encode_text(packet)
            if faults("text-in-binary-frames"):
                self._websocket.send(text.encode())
            elif faults("text-frames-in-latin-1"):
                self._websocket.send_raw(encode_frame(Opcode.TEXT, text.encode("latin-1", "replace")))
            else:
                self._websocket.send(text)
        elif faults("base64-over-websocket") or (
            faults("base64-after-the-upgrade") and self._session.upgraded
        ):
            self._websocket.send(encode_payload([packet], faults))
        elif faults("binary-frames-with-a-type-byte"):
            self._websocket.send(b"\x04" + packet.data)
        else:
            self._websocket.send(packet.data)

    def receive(self, message: str | bytes) -> None:
        """One message of the peer; what is no packet ends the session."""
        faults = self._session.faults
        if isinstance(message, bytes):
            if faults("binary-frames-lose-their-first-byte"):
                message = message[1:]
            self._session.receive(EnginePacket(EngineType.MESSAGE, message))
            return
        try:
            if message == "" and faults("empty-frame-is-ignored"):
                return
            self._session.receive(decode_packet(message, faults))
        except PacketError:
            if not faults("unknown-packet-over-websocket-is-ignored"):
                self._session.end("parse error")

    def close(self) -> bool:
        self._end(leave_open=self._session.faults("server-close-leaves-the-websocket-open"))
        return True

    def drop(self) -> None:
        if not self._is_left_open:
            self._end(leave_open=self._session.faults("client-close-leaves-the-websocket-open"))

    def _end(self, *, leave_open: bool) -> None:
        if leave_open:
            self._is_left_open = True
            self._websocket.send(encode_text(EnginePacket(EngineType.CLOSE)))
        else:
            self._websocket.close()


# What only faults need: the number of the next session, and the few ids that there are.
_numbers = itertools.count(1)
_FEW_IDS = 1000


def new_session_id(faults: Faults, liberties: frozenset[Liberty]) -> str:
    """20 characters safe in a URL, from 15 random bytes."""
    if faults("session-ids-count-up"):
        return f"session-{next(_numbers):012d}"
    if faults("session-ids-follow-the-clock"):
        return f"{time.time_ns():x}"
    if faults("session-ids-are-used-again"):
        return f"session-{secrets.randbelow(_FEW_IDS):012d}"
    if faults("session-id-is-not-url-safe"):
        return f"{secrets.token_urlsafe(12)}+&=/"
    return secrets.token_urlsafe(8 if Liberty.SHORT_IDS in liberties else 15)
