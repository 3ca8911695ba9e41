"""Socket.IO 5 packets with binary attachments: text and bytes to values and back.

Works on the data of Engine.IO MESSAGE packets, without the leading `4`.
Decoding is strict: an error here is what makes the JavaScript reference close a session.
Spec: Socket.IO protocol, revision 5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from json import encoder
from typing import Any

from sioprobe.wire.engineio import decode_json, is_utf8
from sioprobe.wire.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "ACKS",
    "EVENTS",
    "MAIN_NAMESPACE",
    "RESERVED_EVENTS",
    "SocketDecoder",
    "SocketPacket",
    "SocketPacketType",
    "encode_packet_of",
    "encode_socket_packet",
]

MAIN_NAMESPACE = "/"

# Names that the official clients and servers use for events of their own.
RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

# A JavaScript peer cannot hold a larger integer exactly.
MAX_ACK_ID = 2**53 - 1


class SocketPacketType(IntEnum):
    """The digit that starts a packet."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6

    @property
    def is_binary(self) -> bool:
        return self in _BINARY


_TYPE_BY_DIGIT = {str(int(kind)): kind for kind in SocketPacketType}
_DIGITS = "".join(_TYPE_BY_DIGIT)
# Every packet needs several of them, and a name of the module is found faster than a member.
_CONNECT, _DISCONNECT, _EVENT, _ACK, _CONNECT_ERROR, _BINARY_EVENT, _BINARY_ACK = SocketPacketType
EVENTS = (_EVENT, _BINARY_EVENT)
ACKS = (_ACK, _BINARY_ACK)
_WITH_ID = EVENTS + ACKS
_BINARY = (_BINARY_EVENT, _BINARY_ACK)


@dataclass(frozen=True, slots=True)
class SocketPacket:
    """One Socket.IO packet.

    `data` is None if the packet has none. It may hold bytes anywhere if the type is binary.
    """

    type: SocketPacketType
    namespace: str = MAIN_NAMESPACE
    data: Any = None
    ack_id: int | None = None


# Raises RemoteProtocolError if a packet of this type may not have this data.
Check = Callable[[SocketPacketType, Any], None]


def encode_socket_packet(packet: SocketPacket) -> tuple[str, list[bytes]]:
    """The text of the packet and its attachments, in the order in which they must follow.

    An EVENT or ACK whose data holds bytes is encoded as its binary counterpart.
    A tuple is written as an array and comes back as a list.
    Raises LocalProtocolError for what the protocol does not allow, and for data that would not come back
    the same: NaN, object keys that are not strings, surrogate pairs written as two characters.
    """
    return encode_checked(packet, _check_data)


def encode_checked(packet: SocketPacket, check: Check) -> tuple[str, list[bytes]]:
    """As `encode_socket_packet`, with the rules of another revision about data."""
    return encode_packet_of(packet.type, packet.namespace, packet.data, packet.ack_id, check)


def encode_packet_of(
    kind: SocketPacketType, namespace: str, data: Any, ack_id: int | None, check: Check | None = None
) -> tuple[str, list[bytes]]:
    """As `encode_socket_packet`, of what the packet would hold."""
    attachments: list[bytes] = []
    try:
        if not _is_plain(data):
            given, data = data, _take_attachments(data, attachments)
            if attachments:
                if _has_placeholder(given):
                    raise LocalProtocolError("data holds a literal placeholder beside binary")
                if kind not in _WITH_ID:
                    raise LocalProtocolError(f"binary data in a {kind.name} packet")
                kind = _BINARY_EVENT if kind in EVENTS else _BINARY_ACK
        (check or _check_data)(kind, data)
        head = _encode_head(kind, len(attachments), namespace, ack_id)
        return (head if data is None else head + _encode_json(data)), attachments
    except RecursionError:
        raise LocalProtocolError("data is nested too deeply, or holds itself") from None
    except RemoteProtocolError as error:
        raise LocalProtocolError(str(error)) from None


