"""Engine.IO 4 packets and polling payloads: text and bytes to values and back.

No sockets, no clocks, no HTTP. Decoding is strict, because it judges what others send.
Spec: Engine.IO protocol, revision 4, without WebTransport.
"""

from __future__ import annotations

import binascii
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from json.scanner import make_scanner
from typing import Any

from sioprobe.wire.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "RECORD_SEPARATOR",
    "EnginePacket",
    "EnginePacketType",
    "OpenData",
    "decode_open",
    "decode_packet",
    "decode_payload",
    "encode_open",
    "encode_packet",
    "encode_payload",
]

RECORD_SEPARATOR = "\x1e"
_SEPARATOR = RECORD_SEPARATOR.encode()


class EnginePacketType(IntEnum):
    """The digit that starts a text packet."""

    OPEN = 0
    CLOSE = 1
    PING = 2
    PONG = 3
    MESSAGE = 4
    UPGRADE = 5
    NOOP = 6


_TYPE_BY_DIGIT = {str(int(kind)): kind for kind in EnginePacketType}
_DIGIT_BY_TYPE = {kind: digit for digit, kind in _TYPE_BY_DIGIT.items()}


@dataclass(frozen=True, slots=True)
class EnginePacket:
    """One Engine.IO packet. `data` is bytes only in a MESSAGE."""

    type: EnginePacketType
    data: str | bytes = ""


@dataclass(frozen=True, slots=True)
class OpenData:
    """What the OPEN packet says. Times in milliseconds, `max_payload` in bytes (0: the packet names none).

    `extra` holds the keys that the spec does not name, so that a judge can report them.
    """

    session_id: str
    upgrades: tuple[str, ...]
    ping_interval: int | float
    ping_timeout: int | float
    max_payload: int | float
    extra: tuple[str, ...] = ()


def encode_packet(packet: EnginePacket) -> str | bytes:
    """One WebSocket message: str for a text frame, bytes for a binary one."""
    data = packet.data
    if isinstance(data, str):
        if not is_utf8(data):
            raise LocalProtocolError("lone surrogate in the data of a text packet")
        return _DIGIT_BY_TYPE[packet.type] + data
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise LocalProtocolError(f"data of type {type(data).__name__} in a {packet.type.name} packet")
    if packet.type is not EnginePacketType.MESSAGE:
        raise LocalProtocolError(f"binary data in a {packet.type.name} packet")
    return bytes(data)


def decode_packet(message: str | bytes) -> EnginePacket:
    """The packet of one WebSocket message. Raises RemoteProtocolError."""
    if not isinstance(message, str):
        return EnginePacket(EnginePacketType.MESSAGE, bytes(message))
    if not message:
        raise RemoteProtocolError("empty packet")
    # A look-up, because int() takes the digits of every script.
    kind = _TYPE_BY_DIGIT.get(message[0])
    if kind is None:
        raise RemoteProtocolError(f"unknown packet type {message[0]!r}")
    return EnginePacket(kind, message[1:])


def encode_payload(packets: Iterable[EnginePacket]) -> str:
    """The body of one poll or push. Binary data becomes `b` and base64."""
    records = []
    for packet in packets:
        record = encode_packet(packet)
        if isinstance(record, bytes):
            record = "b" + binascii.b2a_base64(record, newline=False).decode("ascii")
        elif RECORD_SEPARATOR in record:
            # The protocol has no escape for it, so the receiver would split the packet in two.
            raise LocalProtocolError("record separator in the data of a text packet")
        records.append(record)
    if not records:
        raise LocalProtocolError("a payload without packets")
    return RECORD_SEPARATOR.join(records)


def decode_payload(body: str | bytes) -> Iterator[EnginePacket]:
    """The packets of a polling body, in order, at least one.

    Raises RemoteProtocolError where the first wrong packet would come.
    """
    if isinstance(body, str):
        for record in body.split(RECORD_SEPARATOR):
            yield _decode_record(record)
        return
    position = 0
    for part in bytes(body).split(_SEPARATOR):
        try:
            record = part.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(f"payload is not UTF-8 at byte {position + error.start}") from None
        yield _decode_record(record)
        position += len(part) + 1


