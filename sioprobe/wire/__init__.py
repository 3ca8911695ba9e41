"""The wire codec: Engine.IO 4 and 3, Socket.IO 5 and 4, and RFC 6455 frames
(with RFC 7692, permessage-deflate) as values.

The names here are those of Engine.IO 4 and Socket.IO 5. The modules `engineio3` and `socketio4` use the same
names for what differs in the older revisions.
It turns bytes into values and back, without sockets, and needs the standard library only.
Every error is a `WireError`: `LocalProtocolError` (we would send nonsense) or `RemoteProtocolError`.
"""

from sioprobe.wire import engineio3, socketio4
from sioprobe.wire.deflate import DeflateOffer, DeflateParameters, Deflater, Inflater
from sioprobe.wire.engineio import (
    RECORD_SEPARATOR,
    EnginePacket,
    EnginePacketType,
    OpenData,
    decode_open,
    decode_packet,
    decode_payload,
    encode_open,
    encode_packet,
    encode_payload,
)
from sioprobe.wire.errors import LocalProtocolError, RemoteProtocolError, WireError
from sioprobe.wire.socketio import (
    ACKS,
    EVENTS,
    MAIN_NAMESPACE,
    RESERVED_EVENTS,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    encode_packet_of,
    encode_socket_packet,
)
from sioprobe.wire.websocket import (
    Frame,
    FrameDecoder,
    MessageDecoder,
    Opcode,
    UpgradeResponse,
    accept_key,
    check_upgrade_response,
    decode_close,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_upgrade_request,
    mark_compressed,
    new_key,
)

__all__ = [
    "ACKS",
    "EVENTS",
    "MAIN_NAMESPACE",
    "RECORD_SEPARATOR",
    "RESERVED_EVENTS",
    "DeflateOffer",
    "DeflateParameters",
    "Deflater",
    "EnginePacket",
    "EnginePacketType",
    "Frame",
    "FrameDecoder",
    "Inflater",
    "LocalProtocolError",
    "MessageDecoder",
    "Opcode",
    "OpenData",
    "RemoteProtocolError",
    "SocketDecoder",
    "SocketPacket",
    "SocketPacketType",
    "UpgradeResponse",
    "WireError",
    "accept_key",
    "check_upgrade_response",
    "decode_close",
    "decode_open",
    "decode_packet",
    "decode_payload",
    "decode_response_head",
    "encode_close",
    "encode_frame",
    "encode_open",
    "encode_packet",
    "encode_packet_of",
    "encode_payload",
    "encode_socket_packet",
    "encode_upgrade_request",
    "engineio3",
    "mark_compressed",
    "new_key",
    "socketio4",
]
