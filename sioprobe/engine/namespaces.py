"""The name of a namespace, and the packet that asks the server for it."""

from __future__ import annotations

from typing import Any

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.wire import LocalProtocolError, SocketPacket, SocketPacketType, encode_socket_packet

__all__ = ["check_namespace", "connect_packet"]


def check_namespace(namespace: str) -> None:
    """Raise SwarmError (BAD_NAMESPACE) if no namespace can have this name."""
    if not isinstance(namespace, str) or not namespace.startswith("/") or "," in namespace:
        meant = isinstance(namespace, str) and not namespace.startswith("/")
        hint = f"does not start with '/' (the nearest is '/{namespace}')" if meant else "is not a namespace"
        raise SwarmError(Kind.BAD_NAMESPACE, f"{namespace!r} {hint}")


def connect_packet(namespace: str, auth: Any) -> str:
    """The Engine.IO packet that connects to a namespace. Raises SwarmError if it cannot be sent."""
    check_namespace(namespace)
    try:
        text, _ = encode_socket_packet(SocketPacket(SocketPacketType.CONNECT, namespace, auth))
    except LocalProtocolError as error:
        raise SwarmError(Kind.CANNOT_BE_SENT, f"the auth payload: {error}") from None
    return "4" + text
