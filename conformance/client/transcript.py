"""What went over the wire in one case: time, direction, layer, raw text and its meaning.

Only the last entries are kept. Whoever reads the transcript sees names in place of session and socket ids.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field

from conformance.client.steps import Attempt, Step
from sioprobe.commandline.redaction import redacted
from sioprobe.wire import (
    EnginePacket,
    EnginePacketType,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    decode_packet,
)

__all__ = [
    "RECORDING",
    "TO_CLIENT",
    "TO_SERVER",
    "Entry",
    "Recording",
    "describe",
    "describe_engine",
    "quoted",
    "shown",
]

TO_SERVER = "C→S"
TO_CLIENT = "S→C"

ENTRIES = 200  # enough for all cases but bursts, where the middle says nothing
RAW_LENGTH = 300
SHOWN_BYTES = 24
UNNAMED_SID = re.compile(r"""(["']sid["']:\s?["'])(?!<)[^"']{8,}""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was sent or received. `time` in seconds since the case began."""

    time: float
    direction: str
    layer: str
    meaning: str
    raw: str


@dataclass(slots=True)
class Recording:
    """The transcript of one case. `secrets` are what the user gave.

    `opened` are the sessions and WebSockets of the case.
    """

    secrets: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=ENTRIES))
    opened: list[object] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    in_vain: bool = False  # something was waited for, and did not come in time
    _secrets: dict[str, str] = field(default_factory=dict)

    def add(self, direction: str, layer: str, raw: str | bytes, meaning: str = "") -> None:
        """Record one thing; bytes are shown as hexadecimal."""
        text = raw if isinstance(raw, str) else f"<{len(raw)} bytes> {raw[:24].hex(' ')}"
        # A secret that is cut in two would no longer be found.
        text, meaning = redacted(text, self.secrets), redacted(meaning, self.secrets)
        if len(text) > RAW_LENGTH:
            text = f"{text[:RAW_LENGTH]}… ({len(text)} characters)"
        elapsed = round(time.monotonic() - self.started, 4)
        self.entries.append(Entry(elapsed, direction, layer, meaning[:RAW_LENGTH], text))

    def attempt(self, step: Step, where: str, revision: int, failure: object = None) -> None:
        """Note a step of a client. Without `failure` it worked."""
        told = None if failure is None else str(failure)
        self.attempts.append(Attempt(step, where, revision, told))

    def hide(self, secret: str, name: str) -> None:
        """Replace `secret` by `<name>` wherever it was or will be recorded."""
        if len(secret) >= 8:  # a shorter one would hide innocent text
            self._secrets.setdefault(secret, f"<{name}>")

    def redact(self, text: str) -> str:
        """`text` without the secrets, session ids and socket ids."""
        text = redacted(text, self.secrets)
        for secret, name in self._secrets.items():
            text = text.replace(secret, name)
        # A session that no case holds, such as one that a wrong handshake opened.
        return UNNAMED_SID.sub(r"\1<another sid>", text)

    def read(self) -> list[Entry]:
        """The entries, redacted."""
        return [
            Entry(e.time, e.direction, e.layer, self.redact(e.meaning), self.redact(e.raw))
            for e in self.entries
        ]


RECORDING: ContextVar[Recording] = ContextVar("recording")


def quoted(data: str | bytes, length: int) -> str:
    """The first `length` characters in quotes, without the user's secrets. Bytes are text if they can be."""
    recording = RECORDING.get(None)
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError:
        return shown(data)
    text = redacted(text, recording.secrets if recording else ())
    return repr(text if len(text) <= length else f"{text[:length]}...")


def shown(value: object) -> str:
    """A value for a reader: data as JSON has it, bytes as `3 bytes 01 02 03`, and none, yes or no."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) else _as_json(value)


def _as_json(value: object) -> str:
    if isinstance(value, bytes):
        dots = "..." if len(value) > SHOWN_BYTES else ""
        return (
            f"{len(value)} byte{'' if len(value) == 1 else 's'} {value[:SHOWN_BYTES].hex(' ')}{dots}".rstrip()
        )
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_as_json(key)}: {_as_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, SocketPacket):
        return describe(value)
    if isinstance(value, EnginePacket):
        return _describe_packet(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def describe(packet: SocketPacket) -> str:
    """A Socket.IO packet in words: `EVENT ["a", 1] in /custom, ack id 3`."""
    text = packet.type.name if packet.data is None else f"{packet.type.name} {_short(packet.data)}"
    if packet.namespace != "/":
        text += f" in {packet.namespace}"
    return text if packet.ack_id is None else f"{text}, ack id {packet.ack_id}"


def describe_engine(message: str | bytes) -> str:
    """A WebSocket message or a record of a payload in words."""
    if isinstance(message, bytes):
        return f"attachment of {len(message)} bytes"
    if message[:1] == "b":
        return "attachment in base64"
    try:
        packet = decode_packet(message)
    except RemoteProtocolError as error:
        return str(error)
    return _describe_packet(packet)


def _describe_packet(packet: EnginePacket) -> str:
    if packet.type is EnginePacketType.OPEN:
        return packet.type.name  # its data is long, and the raw text shows it
    if packet.type is not EnginePacketType.MESSAGE or not isinstance(packet.data, str):
        return f"{packet.type.name} {quoted(packet.data, RAW_LENGTH)}" if packet.data else packet.type.name
    try:
        whole = SocketDecoder().decode(packet.data)
    except RemoteProtocolError as error:
        return f"MESSAGE: {error}"
    return describe(whole) if whole else "binary header"


def _short(value: object) -> str:
    recording = RECORDING.get(None)
    text = redacted(_as_json(value), recording.secrets if recording else ())
    return text if len(text) <= 120 else f"{text[:117]}..."
