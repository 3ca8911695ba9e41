"""Engine.IO 4 packets and polling payloads, text to values and back.

It leaves out Engine.IO 3 (packets3.py) and WebTransport framing.
A binary message has no type of its own on the wire: `b` and base64 in a payload, a binary frame on WebSocket.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from tests.strict_server.faults import Faults

RECORD_SEPARATOR = "\x1e"


class PacketError(ValueError):
    """The peer's text is not an Engine.IO or Socket.IO packet."""


class IgnoredPacket(PacketError):
    """A packet that a fault lets pass without a word."""


class EngineType(IntEnum):
    OPEN = 0
    CLOSE = 1
    PING = 2
    PONG = 3
    MESSAGE = 4
    UPGRADE = 5
    NOOP = 6


@dataclass(frozen=True, slots=True)
class EnginePacket:
    """`data` is bytes for a binary message only."""

    type: EngineType
    data: str | bytes = ""


CLOSE = EnginePacket(EngineType.CLOSE)
NOOP = EnginePacket(EngineType.NOOP)


def encode_text(packet: EnginePacket) -> str:
    """A packet without binary data as it stands in a payload or a text frame."""
    assert isinstance(packet.data, str)
    return f"{packet.type.value}{packet.data}"


def decode_packet(text: str, faults: Faults) -> EnginePacket:
    """A packet from a payload or a text frame; raises PacketError."""
    if text.startswith("b"):
        return EnginePacket(EngineType.MESSAGE, _decode_base64(text[1:], faults))
    digit = text[:1]
    if faults("accepts-unicode-digits") and digit.isdecimal():
        digit = str(int(digit))
    if not digit or digit not in "0123456":
        raise PacketError(f"unknown packet type {digit!r}")
    return EnginePacket(EngineType(int(digit)), text[1:])


def encode_payload(packets: Iterable[EnginePacket], faults: Faults) -> str:
    """The body of a polling response."""
    packets = list(packets)
    if faults("payload-puts-binary-first"):
        packets.sort(key=lambda packet: isinstance(packet.data, str))
    separator = "\n" if faults("payload-joined-by-newline") else RECORD_SEPARATOR
    return separator.join(_encode_in_payload(packet, faults) for packet in packets)


def decode_payload(body: str, faults: Faults) -> Iterator[EnginePacket]:
    """The packets of a polling request one by one, so that those before a wrong one are still processed.

    Raises PacketError at the first wrong packet.
    """
    if faults("accepts-trailing-separator"):
        body = body.removesuffix(RECORD_SEPARATOR)
    for text in body.split(RECORD_SEPARATOR):
        yield decode_packet(text, faults)


def _encode_in_payload(packet: EnginePacket, faults: Faults) -> str:
    if isinstance(packet.data, str):
        return encode_text(packet)
    prefix = "b4" if faults("base64-after-a-type-digit") else "b"
    if faults("base64-in-the-url-alphabet"):
        return prefix + base64.urlsafe_b64encode(packet.data).decode()
    if faults("base64-has-lines"):
        return prefix + base64.encodebytes(packet.data).decode().rstrip("\n")
    encoded = base64.b64encode(packet.data).decode()
    return prefix + (encoded.rstrip("=") if faults("base64-without-padding") else encoded)


def _decode_base64(text: str, faults: Faults) -> bytes:
    try:
        return base64.b64decode(text, validate=not faults("accepts-wrong-base64"))
    except (binascii.Error, ValueError) as error:
        if faults("accepts-wrong-base64"):
            return b""
        raise PacketError(f"not base64: {text[:40]!r}") from error
