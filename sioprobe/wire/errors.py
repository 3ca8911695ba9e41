"""The two kinds of errors of the codec. They say whose fault it is."""

from __future__ import annotations

__all__ = ["LocalProtocolError", "RemoteProtocolError", "WireError"]


class WireError(ValueError):
    """Base of every error that `sioprobe.wire` raises. The message is one lower-case line."""


class LocalProtocolError(WireError):
    """The caller asked for bytes that the protocol does not allow; nothing was sent."""


class RemoteProtocolError(WireError):
    """The peer sent bytes that the protocol does not allow."""
