"""RFC 6455 for a client: the opening handshake and frames, bytes to values and back.

No sockets. A reserved bit is an error, except for a decoder that has an `Inflater` of permessage-deflate.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from sioprobe.wire.deflate import Inflater
from sioprobe.wire.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "Frame",
    "FrameDecoder",
    "MessageDecoder",
    "Opcode",
    "UpgradeResponse",
    "accept_key",
    "check_upgrade_response",
    "decode_close",
    "decode_response_head",
    "encode_close",
    "encode_frame",
    "encode_upgrade_request",
    "mark_compressed",
    "new_key",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Opcode(IntEnum):
    """RFC 6455, section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    @property
    def is_control(self) -> bool:
        return self >= Opcode.CLOSE


_OPCODES = {int(opcode): opcode for opcode in Opcode}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, its payload unmasked. `compressed`: its message is, and this is the first frame of it."""

    opcode: Opcode
    payload: bytes = b""
    fin: bool = True
    compressed: bool = False


def encode_frame(
    opcode: Opcode, payload: bytes, *, fin: bool = True, mask: bytes | None = None, masked: bool = True
) -> bytes:
    """One frame: of a client, masked with `mask` (4 bytes; random where None), or else of a server."""
    length = len(payload)
    if opcode >= 0x8 and (length > 125 or not fin):
        raise LocalProtocolError(f"{opcode.name} frame of {length} bytes, fin {fin}")
    if not masked:
        return _unmasked_head(opcode | 0x80 if fin else int(opcode), length) + payload
    if mask is None:
        mask = os.urandom(4)
    elif len(mask) != 4:
        raise LocalProtocolError(f"mask of {len(mask)} bytes")
    first = opcode | 0x80 if fin else int(opcode)
    if length < 126:
        return bytes((first, 0x80 | length)) + mask + apply_mask(payload, mask)
    if length < 0x10000:
        return bytes((first, 0xFE)) + length.to_bytes(2, "big") + mask + apply_mask(payload, mask)
    return bytes((first, 0xFF)) + length.to_bytes(8, "big") + mask + apply_mask(payload, mask)


def _unmasked_head(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 0x10000:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


def mark_compressed(frame: bytes) -> bytes:
    """The encoded first frame of a message, with the bit that says that the message is compressed."""
    return bytes((frame[0] | COMPRESSED,)) + frame[1:]


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """`payload` XOR the repeated `mask`; its own inverse."""
    # Without a C extension, one XOR of two big integers is the fastest way.
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")


def encode_close(code: int | None = None, reason: str = "") -> bytes:
    """The payload of a CLOSE frame; empty without a code."""
    if code is None:
        if reason:
            raise LocalProtocolError("close reason without a code")
        return b""
    if not _is_close_code(code):
        # The value stays out of the message: int() refuses to print one of 5000 digits.
        raise LocalProtocolError("close code that no frame may hold")
    try:
        payload = code.to_bytes(2, "big") + reason.encode("utf-8")
    except UnicodeEncodeError:
        raise LocalProtocolError("close reason with a lone surrogate") from None
    if len(payload) > 125:
        raise LocalProtocolError("close reason is longer than 123 bytes")
    return payload


def decode_close(payload: bytes) -> tuple[int | None, str]:
    """Code (None if the frame has none) and reason. Raises RemoteProtocolError."""
    if not payload:
        return None, ""
    if len(payload) == 1:
        raise RemoteProtocolError("close frame of 1 byte")
    code = int.from_bytes(payload[:2], "big")
    if not _is_close_code(code):
        raise RemoteProtocolError(f"close code {code}")
    try:
        return code, payload[2:].decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError("close reason is not UTF-8") from None


def _is_close_code(code: int) -> bool:
    # RFC 6455, section 7.4, with what its registry has added since: 1012 to 1014.
    return code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014) or (
        3000 <= code <= 4999
    )


# First byte of every frame that may come: opcode, with the fin bit except in fragments of a message.
_FIRST_BYTES = {0x80 | opcode: opcode for opcode in Opcode} | {
    int(opcode): opcode for opcode in Opcode if opcode < 0x8
}
# RFC 7692, section 6: RSV1, in the first frame of a message only.
COMPRESSED = 0x40
_WITH_COMPRESSED = _FIRST_BYTES | {
    COMPRESSED | first: opcode for first, opcode in _FIRST_BYTES.items() if opcode in (0x1, 0x2)
}
_WHOLE_TEXT = 0x80 | Opcode.TEXT
_WHOLE_BINARY = 0x80 | Opcode.BINARY


class FrameDecoder:
    """Turns bytes from a server into frames, however TCP cuts them; `masked`: bytes from a client.

    Take all that one call gives before you make the next call.
    It checks each frame by itself: reserved bits, opcodes, masking (a client must mask, a server must not),
    the size of control frames, the shortest form of the length, and `max_size` in bytes.
    With `compressed` it takes frames of compressed messages, and leaves their payload as it is.
    """

    def __init__(self, max_size: int = 2**26, *, compressed: bool = False, masked: bool = False) -> None:
        self.mask = b""  # of the frame that was given last
        self._mask_bit = 0x80 if masked else 0
        self._buffer = bytearray()
        self._due = 0  # no frame is whole before the buffer holds this much
        self._max_size = max_size
        self._first_bytes = _WITH_COMPRESSED if compressed else _FIRST_BYTES

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def decode(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes, in order.

        Raises RemoteProtocolError where the first wrong frame would come. Nothing follows it.
        """
        for first, payload in self.split(data):
            yield self.frame(first, payload)

    def frame(self, first: int, payload: bytes) -> Frame:
        """A pair of `split` as a Frame."""
        return Frame(self._first_bytes[first], payload, first >= 0x80, bool(first & COMPRESSED))

    def split(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """As `decode`, without the cost of a Frame: first byte and payload of each."""
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._due:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        position = 0
        end = len(data)
        first_bytes = self._first_bytes
        mask_bit = self._mask_bit
        while end - position >= 2:
            first = data[position]
            length = data[position + 1] ^ mask_bit
            start = position + 2
            if first not in first_bytes or length > 127 or (0x88 <= first < 0xC0 and length > 125):
                raise _head_error(first, length, mask_bit)
            if length >= 126:
                size = 2 if length == 126 else 8
                start += size
                if end < start:
                    self._due = start - position
                    break
                length = int.from_bytes(data[start - size : start], "big")
                if length < (126 if size == 2 else 0x10000):
                    raise RemoteProtocolError(f"frame length {length} in {size} bytes")
            if length > self._max_size:
                raise RemoteProtocolError(f"frame of {length} bytes, more than {self._max_size}")
            if mask_bit:
                start += 4
            if end - start < length:
                self._due = start - position + length
                break
            position = start + length
            if mask_bit:
                self.mask = bytes(data[start - 4 : start])
                yield first, apply_mask(data[start:position], self.mask)
            else:
                yield first, bytes(data[start:position])
        else:
            self._due = 2
        if position < end:
            self._buffer += data[position:]


def _head_error(first: int, length: int, mask_bit: int) -> RemoteProtocolError:
    if first & 0x70:
        return RemoteProtocolError(f"reserved bits {first & 0x70:#04x} in a frame")
    opcode = _OPCODES.get(first & 0x0F)
    if opcode is None:
        return RemoteProtocolError(f"unknown opcode {first & 0x0F:#x}")
    if length & 0x80:
        return RemoteProtocolError(
            "unmasked frame from a client" if mask_bit else "masked frame from a server"
        )
    return RemoteProtocolError(f"{opcode.name} frame that is fragmented or above 125 bytes")


class MessageDecoder:
    """Turns bytes from a server (`masked`: from a client) into messages, and the control frames between them.

    Take all that one call gives before you make the next call.
    It joins fragments, and checks their order and, for text, UTF-8. With `inflater` it reads compressed
    messages too.
    """

    def __init__(
        self, max_size: int = 2**26, inflater: Inflater | None = None, *, masked: bool = False
    ) -> None:
        self._frames = FrameDecoder(max_size, compressed=inflater is not None, masked=masked)
        self._inflater = inflater
        self._max_size = max_size
        self._opcode: Opcode | None = None
        self._compressed = False
        self._fragments: list[bytes] = []
        self._size = 0

    @property
    def mask(self) -> bytes:
        """Of the frame that ended the message that was given last."""
        return self._frames.mask

    @property
    def idle(self) -> bool:
        """Whether no part of a frame and no fragment of a message waits for more."""
        return self._opcode is None and not self._frames.pending

    def decode(self, data: bytes) -> Iterator[str | bytes | Frame]:
        """Whole messages in order: str (text), bytes (binary), Frame (PING, PONG or CLOSE).

        Raises RemoteProtocolError where the first wrong message would come. Nothing follows it.
        """
        for first, payload in self._frames.split(data):
            # Nearly every frame is a whole message. Each step here costs the load engine time.
            if first == _WHOLE_TEXT and self._opcode is None:
                yield _decode_text(payload)
            elif first == _WHOLE_BINARY and self._opcode is None:
                yield payload
            elif 0x88 <= first < 0xC0:
                yield Frame(_FIRST_BYTES[first], payload)
            else:
                message = self._join(self._frames.frame(first, payload))
                if message is not None:
                    yield message

    def _join(self, frame: Frame) -> str | bytes | None:
        if frame.opcode is Opcode.CONTINUATION:
            if self._opcode is None:
                raise RemoteProtocolError("continuation frame without a start")
        elif self._opcode is not None:
            raise RemoteProtocolError(f"{frame.opcode.name} frame inside a fragmented message")
        else:
            self._opcode, self._compressed = frame.opcode, frame.compressed
        self._fragments.append(frame.payload)
        self._size += len(frame.payload)
        if self._size > self._max_size:
            raise RemoteProtocolError(f"message of more than {self._max_size} bytes")
        if not frame.fin:
            return None
        opcode, payload = self._opcode, b"".join(self._fragments)
        self._opcode, self._fragments, self._size = None, [], 0
        if self._compressed and self._inflater is not None:
            payload = self._inflater.inflate(payload, self._max_size)
        return _decode_text(payload) if opcode is Opcode.TEXT else payload


def _decode_text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(f"text frame is not UTF-8 at byte {error.start}") from None


def new_key() -> str:
    """A fresh `Sec-WebSocket-Key`."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def accept_key(key: str) -> str:
    """The `Sec-WebSocket-Accept` that answers `key`."""
    if not key.isascii():
        raise LocalProtocolError("Sec-WebSocket-Key is not ASCII")
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + _GUID).digest()).decode("ascii")


def encode_upgrade_request(
    host: str, target: str, key: str, headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """The request that opens a WebSocket. `target` is path and query, `host` the Host header."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise LocalProtocolError("line break in a request line or header")
    try:
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError:
        raise LocalProtocolError("request line or header is not Latin-1") from None


@dataclass(frozen=True, slots=True)
class UpgradeResponse:
    """Status and headers (names in lower case, in order) of the answer to an upgrade request."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str | None:
        """The first header of that lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    def tokens(self, name: str) -> list[str]:
        """The members, in lower case, of all headers of that name, which may be lists."""
        values = [value for key, value in self.headers if key == name]
        return [token.strip(" \t").lower() for value in values for token in value.split(",")]


# RFC 9110, section 5.6.2: what a header name may be made of.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_BREAKERS = re.compile(r"[\r\n\0]")


def decode_response_head(head: bytes) -> UpgradeResponse:
    """Decodes the head of a response, without the empty line. Raises RemoteProtocolError."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ", 2)
    version_known = parts[0] in ("HTTP/1.1", "HTTP/1.0")
    if len(parts) < 2 or not version_known or not _is_status(parts[1]) or _LINE_BREAKERS.search(lines[0]):
        raise RemoteProtocolError(f"status line {lines[0][:60]!r}")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or _LINE_BREAKERS.search(value):
            raise RemoteProtocolError(f"header line {line[:60]!r}")
        headers.append((name.lower(), value.strip(" \t")))
    return UpgradeResponse(int(parts[1]), parts[2] if len(parts) > 2 else "", tuple(headers))


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit()


def check_upgrade_response(response: UpgradeResponse, key: str, *, offers_extensions: bool = False) -> None:
    """Raises RemoteProtocolError if `response` does not open the WebSocket that `key` asked for.

    With `offers_extensions` the caller looks at the extensions itself.
    """
    if response.status != 101:
        raise RemoteProtocolError(f"status {response.status} where 101 is due")
    if (response.header("upgrade") or "").lower() != "websocket":
        raise RemoteProtocolError("101 without `Upgrade: websocket`")
    if "upgrade" not in response.tokens("connection"):
        raise RemoteProtocolError("101 without `Connection: Upgrade`")
    if response.header("sec-websocket-accept") != accept_key(key):
        raise RemoteProtocolError("Sec-WebSocket-Accept does not answer the key")
    if response.header("sec-websocket-extensions") and not offers_extensions:
        raise RemoteProtocolError("an extension that was not offered")
    if response.header("sec-websocket-protocol"):
        raise RemoteProtocolError("a subprotocol that was not offered")
