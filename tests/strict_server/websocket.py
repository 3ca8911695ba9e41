"""The server's half of RFC 6455: opening handshake, frames in and out, closing handshake.

It takes permessage-deflate (deflate.py), and no subprotocol.
Wrong bytes end the connection with the code that the RFC names:
1002 (protocol), 1007 (not UTF-8), 1009 (too big).
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import IntEnum

from tests.strict_server.deflate import Agreement, Deflate, InflateError, InflatesTooFar
from tests.strict_server.faults import Faults
from tests.strict_server.http1 import Connection, ConnectionLost, Request

# RFC 6455, section 1.3.
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# How long a peer may take to answer a close frame before the TCP connection is dropped.
CLOSE_SECONDS = 5.0
# The first reserved bit: the message is compressed.
COMPRESSED = 0x40


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Code(IntEnum):
    PROTOCOL_ERROR = 1002
    INVALID_TEXT = 1007
    TOO_BIG = 1009


class FrameError(Exception):
    """The peer broke RFC 6455; `code` is what the close frame says."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Frame:
    final: bool
    opcode: Opcode
    data: bytes
    compressed: bool = False


def handshake_error(request: Request) -> str | None:
    """Why the request cannot be upgraded to WebSocket, or None."""
    if request.method != "GET":
        return "method is not GET"
    if request.headers.get("upgrade", "").lower() != "websocket":
        return "upgrade is not websocket"
    if request.headers.get("sec-websocket-version") != "13":
        return "sec-websocket-version is not 13"
    with contextlib.suppress(binascii.Error, ValueError):
        if len(base64.b64decode(request.headers.get("sec-websocket-key", ""), validate=True)) == 16:
            return None
    return "sec-websocket-key is not 16 bytes in base64"


def accept_handshake(connection: Connection, request: Request, agreement: Agreement | None = None) -> None:
    extensions = f"Sec-WebSocket-Extensions: {agreement}\r\n" if agreement else ""
    key = request.headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest())
    connection.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + extensions.encode() + b"\r\n"
    )


