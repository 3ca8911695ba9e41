"""Engine.IO 3 packets in payloads and frames, bytes to values and back.

In a text payload a length stands before each packet, in UTF-16 code units; in a binary one a byte (0 text,
1 binary), the digits of the length in bytes and 255.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator

from tests.strict_server.faults import Faults
from tests.strict_server.packets import EnginePacket, EngineType, PacketError, decode_packet, encode_text

END_OF_LENGTH = 255
# Of a length, in digits: no body of this server's is longer.
MOST_DIGITS = 9


def encode_message(packet: EnginePacket, faults: Faults) -> str | bytes:
    """A packet as one WebSocket message."""
    if isinstance(packet.data, str):
        text = encode_text(packet)
        return text.encode() if faults("text-in-binary-frames") else text
    if faults("binary-frames-without-a-type-byte"):
        return packet.data
    return bytes([packet.type]) + packet.data


def decode_message(message: str | bytes, faults: Faults) -> EnginePacket:
    """One WebSocket message, or one packet of a payload. Raises PacketError."""
    if isinstance(message, str):
        return _decode_text(message, faults)
    if message[:1] != b"\x04":
        raise PacketError(f"binary packet that starts with {message[:1]!r}")
    data = message if faults("binary-frames-keep-their-type-byte") else message[1:]
    return EnginePacket(EngineType.MESSAGE, data)


def _decode_text(text: str, faults: Faults) -> EnginePacket:
    if not text.startswith("b"):
        return decode_packet(text, faults)
    if not text.startswith("b4") or faults("base64-in-a-push-is-refused"):
        raise PacketError(f"binary packet of type {text[1:2]!r}")
    try:
        return EnginePacket(EngineType.MESSAGE, base64.b64decode(text[2:], validate=True))
    except (binascii.Error, ValueError) as error:
        raise PacketError(f"not base64: {text[:40]!r}") from error


def encode_body(
    packets: Iterable[EnginePacket], takes_binary: bool, faults: Faults, *, always_binary: bool = False
) -> str | bytes:
    """The body of a poll's answer: bytes when it must be binary, or may be and `always_binary`."""
    packets = list(packets)
    takes_binary = takes_binary or faults("b64-is-ignored")
    has_binary = any(isinstance(packet.data, bytes) for packet in packets)
    if takes_binary and (has_binary or always_binary) and not faults("binary-payload-is-base64"):
        return b"".join(_encode_binary(packet, faults) for packet in packets)
    if faults("packets-follow-a-separator") and len(packets) > 1 and packets[0].type is not EngineType.OPEN:
        return "\x1e".join(_encode_text(packet, faults) for packet in packets)
    return "".join(_with_length(_encode_text(packet, faults), faults) for packet in packets)


def _encode_text(packet: EnginePacket, faults: Faults) -> str:
    if isinstance(packet.data, str):
        return encode_text(packet)
    prefix = "b" if faults("base64-without-the-type-digit") else "b4"
    return prefix + base64.b64encode(packet.data).decode()


def _with_length(text: str, faults: Faults) -> str:
    length = len(text.encode("utf-16-le")) // 2
    if faults("length-counts-bytes"):
        length = len(text.encode())
    if faults("length-counts-characters"):
        length = len(text)
    if faults("payload-has-no-lengths"):
        return text
    return f"{length}:{text}"


def _encode_binary(packet: EnginePacket, faults: Faults) -> bytes:
    message = encode_message(packet, faults)
    record = message.encode() if isinstance(message, str) else message
    length = len(record)
    if faults("binary-length-leaves-out-the-type"):
        length -= 1
    digits = str(length).encode() if faults("binary-length-in-ascii") else bytes(map(int, str(length)))
    return bytes([isinstance(message, bytes)]) + digits + bytes([END_OF_LENGTH]) + record


def decode_body(body: bytes, is_binary: bool, faults: Faults) -> Iterator[EnginePacket]:
    """The packets of a push one by one, so that those before a wrong one are still processed.

    Raises PacketError at the first wrong packet, UnicodeDecodeError when text is not UTF-8.
    """
    if not body:
        raise PacketError("empty payload")
    messages = _split_binary(body, faults) if is_binary else _split_text(body.decode(), faults)
    for message in messages:
        yield decode_message(message, faults)
        if faults("only-the-first-packet-is-taken"):
            return


def _split_text(text: str, faults: Faults) -> Iterator[str]:
    while text:
        digits, colon, rest = text.partition(":")
        if not colon or not digits or len(digits) > MOST_DIGITS or digits.strip("0123456789"):
            raise PacketError(f"no length: {text[:20]!r}")
        message, text = _cut(rest, int(digits), faults)
        yield message


def _cut(text: str, length: int, faults: Faults) -> tuple[str, str]:
    """The first `length` code units, and the rest."""
    width, encoding = 2, "utf-16-le"
    if faults("reads-length-as-bytes"):
        width, encoding = 1, "utf-8"
    if faults("reads-length-as-characters"):
        width, encoding = 4, "utf-32-le"
    units = text.encode(encoding)
    if len(units) < width * length:
        raise PacketError(f"packet of length {length} in a shorter payload")
    return units[: width * length].decode(encoding), units[width * length :].decode(encoding)


def _split_binary(body: bytes, faults: Faults) -> Iterator[str | bytes]:
    while body:
        head, end, rest = body.partition(bytes([END_OF_LENGTH]))
        digits = head[1:]
        if head[:1] not in (b"\0", b"\1") or not end or not digits or len(digits) > MOST_DIGITS:
            raise PacketError("no head of a packet in a binary payload")
        if any(digit > 9 for digit in digits):
            raise PacketError("length of other bytes than 0 to 9")
        length = int("".join(map(str, digits)))
        if len(rest) < length:
            raise PacketError(f"packet of length {length} in a shorter payload")
        record, body = rest[:length], rest[length:]
        encoding = "latin-1" if faults("binary-payload-text-is-latin-1") else "utf-8"
        yield record if head[0] else record.decode(encoding)
