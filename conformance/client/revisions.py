"""How a session differs between Engine.IO 4 with Socket.IO 5, and Engine.IO 3 with Socket.IO 4.

How frames and payloads hold packets, who pings, and who connects `/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sioprobe.wire import (
    RECORD_SEPARATOR,
    EnginePacket,
    EnginePacketType,
    OpenData,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    decode_packet,
    decode_payload,
    encode_payload,
    encode_socket_packet,
    engineio3,
    socketio4,
)

__all__ = ["REVISIONS", "REVISION_3", "REVISION_4", "Revision"]


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of Engine.IO (`number`) with its Socket.IO.

    `client_pings`: the client pings, and the server connects `/` by itself. Revision 4 changed both.
    """

    number: int
    socket_io: int
    client_pings: bool
    decode_open: Callable[[EnginePacket], OpenData]
    decode_packet: Callable[[str | bytes], EnginePacket]
    decode_body: Callable[[bytes, bool], Iterator[EnginePacket]]
    records: Callable[[bytes, bool], Iterator[str | bytes]]
    """The messages of a body, for `decode_packet`. Raises RemoteProtocolError for the first wrong one."""
    split: Callable[[str | bytes, bool], list[str | bytes]]
    payload: Callable[[Iterable[str | bytes]], str]
    binary_payload: Callable[[Iterable[str | bytes]], bytes] | None
    frame: Callable[[str | bytes], str | bytes]
    decoder: type[SocketDecoder]
    encode: Callable[[SocketPacket], tuple[str, list[bytes]]]

    @property
    def query(self) -> str:
        """How a request names the revision."""
        return f"EIO={self.number}"

    @property
    def heartbeat(self) -> str:
        """The packet that a client sends to keep its session: its PONG, or its PING."""
        return "2" if self.client_pings else "3"

    @property
    def connects_unasked(self) -> bool:
        """Whether the server connects `/` by itself."""
        return self.client_pings

    def __str__(self) -> str:
        return f"Engine.IO {self.number} with Socket.IO {self.socket_io}"


def _payload_4(packets: Iterable[str | bytes]) -> str:
    """Encoded packets in one body, unchanged. Bytes are the data of a binary message."""
    return RECORD_SEPARATOR.join(
        packet if isinstance(packet, str) else _binary(packet, encode_payload) for packet in packets
    )


def _binary_payload_3(packets: Iterable[str | bytes]) -> bytes:
    """The same for a client that did not ask for base64."""
    return b"".join(map(engineio3.encode_binary_record, map(_frame_3, packets)))


def _payload_3(packets: Iterable[str | bytes]) -> str:
    return "".join(
        f"{engineio3.utf16_length(packet)}:{packet}"
        if isinstance(packet, str)
        else _binary(packet, engineio3.encode_payload)
        for packet in packets
    )


def _frame_3(packet: str | bytes) -> str | bytes:
    return packet if isinstance(packet, str) else b"\x04" + packet


def _binary(data: bytes, encode: Callable[[list[EnginePacket]], str]) -> str:
    return encode([EnginePacket(EnginePacketType.MESSAGE, data)])


def _records_4(body: bytes, _binary: bool) -> Iterator[str | bytes]:
    for part, packet in zip(body.split(RECORD_SEPARATOR.encode()), decode_payload(body), strict=True):
        yield packet.data if isinstance(packet.data, bytes) else part.decode("utf-8")


def _split_4(body: str | bytes, _binary: bool) -> list[str | bytes]:
    """For the transcript: never raises."""
    return [*_text(body).split(RECORD_SEPARATOR)]


def _split_3(body: str | bytes, binary: bool) -> list[str | bytes]:
    """As `_split_4`. The part that cannot be split comes last, in one piece."""
    records: list[str | bytes] = []
    try:
        for record in engineio3.split_payload(body, binary=binary):
            records.append(record)
    except RemoteProtocolError:
        if binary:
            sizes = [len(record if isinstance(record, bytes) else record.encode()) for record in records]
            records.append(body[sum(len(f"?{size}?") + size for size in sizes) :])
        else:
            records.append(_text(body)[len(_payload_3(records)) :])
    return records


def _text(body: str | bytes) -> str:
    return body if isinstance(body, str) else body.decode("utf-8", "replace")


REVISION_4 = Revision(
    number=4,
    socket_io=5,
    client_pings=False,
    # This one does not ask for maxPayload, which came with engine.io 6.2. EIO-HS-11 notices that it is
    # missing, and the other cases still work.
    decode_open=engineio3.decode_open,
    decode_packet=decode_packet,
    decode_body=lambda body, _binary: decode_payload(body),
    records=_records_4,
    split=_split_4,
    payload=_payload_4,
    binary_payload=None,
    frame=lambda packet: packet,
    decoder=SocketDecoder,
    encode=encode_socket_packet,
)

REVISION_3 = Revision(
    number=3,
    socket_io=4,
    client_pings=True,
    decode_open=engineio3.decode_open,
    decode_packet=engineio3.decode_packet,
    decode_body=lambda body, binary: engineio3.decode_payload(body, binary=binary),
    records=lambda body, binary: engineio3.split_payload(body, binary=binary),
    split=_split_3,
    payload=_payload_3,
    binary_payload=_binary_payload_3,
    frame=_frame_3,
    decoder=socketio4.SocketDecoder,
    encode=socketio4.encode_socket_packet,
)

REVISIONS = {revision.number: revision for revision in (REVISION_4, REVISION_3)}
