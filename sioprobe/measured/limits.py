"""Errors of clients that went beyond a limit of their server: the kinds, which name the limit, and advice."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["advice", "message_above", "packets_dropped"]

_DROPPED = re.compile(r"POST of more than (\d+) packets dropped")
_ABOVE = "message above maxPayload"


def packets_dropped(limit: int) -> str:
    """The kind of a POST of polling that the server answered with 200, and whose packets it dropped.

    It takes at most `limit` packets in one POST.
    """
    return f"POST of more than {limit} packets dropped"


def message_above(limit: float) -> str:
    """The kind of a failure after a message of more than `limit` bytes, the server's maxPayload."""
    return f"{_ABOVE} ({limit:,.0f} bytes)"


def advice(kinds: Iterable[str]) -> list[str]:
    """A sentence for each limit among the kinds of errors: what happened, and the setting that helps."""
    kinds = list(kinds)
    found = []
    for limit in sorted({int(match[1]) for match in map(_DROPPED.fullmatch, kinds) if match}):
        found.append(
            f"the server takes {limit} packets in one POST of polling. It answered 200 to larger ones and"
            " dropped all their packets. Official clients send such POSTs too, and lose the same."
            " engineio.payload.Payload.max_decode_packets of python-engineio raises the limit;"
            f" --max-packets-per-post {limit} keeps below it."
        )
    if any(kind.startswith(_ABOVE) for kind in kinds):
        found.append(
            "the server closes the session of a client that sends a message above its maxPayload;"
            " max_http_buffer_size of python-socketio and maxHttpBufferSize of socket.io raise it."
        )
    return found
