"""Engine.IO 3 packets and polling payloads: text and bytes to values and back.

The names are those of `sioprobe.wire.engineio`. It differs from revision 4 in how binary data and several
packets are written (and in who sends the pings, which is not the codec's matter):

* over WebSocket a binary message starts with a byte for its type;
* in a text payload the length comes before each packet, in UTF-16 code units, and binary data is base64;
* a binary payload has `<0 text | 1 binary><digits, a byte each><255>` before each packet, whose length counts
  bytes.

No sockets, no clocks, no HTTP. Decoding is strict, because it judges what others send.
Spec: Engine.IO protocol, revision 3.
"""

from __future__ import annotations

import binascii
import contextlib
from collections.abc import Iterable, Iterator

from sioprobe.wire import engineio
from sioprobe.wire.engineio import EnginePacket, EnginePacketType, OpenData
from sioprobe.wire.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "decode_open",
    "decode_packet",
    "decode_payload",
    "encode_binary_payload",
    "encode_binary_record",
    "encode_packet",
    "encode_payload",
    "split_payload",
    "utf16_length",
]

# No body can be so long that its length has more digits.
MAX_DIGITS = 15
_END_OF_LENGTH = 0xFF
_DIGITS = "0123456789"


def encode_packet(packet: EnginePacket) -> str | bytes:
    """One WebSocket message: str for a text frame, bytes (type and data) for a binary one."""
    message = engineio.encode_packet(packet)
    return message if isinstance(message, str) else bytes((packet.type,)) + message


def decode_packet(message: str | bytes) -> EnginePacket:
    """The packet of one WebSocket message, or of one packet of a payload. Raises RemoteProtocolError.

    Text that starts with `b` is a type and base64, for a peer that cannot take binary.
    """
    if isinstance(message, str):
        return _decode_base64(message) if message[:1] == "b" else engineio.decode_packet(message)
    if not message:
        raise RemoteProtocolError("empty packet")
    if message[0] != EnginePacketType.MESSAGE:
        raise RemoteProtocolError(f"binary packet of type {message[0]:#04x}, only MESSAGE is binary")
    return EnginePacket(EnginePacketType.MESSAGE, bytes(message[1:]))


def _decode_base64(message: str) -> EnginePacket:
    if message[1:2] != "4":
        raise RemoteProtocolError(f"binary packet of type {message[1:2]!r}, only MESSAGE is binary")
    try:
        data = binascii.a2b_base64(message[2:].encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise RemoteProtocolError(f"binary packet is not base64: {error}") from None
    return EnginePacket(EnginePacketType.MESSAGE, data)


def utf16_length(text: str) -> int:
    """The length of `text` as JavaScript counts it: characters beyond U+FFFF count twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def encode_payload(packets: Iterable[EnginePacket]) -> str:
    """The text body of one poll or push. Binary data becomes `b4` and base64."""
    records = []
    for packet in packets:
        record = engineio.encode_packet(packet)
        if isinstance(record, bytes):
            record = "b4" + binascii.b2a_base64(record, newline=False).decode("ascii")
        records.append(f"{utf16_length(record)}:{record}")
    if not records:
        raise LocalProtocolError("a payload without packets")
    return "".join(records)


def encode_binary_payload(packets: Iterable[EnginePacket]) -> bytes:
    """The binary body of one poll or push: for `Content-Type: application/octet-stream`."""
    records = [encode_binary_record(encode_packet(packet)) for packet in packets]
    if not records:
        raise LocalProtocolError("a payload without packets")
    return b"".join(records)


def encode_binary_record(message: str | bytes) -> bytes:
    """One packet of a binary payload, with its length before it."""
    record = message if isinstance(message, bytes) else message.encode("utf-8")
    digits = bytes(map(int, str(len(record))))
    return bytes((isinstance(message, bytes),)) + digits + bytes((_END_OF_LENGTH,)) + record


def decode_payload(body: str | bytes, *, binary: bool = False) -> Iterator[EnginePacket]:
    """The packets of a polling body, in order, at least one.

    `binary` says that the body came as `application/octet-stream`; otherwise it is text in UTF-8.
    Raises RemoteProtocolError where the first wrong packet would come.
    """
    return map(decode_packet, split_payload(body, binary=binary))


def split_payload(body: str | bytes, *, binary: bool = False) -> Iterator[str | bytes]:
    """The messages of a polling body, of which `decode_packet` makes packets.

    Raises RemoteProtocolError where no further message can be read.
    """
    if not body:
        raise RemoteProtocolError("empty payload")
    if binary:
        if isinstance(body, str):
            raise RemoteProtocolError("text where a binary payload is due")
        yield from _split_binary(bytes(body))
    elif isinstance(body, str):
        yield from _split_text(body)
    else:
        yield from _split_utf8(bytes(body))


def _split_utf8(body: bytes) -> Iterator[str]:
    """The packets of a text payload, up to the first byte that is not UTF-8."""
    try:
        whole = body.decode("utf-8")
    except UnicodeDecodeError as error:
        with contextlib.suppress(RemoteProtocolError):  # of the packet that ends there too early
            yield from _split_text(body[: error.start].decode("utf-8"))
        raise RemoteProtocolError(f"payload is not UTF-8 at byte {error.start}") from None
    yield from _split_text(whole)


def _split_text(body: str) -> Iterator[str]:
    """The packets of a text payload. Checks their lengths."""
    # Two bytes a code unit: a length that ends between the halves of a pair must be an error.
    units = body.encode("utf-16-le", "surrogatepass")
    position = 0
    while position < len(body):
        digits, colon, _ = body[position : position + MAX_DIGITS + 1].partition(":")
        if not colon:
            raise RemoteProtocolError(f"no length in front of a packet: {body[position : position + 20]!r}")
        position += len(digits) + 1
        rest = units[2 * (len(digits) + 1) :]
        size = 2 * _length(digits)
        if size > len(rest):
            raise RemoteProtocolError(f"packet of length {digits} in a payload that holds {len(rest) // 2}")
        try:
            record = rest[:size].decode("utf-16-le")
        except UnicodeDecodeError:
            raise RemoteProtocolError(f"length {digits} ends inside of a character") from None
        position += len(record)
        units = rest[size:]
        yield record


def _split_binary(body: bytes) -> Iterator[str | bytes]:
    """The packets of a binary payload: text ones as str, binary ones as bytes."""
    position = 0
    while position < len(body):
        kind = body[position]
        end = body.find(_END_OF_LENGTH, position + 1, position + MAX_DIGITS + 2)
        if kind > 1:
            raise RemoteProtocolError(f"packet that starts with byte {kind:#04x}, neither text nor binary")
        if end < 0:
            raise RemoteProtocolError("length of a packet without its end")
        length = _length("".join(_DIGITS[byte] if byte < 10 else "?" for byte in body[position + 1 : end]))
        record = body[end + 1 : end + 1 + length]
        if len(record) < length:
            raise RemoteProtocolError(f"packet of length {length} in a payload that holds {len(record)}")
        position = end + 1 + length
        if kind:
            yield record
            continue
        try:
            yield record.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(f"text packet is not UTF-8 at byte {error.start}") from None


def _length(digits: str) -> int:
    if not digits or any(digit not in _DIGITS for digit in digits) or digits.startswith("0"):
        raise RemoteProtocolError(f"length {digits!r} is no number of 1 or more")
    return int(digits)


def decode_open(packet: EnginePacket) -> OpenData:
    """What the handshake says. `max_payload` is 0 unless the server names it.

    Raises RemoteProtocolError naming the key that is wrong.
    """
    return engineio.decode_open(packet, revision=3)
