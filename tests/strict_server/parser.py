"""Socket.IO 5 packets with their attachments, text and bytes to values and back.

It leaves out what a packet means in its context, which is the client's business (socketio.py).
Stricter than the reference where the specification is: an EVENT or ACK without an array is refused.
"""

import json
import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final

from tests.strict_server.faults import Faults
from tests.strict_server.packets import IgnoredPacket, PacketError

MAIN_NAMESPACE = "/"
MAX_ATTACHMENTS = 10
RESERVED_EVENTS = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)


class _Nothing:
    """The data of a packet that carries none (JSON null is data)."""


NOTHING: Final = _Nothing()


class SocketType(IntEnum):
    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


BINARY_TYPES = (SocketType.BINARY_EVENT, SocketType.BINARY_ACK)


@dataclass(frozen=True, slots=True)
class SocketPacket:
    """`data` may hold bytes anywhere once decoded; `attachments` counts those that belong to it."""

    type: SocketType
    namespace: str = MAIN_NAMESPACE
    data: Any = NOTHING
    ack_id: int | None = None
    attachments: int = 0


class Decoder:
    """Messages of one session to packets. A packet with attachments is done when the last has come."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._header: SocketPacket | None = None
        self._attachments: list[bytes] = []

    def add(self, message: str | bytes) -> SocketPacket | None:
        """The packet that this message completes, or None. Raises PacketError."""
        if isinstance(message, bytes):
            return self._add_attachment(message)
        if self._header is not None:
            if self._faults("text-between-attachments-is-accepted"):
                return decode_header(message, self._faults)
            raise PacketError("text instead of an attachment")
        packet = decode_header(message, self._faults)
        if not packet.attachments:
            if self._faults("placeholder-in-an-event-is-replaced"):
                return replace(packet, data=self._fill(packet.data, [], 0))
            return packet
        self._header = packet
        return None

    def forget(self) -> None:
        self._header = None
        self._attachments = []

    def _add_attachment(self, attachment: bytes) -> SocketPacket | None:
        if self._header is None:
            if self._faults("attachment-without-a-header-is-ignored"):
                return None
            raise PacketError("attachment without a header")
        if not attachment and self._faults("empty-attachment-is-refused"):
            raise PacketError("empty attachment")
        self._attachments.append(attachment)
        if len(self._attachments) < self._header.attachments:
            return None
        header, attachments = self._header, self._attachments
        self.forget()
        if self._faults("attachments-are-taken-in-reverse"):
            attachments.reverse()
        return replace(header, data=self._fill(header.data, attachments, 0))

    def _fill(self, data: Any, attachments: list[bytes], depth: int) -> Any:
        """`data` with each placeholder replaced by its attachment."""
        if depth > 2 and self._faults("deep-placeholders-stay"):
            return data
        if isinstance(data, list):
            return [self._fill(item, attachments, depth + 1) for item in data]
        if not isinstance(data, dict):
            return data
        if data.get("_placeholder") is True and self._is_placeholder(data):
            return attachments[self._placeholder_number(data.get("num"), len(attachments))]
        return {key: self._fill(value, attachments, depth + 1) for key, value in data.items()}

    def _is_placeholder(self, data: dict[str, Any]) -> bool:
        return not self._faults("placeholder-needs-its-keys-in-order") or next(iter(data)) == "_placeholder"

    def _placeholder_number(self, number: Any, count: int) -> int:
        is_number = isinstance(number, int) and not isinstance(number, bool)
        if self._faults("negative-placeholder-counts-from-the-end") and is_number and -count <= number < 0:
            return int(number)
        if self._faults("placeholder-out-of-range-is-the-last"):
            return min(number, count - 1) if is_number and number >= 0 else count - 1
        if not is_number or not 0 <= number < count:
            raise PacketError(f"placeholder {number!r} of {count} attachments")
        return int(number)


def decode_header(text: str, faults: Faults) -> SocketPacket:
    """The packet that `text` holds, its attachments still missing. Raises PacketError."""
    if not text or text[0] not in "0123456":
        if faults("unknown-socket-packet-is-ignored"):
            raise IgnoredPacket
        raise PacketError(f"unknown packet type {text[:1]!r}")
    kind, at = SocketType(int(text[0])), 1
    attachments = 0
    if kind in BINARY_TYPES:
        attachments, at = _decode_count(text, faults)
    elif faults("event-may-announce-attachments") and text[1:].split("-")[0].isdecimal() and "-" in text:
        at = text.index("-") + 1
    namespace, at = _decode_namespace(text, at, faults)
    digits = _leading_digits(text, at)
    ack_id = int(digits[:100]) if digits else None
    if ack_id is not None and faults("ack-ids-have-32-bits"):
        ack_id %= 2**32
    at += len(digits)
    data = _decode_json(text[at:], faults) if at < len(text) else NOTHING
    _check_data(kind, data, faults)
    return SocketPacket(kind, namespace, data, ack_id, attachments)


def _leading_digits(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return text[at:end]


def _decode_count(text: str, faults: Faults) -> tuple[int, int]:
    digits = _leading_digits(text, 1)
    at = 1 + len(digits)
    if faults("attachment-count-may-be-missing") and text[at : at + 1] != "-":
        return 1, 1
    if not digits or len(digits) > 6 or text[at : at + 1] != "-":
        raise PacketError("no attachment count")
    count = int(digits)
    if count == 0 and not faults("accepts-zero-attachments"):
        raise PacketError("no attachments announced")
    if count > MAX_ATTACHMENTS and not faults("attachments-are-not-limited"):
        raise PacketError("too many attachments")
    return count, at + 1


def _decode_namespace(text: str, at: int, faults: Faults) -> tuple[str, int]:
    if text[at : at + 1] != "/":
        return MAIN_NAMESPACE, at
    if faults("namespaces-ignore-case"):
        text = text.lower()
    end = text.find(",", at)
    if faults("question-mark-ends-a-namespace") and "?" in text[at : max(end, at)]:
        return text[at : text.index("?", at)], end + 1
    if end < 0:
        if faults("namespace-needs-its-comma"):
            raise PacketError("namespace without a comma")
        return text[at:], len(text)
    return text[at:end], end + 1


def _decode_json(text: str, faults: Faults) -> Any:
    try:
        return json.loads(text, parse_constant=_keep_constant if faults("accepts-nan") else _refuse_constant)
    except (ValueError, RecursionError) as error:
        if faults("accepts-data-after-the-json") and "]" in text:
            return _decode_json(text[: text.rindex("]") + 1], Faults())
        if faults("wrong-json-is-ignored"):
            raise IgnoredPacket from error
        raise PacketError("data is not JSON") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _keep_constant(name: str) -> Any:
    return float(name)


def _check_data(kind: SocketType, data: Any, faults: Faults) -> None:
    wrong = False
    if kind is SocketType.CONNECT:
        wrong = data is not NOTHING and not isinstance(data, dict)
        wrong = wrong and not faults("connect-data-may-be-anything")
    elif kind is SocketType.DISCONNECT:
        wrong = data is not NOTHING and not faults("disconnect-may-carry-data")
    elif kind in (SocketType.EVENT, SocketType.BINARY_EVENT):
        wrong = not _is_event(data, faults)
    elif kind in (SocketType.ACK, SocketType.BINARY_ACK):
        wrong = not isinstance(data, list) and not faults("ack-data-may-be-anything")
    if wrong and kind is SocketType.CONNECT and faults("broken-connect-is-ignored"):
        raise IgnoredPacket
    if wrong:
        raise PacketError(f"wrong data of {kind.name}")


def _is_event(data: Any, faults: Faults) -> bool:
    if data == [] and faults("empty-event-is-ignored"):
        return True
    if not isinstance(data, list):
        return faults("event-that-is-no-array-is-ignored")
    if not data:
        return False
    name = data[0]
    if isinstance(name, bool) or not isinstance(name, (str, int, float)):
        return faults("event-name-may-be-anything")
    return name not in RESERVED_EVENTS or faults("reserved-event-is-accepted")


def encode(packet: SocketPacket, faults: Faults) -> list[str | bytes]:
    """The text of a packet and its attachments, in the order in which they are sent."""
    attachments: list[bytes] = []
    data = packet.data if packet.data is NOTHING else _take_out(packet.data, attachments, faults)
    kind = packet.type
    if faults("every-event-is-a-binary-event") and kind is SocketType.EVENT:
        return [
            _encode_text(replace(packet, type=SocketType.BINARY_EVENT), data, len(attachments)),
            *attachments,
        ]
    if attachments:
        kind = SocketType.BINARY_ACK if kind is SocketType.ACK else SocketType.BINARY_EVENT
        if faults("binary-ack-has-the-type-of-an-event"):
            kind = SocketType.BINARY_EVENT
    count = len(attachments) + (1 if faults("attachment-count-is-one-too-high") else 0)
    if faults("attachments-are-sent-in-reverse"):
        attachments.reverse()
    return [_encode_text(replace(packet, type=kind), data, count), *attachments]


def _take_out(data: Any, attachments: list[bytes], faults: Faults) -> Any:
    if isinstance(data, bytes):
        if faults("bytes-become-text"):
            return data.decode("latin-1")
        attachments.append(data)
        if faults("placeholders-count-from-one"):
            return {"_placeholder": True, "num": len(attachments)}
        if faults("placeholders-lack-their-mark"):
            return {"num": len(attachments) - 1}
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(data, (list, tuple)):
        return [_take_out(item, attachments, faults) for item in data]
    if isinstance(data, dict):
        if faults("binary-in-objects-becomes-text"):
            data = {k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in data.items()}
        if faults("keys-become-lower-case"):
            data = {key.lower(): value for key, value in data.items()}
        return {key: _take_out(value, attachments, faults) for key, value in data.items()}
    if isinstance(data, float) and not math.isfinite(data) and not faults("accepts-nan"):
        # As the reference's JSON.stringify does: JSON has no infinity.
        return None
    return _change(data, faults)


def _change(value: Any, faults: Faults) -> Any:
    """A JSON scalar as it goes out: itself, but for a fault."""
    if value is None and faults("null-becomes-false"):
        return False
    if isinstance(value, bool):
        return int(value) if faults("booleans-become-numbers") else value
    if isinstance(value, (int, float)) and faults("numbers-become-text"):
        return str(value)
    if isinstance(value, float) and faults("fractions-are-cut-off"):
        return int(value)
    if isinstance(value, str):
        if faults("text-beyond-ascii-becomes-question-marks"):
            return value.encode("ascii", "replace").decode()
        if value == "" and faults("empty-text-becomes-null"):
            return None
        if faults("text-ends-at-nul"):
            return value.partition("\0")[0]
    return value


def _encode_text(packet: SocketPacket, data: Any, attachments: int) -> str:
    count = f"{attachments}-" if packet.type in BINARY_TYPES else ""
    namespace = "" if packet.namespace == MAIN_NAMESPACE else f"{packet.namespace},"
    ack_id = "" if packet.ack_id is None else str(packet.ack_id)
    return f"{packet.type.value}{count}{namespace}{ack_id}" + ("" if data is NOTHING else dump_json(data))


def dump_json(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    if any("\ud800" <= character <= "\udfff" for character in text):
        # A surrogate on its own has no UTF-8; JSON can still spell it.
        return json.dumps(data, separators=(",", ":"))
    return text


def holds_bytes(value: Any) -> bool:
    """Whether there is binary anywhere in it."""
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(holds_bytes, value)))
