"""The stage's end of a WebSocket."""

from __future__ import annotations

import time
from typing import Protocol

from conformance.client.transcript import TO_CLIENT, TO_SERVER, Recording, describe_engine
from conformance.stage.bell import Bell
from conformance.stage.connection import Connection
from conformance.stage.requests import Request
from sioprobe.wire import (
    Frame,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    accept_key,
    decode_close,
    encode_close,
    encode_frame,
)

__all__ = ["Socket", "SocketOwner", "accepting"]

SAME_MASKS = 4  # so many frames in a row with one mask are no accident


class SocketOwner(Protocol):
    """Whoever takes the messages of a WebSocket."""

    def said_over(self, socket: Socket, message: str | bytes) -> None: ...

    def left(self, socket: Socket) -> None: ...

    def note(self, requirement: str, what: str) -> None: ...


def accepting(request: Request) -> list[tuple[str, str]]:
    """The headers of the 101 that opens the WebSocket that `request` asks for."""
    key = request.header("sec-websocket-key") or ""
    return [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_key(key))]


class Socket:
    """An open WebSocket. It answers pings and the close frame, and closes TCP after the closing handshake."""

    def __init__(self, connection: Connection, owner: SocketOwner, bell: Bell, recording: Recording) -> None:
        self._connection = connection
        self._owner = owner
        self._bell = bell
        self._recording = recording
        self._decoder = MessageDecoder(masked=True)
        self._masks: list[bytes] = []
        self._closing = False  # the stage has sent a close frame
        self.control: list[Frame] = []  # control frames of the client
        self.closed_by_client: tuple[int | None, str] | None = None
        self.gone_at: float | None = None  # on the monotonic clock

    @property
    def gone(self) -> bool:
        """Whether the TCP connection has ended."""
        return self.gone_at is not None

    def received(self, data: bytes) -> None:
        try:
            for message in self._decoder.decode(data):
                self._look_at_mask(self._decoder.mask)
                if isinstance(message, Frame):
                    self._take_control(message)
                else:
                    self._recording.add(TO_SERVER, "websocket", message, describe_engine(message))
                    self._owner.said_over(self, message)
        except RemoteProtocolError as error:
            self._owner.note("CLI-WS-02", str(error))
            self.end()
        self._bell.ring()

    def _look_at_mask(self, mask: bytes) -> None:
        self._masks.append(mask)
        if len(self._masks) >= SAME_MASKS and len(set(self._masks[-SAME_MASKS:])) == 1:
            self._owner.note("CLI-WS-02", f"{SAME_MASKS} frames in a row with the mask {mask.hex()}")

    def _take_control(self, frame: Frame) -> None:
        self.control.append(frame)
        self._recording.add(TO_SERVER, "websocket", frame.payload, f"WebSocket {frame.opcode.name.lower()}")
        if frame.opcode is Opcode.PING:
            self.write(encode_frame(Opcode.PONG, frame.payload, masked=False))
        elif frame.opcode is Opcode.CLOSE:
            self.closed_by_client = decode_close(frame.payload)
            if not self._closing:
                self._closing = True
                self.write(encode_frame(Opcode.CLOSE, frame.payload[:2], masked=False))
            self.end()

    def lost(self) -> None:
        self.gone_at = time.monotonic()
        self._recording.add(TO_SERVER, "websocket", "", "TCP connection of the WebSocket ended")
        self._owner.left(self)

    def send(self, message: str | bytes) -> None:
        """One message in one frame."""
        self._recording.add(TO_CLIENT, "websocket", message, describe_engine(message))
        opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
        payload = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        self._connection.write(encode_frame(opcode, payload, masked=False))

    def write(self, data: bytes, cut: int | None = None) -> None:
        """Raw bytes; `cut`: so many at a time."""
        self._recording.add(TO_CLIENT, "websocket", data, "raw bytes")
        self._connection.write(data, cut)

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Begin the closing handshake. TCP ends when the client has answered."""
        self._recording.add(TO_CLIENT, "websocket", "", f"WebSocket close {code or ''}")
        self._closing = True
        self._connection.write(encode_frame(Opcode.CLOSE, encode_close(code, reason), masked=False))

    def end(self, *, reset: bool = False) -> None:
        """End the TCP connection, in order or by a reset."""
        self._recording.add(TO_CLIENT, "websocket", "", f"TCP connection {'reset' if reset else 'ended'}")
        self._connection.end(reset=reset)