class WebSocket:
    """One upgraded connection. `messages()` must be iterated until it ends; sending never waits."""

    def __init__(
        self, connection: Connection, max_payload: int, faults: Faults, agreement: Agreement | None = None
    ) -> None:
        self._connection = connection
        self._deflate = Deflate(agreement, faults) if agreement else None
        self._was_compressed = False
        self._max_payload = max_payload - 1 if faults("refuses-a-frame-of-exactly-the-limit") else max_payload
        self._faults = faults
        self._close_sent = False

    @property
    def is_open(self) -> bool:
        return not self._close_sent

    def send(self, message: str | bytes) -> None:
        """Text as a text frame, bytes as a binary frame; dropped once a close frame was sent."""
        opcode, data = (
            (Opcode.TEXT, message.encode()) if isinstance(message, str) else (Opcode.BINARY, message)
        )
        compressed = self._deflate.deflate(data) if self._deflate and not self._close_sent else None
        if compressed is None:
            self._send_frame(opcode, data)
        elif self._faults("each-frame-says-that-it-is-compressed"):
            self._connection.write(encode_frame(COMPRESSED | opcode, compressed[:9], final=False))
            self._send_frame(COMPRESSED | Opcode.CONTINUATION, compressed[9:])
        else:
            self._send_frame(COMPRESSED | opcode, compressed)

    def close(self, code: Code | None = None) -> None:
        """Send a close frame; the connection ends when the peer answers it, at most 5 s later."""
        if self._close_sent:
            return
        self._send_frame(Opcode.CLOSE, b"" if code is None else struct.pack("!H", code))
        self._close_sent = True
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._connection.abort)

    def send_raw(self, data: bytes) -> None:
        """Bytes of the caller's making, for what must be wrong below the frames."""
        if not self._close_sent:
            self._connection.write(data)

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Every whole message until the connection is closed by either side. Raises nothing of the peer's."""
        try:
            async for message in self._read_messages():
                if not self._close_sent:
                    yield message
        except ConnectionLost:
            self._close_sent = True
        except FrameError as error:
            self.close(error.code)
            await self._connection.linger()
        finally:
            self._close_sent = True
            self._connection.close()

    async def _read_messages(self) -> AsyncIterator[str | bytes]:
        pieces: list[Frame] = []
        while True:
            frame = await self._read_frame(self._max_payload - sum(len(piece.data) for piece in pieces))
            if frame.opcode is Opcode.CLOSE:
                self._answer_close(frame.data)
                return
            if frame.opcode is Opcode.PING:
                self._answer_ping(frame.data)
                if pieces and self._faults("ping-ends-a-compressed-message"):
                    pieces[0] = replace(pieces[0], compressed=False)
            elif frame.opcode is not Opcode.PONG:
                if (frame.opcode is Opcode.CONTINUATION) != bool(pieces):
                    raise FrameError(Code.PROTOCOL_ERROR, "continuation out of place")
                pieces.append(frame)
                if frame.final:
                    yield self._join(pieces)
                    pieces = []
                elif self._faults("drops-fragmented-messages"):
                    while not (await self._read_frame(self._max_payload)).final:
                        pass
                    pieces = []

    def _join(self, pieces: list[Frame]) -> str | bytes:
        data = b"".join(piece.data for piece in pieces)
        if pieces[0].compressed or (self._was_compressed and self._faults("compression-never-ends")):
            self._was_compressed = True
            data = self._inflate(pieces, data)
        if pieces[0].opcode is Opcode.BINARY:
            return data
        if self._faults("frames-are-decoded-by-themselves"):
            data = b"".join(piece.data.decode(errors="replace").encode() for piece in pieces)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            if self._faults("accepts-text-that-is-not-utf-8"):
                return data.decode("utf-8", "replace")
            raise FrameError(Code.INVALID_TEXT, "text is not UTF-8") from error
        if len(text) > self._max_payload and self._faults("frame-limit-counts-characters"):
            raise FrameError(Code.TOO_BIG, "message is longer than the maximum payload")
        return text

    def _inflate(self, pieces: list[Frame], data: bytes) -> bytes:
        if self._deflate is None or self._faults("compressed-message-is-taken-as-it-is"):
            return data
        if pieces[0].opcode is Opcode.BINARY and self._faults("compressed-binary-is-taken-as-it-is"):
            return data
        if self._faults("only-the-first-fragment-is-inflated"):
            data = pieces[0].data
        try:
            return self._deflate.inflate(data, self._max_payload)
        except InflatesTooFar:
            raise FrameError(Code.TOO_BIG, "message is longer than the maximum payload") from None
        except InflateError as error:
            if self._faults("broken-stream-is-read-as-a-noop"):
                return b"6"
            raise FrameError(Code.INVALID_TEXT, "message does not inflate") from error

    def _may_be_reserved(self, bits: int, opcode: Opcode) -> bool:
        if bits & ~COMPRESSED:
            return self._faults("accepts-reserved-bits")
        if self._deflate is None:
            return self._faults("accepts-compression-that-nobody-agreed-on")
        if opcode is Opcode.CONTINUATION:
            return self._faults("later-fragments-may-be-compressed")
        return opcode < Opcode.CLOSE or self._faults("control-frames-may-be-compressed")

    async def _read_frame(self, room: int) -> Frame:
        first, second = await self._connection.read_exactly(2)
        if (first & 0x0F) not in set(Opcode):
            raise FrameError(Code.PROTOCOL_ERROR, "unknown opcode")
        final, opcode, reserved = bool(first & 0x80), Opcode(first & 0x0F), first & 0x70
        if reserved and not self._may_be_reserved(reserved, opcode):
            raise FrameError(Code.PROTOCOL_ERROR, "reserved bit")
        masked = bool(second & 0x80)
        if not masked and not self._faults("accepts-unmasked-frames"):
            raise FrameError(Code.PROTOCOL_ERROR, "frame is not masked")
        length = await self._read_length(second & 0x7F)
        if opcode >= Opcode.CLOSE:
            if length > 125 or not final:
                raise FrameError(Code.PROTOCOL_ERROR, "long or fragmented control frame")
        elif length > room and not self._ignores_size(opcode, length):
            raise FrameError(Code.TOO_BIG, "message is longer than the maximum payload")
        mask = await self._connection.read_exactly(4) if masked else bytes(4)
        data = _unmask(await self._connection.read_exactly(length), mask)
        return Frame(final, opcode, data, bool(reserved & COMPRESSED))

    def _ignores_size(self, opcode: Opcode, length: int) -> bool:
        if self._faults("refuses-text-but-not-binary-over-the-limit"):
            return opcode is Opcode.BINARY
        if self._faults("frame-limit-counts-characters"):
            return opcode is not Opcode.BINARY
        if self._faults("frame-limit-is-double"):
            return length <= 2 * self._max_payload
        return self._faults("accepts-oversized-frames")

    async def _read_length(self, short: int) -> int:
        if short < 126:
            return short
        size, smallest = (2, 126) if short == 126 else (8, 0x10000)
        length = int.from_bytes(await self._connection.read_exactly(size), "big")
        if length < smallest or length >> 63:
            raise FrameError(Code.PROTOCOL_ERROR, "length is not in its shortest form")
        return length

    def _answer_close(self, data: bytes) -> None:
        if len(data) == 1 or (len(data) >= 2 and not _may_be_sent(struct.unpack("!H", data[:2])[0])):
            raise FrameError(Code.PROTOCOL_ERROR, "wrong close code")
        try:
            data[2:].decode()
        except UnicodeDecodeError as error:
            raise FrameError(Code.INVALID_TEXT, "close reason is not UTF-8") from error
        if not self._faults("close-frame-is-not-answered"):
            self._send_frame(Opcode.CLOSE, data[:2])

    def _answer_ping(self, data: bytes) -> None:
        if self._faults("websocket-ping-is-not-answered"):
            return
        self._send_frame(Opcode.PONG, b"" if self._faults("websocket-pong-loses-its-data") else data)

    def _send_frame(self, opcode: int, data: bytes) -> None:
        if self._close_sent:
            return
        self._connection.write(encode_frame(opcode, data))


def encode_frame(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    """One unmasked frame; `opcode` may hold reserved bits."""
    if len(data) < 126:
        length = struct.pack("!B", len(data))
    elif len(data) < 0x10000:
        length = struct.pack("!BH", 126, len(data))
    else:
        length = struct.pack("!BQ", 127, len(data))
    return bytes([0x80 | opcode if final else opcode]) + length + data


def _may_be_sent(code: int) -> bool:
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))


def _unmask(data: bytes, mask: bytes) -> bytes:
    # One exclusive-or of two big integers instead of a loop over bytes.
    stretched = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stretched, "big")).to_bytes(len(data), "big")
