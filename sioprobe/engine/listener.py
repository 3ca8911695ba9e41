"""Who is told what happens on a connection, as calls on the hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sioprobe.engine.errors import SwarmError

if TYPE_CHECKING:
    from sioprobe.engine.connection import Connection

__all__ = ["AckCallback", "Listener"]

AckCallback = Callable[["list[Any] | None", "SwarmError | None"], None]
"""Called once, with the arguments of the ack or with what went wrong."""


class Listener:
    """Who is told, on the hub, what happens on a connection. Each method may be left as it is."""

    __slots__ = ()

    def connected(self, connection: Connection, namespace: str) -> None:
        """The server accepted the namespace."""

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        """The server answered CONNECT_ERROR."""

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """An event came; where `ack_id` is not None the server waits for `connection.ack`."""
        if ack_id is not None:
            connection.ack(ack_id, namespace=namespace)

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """An ack came that no `emit` with a callback waits for."""
        connection.count_error("ack to nothing")

    def disconnected(self, connection: Connection, namespace: str) -> None:
        """The server sent DISCONNECT."""

    def pinged(self, connection: Connection) -> None:
        """A PING of the server came; the PONG has been sent, or waits behind what is `unsent`."""

    def upgraded(self, connection: Connection) -> None:
        """The session is on WebSocket now, or its upgrade failed and it stays on polling."""

    def expired(self, connection: Connection) -> None:
        """The connection's `deadline`, set by the listener, has passed."""

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        """The session is lost, its acks have ended, and the connection tries to get another."""

    def reconnected(self, connection: Connection, nanoseconds: int) -> None:
        """All namespaces are connected again, so long after the loss; `connected` told of each before."""

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The connection is over; `failure` is None where we closed it."""
