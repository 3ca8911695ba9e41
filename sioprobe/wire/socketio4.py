"""Socket.IO 4 packets: what differs from revision 5 in `sioprobe.wire.socketio`, under the same names.

The text is the same. CONNECT has no data in either direction: a client puts what it has to say into the
namespace as a query (`/custom?token=1`). Type 4 is ERROR, with any JSON or nothing as its data; here it is
`SocketPacketType.CONNECT_ERROR`. An ACK may have no data, and no event name is reserved.
The decoder also takes a CONNECT with an object or an array, as the official client does.
Spec: Socket.IO protocol, revision 4.
"""

from __future__ import annotations

from typing import Any

from sioprobe.wire import socketio
from sioprobe.wire.errors import RemoteProtocolError
from sioprobe.wire.socketio import ACKS, EVENTS, SocketPacket, SocketPacketType

__all__ = ["SocketDecoder", "encode_socket_packet"]

_WITHOUT_DATA = (SocketPacketType.CONNECT, SocketPacketType.DISCONNECT)


def encode_socket_packet(packet: SocketPacket) -> tuple[str, list[bytes]]:
    """The text of the packet and its attachments, in the order in which they must follow.

    As in revision 5. Raises LocalProtocolError.
    """
    return socketio.encode_checked(packet, _check_data)


class SocketDecoder(socketio.SocketDecoder):
    """As in revision 5, with the rules of revision 4 about data."""

    @staticmethod
    def check(kind: SocketPacketType, data: Any) -> None:
        """Raises RemoteProtocolError if a packet of this type may not have this data."""
        if kind is not SocketPacketType.CONNECT or not isinstance(data, (dict, list)):
            _check_data(kind, data)


def _check_data(kind: SocketPacketType, data: Any) -> None:
    if kind in _WITHOUT_DATA:
        if data is not None:
            raise RemoteProtocolError(f"{kind.name} with data")
    elif kind is SocketPacketType.CONNECT_ERROR or (data is None and kind in ACKS):
        return
    elif not isinstance(data, list):
        raise RemoteProtocolError(f"data of {kind.name} is not an array")
    elif kind in EVENTS and not data:
        raise RemoteProtocolError(f"data of {kind.name} is an empty array")
    elif kind in EVENTS and (isinstance(data[0], bool) or not isinstance(data[0], (str, int, float))):
        raise RemoteProtocolError("event name is neither a string nor a number")
