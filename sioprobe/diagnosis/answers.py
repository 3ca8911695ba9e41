"""What came of a question: an HTTP answer, nothing, or the end of a WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Ended", "Lack", "Nothing", "Redact", "Reply", "lack_of", "quoted"]

EXCERPT = 80

Redact = Callable[[str], str]
"""Removes the secrets of the user from the words of a server, which may repeat them."""


class Lack(StrEnum):
    """Why there is no HTTP answer."""

    UNKNOWN_HOST = "unknown host"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted certificate"
    NO_TLS = "no TLS"
    SILENT = "silent"
    CLOSED = "closed"
    NO_HTTP = "no HTTP"


@dataclass(frozen=True, slots=True)
class Nothing:
    """No HTTP answer came. `detail` are words of the system, or what the server said instead."""

    lack: Lack
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. Header names are in lower case. `said` is the beginning of the body, for people."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    said: str = ""

    def header(self, name: str) -> str:
        """The first header of the name, or an empty text."""
        return next((value for key, value in self.headers if key == name), "")

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.said}" if self.said else f"HTTP {self.status}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a WebSocket ended."""

    how: str


def quoted(text: str, redact: Redact) -> str:
    """The beginning of a text in quotes and in one line, without secrets; empty for none."""
    # In this order: half a secret would not be known as one.
    line = " ".join(redact(text).split())
    return repr(line[:EXCERPT] + ("..." if len(line) > EXCERPT else "")) if line else ""


def lack_of(error: OSError) -> Nothing:
    """The words for the end of a connection."""
    if isinstance(error, TimeoutError):
        return Nothing(Lack.SILENT)
    return Nothing(Lack.CLOSED, (error.strerror or str(error)).lower())
