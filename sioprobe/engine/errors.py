"""What can go wrong with a connection, as kinds that are counted.

A kind is a short fixed phrase, so that errors can be added up; the detail is for a person's eyes.
"""

from __future__ import annotations

import errno

from sioprobe.wire import RemoteProtocolError

__all__ = [
    "DROPPED",
    "INTERNAL_ERROR",
    "LEFT",
    "MALFORMED_INPUT",
    "SwarmError",
    "failure_of",
    "failure_of_os_error",
]

DROPPED = "dropped"
"""The kind of a loss that `Connection.drop` made: an operation of ours, and so counted as no error."""

INTERNAL_ERROR = "internal error"
"""The kind of a fault of our own, or of a listener."""

LEFT = "left"
"""The kind of what was under way when this side closed the session: told to whoever waits, never counted."""

MALFORMED_INPUT = "malformed input"
"""The kind of what a server sent that no layer of the protocol allows."""


class SwarmError(Exception):
    """An operation of a user failed. `kind` is what is counted; the text adds the detail."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail


_KINDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.ETIMEDOUT: "connect timeout",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "host unreachable",
    errno.EADDRNOTAVAIL: "no local port left",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
}


def failure_of_os_error(error: OSError) -> SwarmError:
    """The failure that an error of the operating system stands for."""
    kind = _KINDS.get(error.errno or 0, "socket error")
    return SwarmError(kind, error.strerror or str(error))


def failure_of(error: Exception) -> SwarmError:
    """The failure that an exception raised in a callback stands for."""
    if isinstance(error, SwarmError):
        return error
    if isinstance(error, OSError):
        return failure_of_os_error(error)
    # Not every ValueError: a listener that fails is no fault of the server.
    if isinstance(error, (RemoteProtocolError, UnicodeDecodeError)):
        return SwarmError(MALFORMED_INPUT, str(error))
    return SwarmError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")