def _decode_record(record: str) -> EnginePacket:
    if record[:1] != "b":
        return decode_packet(record)
    try:
        data = binascii.a2b_base64(record[1:].encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise RemoteProtocolError(f"binary packet is not base64: {error}") from None
    return EnginePacket(EnginePacketType.MESSAGE, data)


def encode_open(opened: OpenData) -> EnginePacket:
    """The OPEN packet with these values (`extra` cannot be encoded and must be empty)."""
    if opened.extra:
        raise LocalProtocolError("an OPEN packet with keys that the protocol does not name")
    data = {
        "sid": opened.session_id,
        "upgrades": list(opened.upgrades),
        "pingInterval": opened.ping_interval,
        "pingTimeout": opened.ping_timeout,
        "maxPayload": opened.max_payload,
    }
    try:
        packet = EnginePacket(EnginePacketType.OPEN, json.dumps(data, separators=(",", ":")))
        decode_open(packet)
    except (TypeError, ValueError) as error:  # RemoteProtocolError among them
        raise LocalProtocolError(str(error)) from None
    return packet


def decode_open(packet: EnginePacket, *, revision: int = 4) -> OpenData:
    """What the handshake says. Raises RemoteProtocolError naming the key that is wrong.

    Revision 3 does not ask for maxPayload, but some servers name it.
    """
    if packet.type is not EnginePacketType.OPEN or not isinstance(packet.data, str):
        raise RemoteProtocolError(f"{packet.type.name} packet where OPEN is due")
    data = decode_json(packet.data)
    if not isinstance(data, dict):
        raise RemoteProtocolError("data of the OPEN packet is not an object")
    session_id = data.get("sid")
    if not isinstance(session_id, str) or not session_id:
        raise RemoteProtocolError("sid of the OPEN packet is not a non-empty string")
    upgrades = data.get("upgrades")
    if not isinstance(upgrades, list) or not all(isinstance(name, str) for name in upgrades):
        raise RemoteProtocolError("upgrades of the OPEN packet is not an array of strings")
    known = ("sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload")
    return OpenData(
        session_id=session_id,
        upgrades=tuple(upgrades),
        ping_interval=_number(data, "pingInterval"),
        ping_timeout=_number(data, "pingTimeout"),
        max_payload=_number(data, "maxPayload") if revision > 3 or "maxPayload" in data else 0,
        extra=tuple(key for key in data if key not in known),
    )


def _number(data: dict[str, Any], key: str) -> int | float:
    value = data.get(key)
    # The upper bound keeps out 1e999, which JSON allows and no clock can wait for.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= sys.float_info.max:
        raise RemoteProtocolError(f"{key} of the OPEN packet is not a finite number of 0 or more")
    return value


def is_utf8(text: str) -> bool:
    """Whether `text` can be written in UTF-8. A lone surrogate cannot."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def decode_json(text: str) -> Any:
    """Strict JSON: no NaN, no Infinity, nothing behind the value. Raises RemoteProtocolError."""
    try:
        try:
            # `decode` also looks for white space around the value, which is seldom there.
            value, end = _scan_json(text, 0)
            if end == len(text):
                return value
        except StopIteration:
            pass
        return _JSON.decode(text)
    except RemoteProtocolError:
        raise
    except RecursionError:
        raise RemoteProtocolError("json is nested too deeply") from None
    except ValueError as error:  # JSONDecodeError, and integers of more digits than int() takes
        raise RemoteProtocolError(f"invalid json: {error}") from None


def _refuse_constant(name: str) -> Any:
    raise RemoteProtocolError(f"invalid json: {name}")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
_scan_json: Any = make_scanner(_JSON)  # type: ignore[arg-type]