def _encode_head(kind: SocketPacketType, attachments: int, namespace: str, ack_id: int | None) -> str:
    head = _DIGITS[kind]
    if kind in _BINARY:
        if not attachments:
            raise LocalProtocolError(f"{kind.name} without attachments")
        head += f"{attachments}-"
    if namespace != MAIN_NAMESPACE:
        if not namespace.startswith("/") or "," in namespace or not is_utf8(namespace):
            raise LocalProtocolError(f"namespace {namespace!r} cannot be written")
        head += namespace + ","
    if ack_id is not None:
        if kind not in _WITH_ID:
            raise LocalProtocolError(f"ack id on {kind.name}")
        # The value stays out of the message: int() refuses to print one of 5000 digits.
        if isinstance(ack_id, bool) or not isinstance(ack_id, int) or not 0 <= ack_id <= MAX_ACK_ID:
            raise LocalProtocolError("ack id is not an integer from 0 to 2^53 - 1")
        head += f"{ack_id:d}"
    elif kind in ACKS:
        raise LocalProtocolError(f"{kind.name} without an ack id")
    return head


_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_ASCII_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _make_write() -> Callable[[Any], str]:
    """`_JSON.encode`. The encoder in C, where there is one, is not made anew for each value."""
    make: Any = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return _JSON.encode
    encode = make(None, _JSON.default, encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda data: "".join(encode(data, 0))


_write_json = _make_write()


def _encode_json(data: Any) -> str:
    try:
        text = _write_json(data)
        if is_utf8(text):
            return text
        # JSON can escape a lone surrogate. Two that make a pair would come back as one character.
        if _SPLIT_PAIR.search(text):
            raise LocalProtocolError("surrogate pair written as two characters")
        return _ASCII_JSON.encode(data)
    except LocalProtocolError:
        raise
    except (TypeError, ValueError) as error:
        raise LocalProtocolError(f"data is not JSON: {error}") from None


_SCALARS = frozenset((str, int, float, bool, type(None)))


def _is_plain(value: Any) -> bool:
    """Whether JSON can write the value as it is: no bytes in it, and all keys are strings."""
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        value = value.values()
    elif kind is not list:
        return kind in _SCALARS
    for item in value:  # noqa: SIM110 - every message comes here, and a generator costs twice as much
        if type(item) not in _SCALARS and not _is_plain(item):
            return False
    return True


def _take_attachments(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_take_attachments(item, attachments) for item in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):  # json would write 1 as "1", True as "true"
                raise LocalProtocolError(f"object key of type {type(key).__name__}, not str")
        return {key: _take_attachments(item, attachments) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    return value


def _has_placeholder(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_placeholder, value))
    if isinstance(value, dict):
        return value.get("_placeholder") is True or any(map(_has_placeholder, value.values()))
    return False


class SocketDecoder:
    """Decodes the MESSAGE data of one session, and holds a binary packet until its attachments are there.

    After an error the decoder is as new. The caller decides whether the session goes on.
    """

    @staticmethod
    def check(kind: SocketPacketType, data: Any) -> None:
        """Raises RemoteProtocolError if a packet of this type may not have this data."""
        _check_data(kind, data)

    def __init__(self) -> None:
        self._waiting: SocketPacket | None = None
        self._missing = 0
        self._attachments: list[bytes] = []

    @property
    def missing_attachments(self) -> int:
        """How many binary messages must come before the packet is whole."""
        return self._missing

    def decode(self, data: str | bytes) -> SocketPacket | None:
        """The packet that this data completes, else None. Raises RemoteProtocolError."""
        try:
            return self._decode_text(data) if isinstance(data, str) else self._decode_binary(data)
        except RemoteProtocolError:
            self._forget()
            raise
        except RecursionError:  # json reads deeper than the walk for placeholders can go
            self._forget()
            raise RemoteProtocolError("json is nested too deeply") from None

    def _forget(self) -> None:
        self._waiting, self._missing, self._attachments = None, 0, []

    def _decode_text(self, text: str) -> SocketPacket | None:
        if self._missing:
            raise RemoteProtocolError(f"text where {self._missing} more attachments are due: {text[:40]!r}")
        packet, attachments = _decode_text(text, self.check)
        if not attachments:
            return packet
        self._waiting, self._missing = packet, attachments
        return None

    def _decode_binary(self, data: bytes) -> SocketPacket | None:
        if self._waiting is None:
            raise RemoteProtocolError("binary data where no attachment is due")
        self._attachments.append(bytes(data))
        self._missing -= 1
        if self._missing:
            return None
        packet = _with_attachments(self._waiting, self._attachments)
        self._forget()
        return packet


# type, attachments, namespace, ack id, data. [0-9], because \d takes the digits of every script.
_PACKET = re.compile(r"([0-6])(?:([0-9]{1,9})-)?(?:(/[^,]*)(?:,|$))?([0-9]*)(.*)", re.DOTALL)


def _decode_text(text: str, check: Check) -> tuple[SocketPacket, int]:
    if not text:
        raise RemoteProtocolError("empty packet")
    if text[0] not in _TYPE_BY_DIGIT:
        raise RemoteProtocolError(f"unknown packet type {text[0]!r}")
    match = _PACKET.fullmatch(text)
    if match is None:  # the pattern takes any text that starts with a type
        raise RemoteProtocolError(f"malformed packet {text[:40]!r}")
    digit, count, namespace, ack_digits, data_text = match.groups()
    kind = _TYPE_BY_DIGIT[digit]
    if kind in _BINARY:
        if count is None:
            raise RemoteProtocolError(f"{kind.name} without a number of attachments")
        if int(count) == 0:
            raise RemoteProtocolError(f"{kind.name} without attachments")
    elif count is not None:
        raise RemoteProtocolError(f"number of attachments on {kind.name}")
    ack_id: int | None = None
    if ack_digits:
        if kind not in _WITH_ID:
            raise RemoteProtocolError(f"ack id on {kind.name}")
        if len(ack_digits) > 16 or int(ack_digits) > MAX_ACK_ID:
            raise RemoteProtocolError("ack id beyond 2^53")
        ack_id = int(ack_digits)
    elif kind in ACKS:
        raise RemoteProtocolError(f"{kind.name} without an ack id")
    data = decode_json(data_text) if data_text else None
    if data is None and data_text and kind is not _CONNECT_ERROR:
        raise RemoteProtocolError(f"data of {kind.name} is null")
    check(kind, data)
    return SocketPacket(kind, namespace or MAIN_NAMESPACE, data, ack_id), int(count or 0)


def _check_data(kind: SocketPacketType, data: Any) -> None:
    if kind is _CONNECT:
        if data is not None and not isinstance(data, dict):
            raise RemoteProtocolError("data of CONNECT is not an object")
    elif kind is _DISCONNECT:
        if data is not None:
            raise RemoteProtocolError("DISCONNECT with data")
    elif kind is _CONNECT_ERROR:
        # Socket.IO 4 sends a string, which the reference's parser still takes.
        if not isinstance(data, (dict, str)):
            raise RemoteProtocolError("data of CONNECT_ERROR is neither an object nor a string")
    elif not isinstance(data, list):
        raise RemoteProtocolError(f"data of {kind.name} is not an array")
    elif kind in EVENTS:
        if not data:
            raise RemoteProtocolError(f"data of {kind.name} is an empty array")
        name = data[0]
        if isinstance(name, bool) or not isinstance(name, (str, int, float)):
            raise RemoteProtocolError("event name is neither a string nor a number")
        if name in RESERVED_EVENTS:
            raise RemoteProtocolError(f"event with the reserved name {name!r}")


def _with_attachments(packet: SocketPacket, attachments: list[bytes]) -> SocketPacket:
    data = _put_attachments(packet.data, attachments)
    return SocketPacket(packet.type, packet.namespace, data, packet.ack_id)


def _put_attachments(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, list):
        return [_put_attachments(item, attachments) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is not True:
        return {key: _put_attachments(item, attachments) for key, item in value.items()}
    number = value.get("num")
    if type(number) is not int or not 0 <= number < len(attachments):
        raise RemoteProtocolError(f"placeholder {number!r} of {len(attachments)} attachments")
    return attachments[number]
