"""What can go wrong with a connection.

Each error has a kind, which is a short fixed text, so that errors can be counted by kind. A detail is for
people.
"""

from __future__ import annotations

import errno
from typing import Final

from sioprobe.commandline import own_limits
from sioprobe.measured.limits import message_above
from sioprobe.wire import RemoteProtocolError

__all__ = [
    "REFUSALS",
    "Kind",
    "SwarmError",
    "above_max_payload",
    "failure_of",
    "failure_of_os_error",
    "http_refusal",
]


class Kind:
    """The kinds of failures. An HTTP status that refuses us is a kind too, such as `http 404`.

    So are the limits of a server that we went beyond: see `sioprobe.measured.limits`.
    """

    ACK_TO_NOTHING: Final = "ack to nothing"
    ALREADY_CONNECTED: Final = "already connected"
    BAD_CA_FILE: Final = "bad ca file"
    BAD_HEADER: Final = "bad header"
    BAD_NAMESPACE: Final = "bad namespace"
    BAD_OPTION: Final = "bad option"
    BAD_TRANSPORT: Final = "bad transport"
    BAD_URL: Final = "bad url"
    CANNOT_BE_SENT: Final = "cannot be sent"
    CLOSED_BY_SERVER: Final = "closed by the server"
    """The server sent CLOSE, which ends the session."""
    CONNECT_REFUSED: Final = "connect refused"
    """The server answered CONNECT_ERROR."""
    CONNECT_TIMEOUT: Final = "connect timeout"
    """The TCP connection, the handshake or the answer to CONNECT did not come in time."""
    CONNECTION_CLOSED: Final = "connection closed"
    CONNECTION_REFUSED: Final = "connection refused"
    """Nothing listens there."""
    CONNECTION_RESET: Final = "connection reset"
    DISCONNECTED_BY_SERVER: Final = "disconnected by the server"
    """The server sent DISCONNECT for a namespace."""
    DROPPED: Final = "dropped"
    """`Connection.drop` made this loss on purpose. It is not counted as an error."""
    EVENT_OF_NO_NAMESPACE: Final = "event of no namespace of ours"
    GAVE_UP: Final = "gave up"
    """The last attempt of a reconnection failed."""
    HOST_UNREACHABLE: Final = "host unreachable"
    INTERNAL_ERROR: Final = "internal error"
    """A fault of ours or of a listener, not of the server."""
    LEFT: Final = "left"
    """We closed the session while a call waited. The call fails, and no error is counted."""
    MALFORMED_INPUT: Final = "malformed input"
    """The server sent something that the protocol does not allow."""
    NO_LOCAL_PORT: Final = own_limits.NO_LOCAL_PORT
    NO_LOCAL_ADDRESS: Final = own_limits.NO_LOCAL_ADDRESS
    NOT_CONNECTED: Final = "not connected"
    """Nothing can be sent, or the run was over before the server had answered CONNECT."""
    NOT_READY: Final = "not ready"
    """The run was over before a connected user could begin: the answer to its join had not come, or so."""
    PING_TIMEOUT: Final = "ping timeout"
    REPLAYED_TWICE: Final = "replayed twice"
    """The server replayed an event that it had sent before."""
    SEND_BUFFER_FULL: Final = "send buffer full"
    SOCKET_ERROR: Final = "socket error"
    TIMEOUT: Final = "timeout"
    """The answer to an event did not come in time."""
    TLS_ERROR: Final = "tls error"
    TLS_REFUSED: Final = "tls refused"
    TOO_MANY_OPEN_FILES: Final = own_limits.TOO_MANY_OPEN_FILES
    UNKNOWN_HOST: Final = "unknown host"
    UPGRADE_NOT_OFFERED: Final = "upgrade not offered"
    UPGRADE_TIMEOUT: Final = "upgrade timeout"


class SwarmError(Exception):
    """An operation failed. `kind` is counted; the text of the error adds the detail."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


REFUSALS = frozenset({Kind.CONNECT_REFUSED, "http 401", "http 403"})
"""The kinds in which a server refuses a client that it does not want: in its answer to CONNECT, or before."""


def http_refusal(status: int, detail: str) -> SwarmError:
    """The failure that an HTTP status stands for."""
    return SwarmError(f"http {status}", detail)


def above_max_payload(failure: SwarmError, size: int, limit: float, packets: int = 1) -> SwarmError:
    """The failure, with its reason if we sent `size` bytes to a server whose maxPayload is less.

    `packets` is the number of packets in them; a `limit` of 0 is none. The kind names the limit, so that all
    such errors of a server are of one kind.
    """
    if not 0 < limit < size:
        return failure
    what = "the message" if packets == 1 else f"the POST of {packets} packets"
    return SwarmError(
        message_above(limit),
        f"{what} has {size:,} bytes; the server takes {limit:,.0f} (maxPayload); then: {failure}",
    )


_KINDS = {
    errno.ECONNREFUSED: Kind.CONNECTION_REFUSED,
    errno.ECONNRESET: Kind.CONNECTION_RESET,
    errno.EPIPE: Kind.CONNECTION_RESET,
    errno.ETIMEDOUT: Kind.CONNECT_TIMEOUT,
    errno.EHOSTUNREACH: Kind.HOST_UNREACHABLE,
    errno.ENETUNREACH: Kind.HOST_UNREACHABLE,
}


def failure_of_os_error(error: OSError) -> SwarmError:
    """The failure that an error of the operating system stands for."""
    kind = own_limits.own_limit(error) or _KINDS.get(error.errno or 0, Kind.SOCKET_ERROR)
    return SwarmError(kind, error.strerror or str(error))


def failure_of(error: Exception) -> SwarmError:
    """The failure that an exception raised in a callback stands for."""
    if isinstance(error, SwarmError):
        return error
    if isinstance(error, OSError):
        return failure_of_os_error(error)
    # Not every ValueError: an error in a listener is not the fault of the server.
    if isinstance(error, (RemoteProtocolError, UnicodeDecodeError)):
        return SwarmError(Kind.MALFORMED_INPUT, str(error))
    return SwarmError(Kind.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
