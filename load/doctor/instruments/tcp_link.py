"""A blocking TCP stream that notes when each part of an answer came.

What one `recv` gives is a part: where two writes of the server wait for each other, they are two parts.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from typing import Any

from sioprobe.engine import SwarmError, Target
from sioprobe.engine.errors import Kind, failure_of_os_error
from sioprobe.engine.transports.tls import failure_of_tls

__all__ = ["TIMEOUT", "Link", "can_choose_acks"]

TIMEOUT = 5.0
CHUNK = 262_144
_TCP_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


def can_choose_acks() -> bool:
    """Whether this system lets a program say when its kernel acknowledges what came (Linux)."""
    return _TCP_QUICKACK is not None and sys.platform == "linux"


class Link:
    """One connection. `ack_at_once` makes the kernel acknowledge each part when it is read, not later.

    Without it the acknowledgement waits for something to send along with it, 40 ms at least on Linux.
    """

    def __init__(self, target: Target, timeout: float = TIMEOUT) -> None:
        self.ack_at_once = False
        self.parts: list[tuple[float, int]] = []
        """Since the last `send`: when a part came (`time.perf_counter`), and its bytes."""
        self._used = False
        self.sent_at = 0.0
        self._sock: Any = None
        started = time.perf_counter()
        try:
            self._sock = socket.socket(target.family, socket.SOCK_STREAM)
            self._sock.settimeout(timeout)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.connect(target.address)
            self.connect_seconds = time.perf_counter() - started
            if target.tls is not None:
                self._sock = target.tls.wrap_socket(self._sock, server_hostname=target.name)
        except OSError as error:
            self.close()
            raise _failure(error) from None
        self.tls_seconds = time.perf_counter() - started - self.connect_seconds

    def _set_acks(self, *, at_once: bool) -> None:
        if _TCP_QUICKACK is not None:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, _TCP_QUICKACK, int(at_once))

    def send(self, data: bytes) -> None:
        """Send all of it; parts are noted anew from here."""
        if self._used:
            # A connection that talks acknowledges with its next data. Said aloud, so that it holds from
            # the second exchange on; a new one acknowledges at once, and is left alone.
            self._set_acks(at_once=False)
        self._used = True
        self.parts = []
        self.sent_at = time.perf_counter()
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise _failure(error) from None

    def receive(self, timeout: float = TIMEOUT) -> bytes:
        """The next part, empty at the stream's end. SwarmError("timeout") where none comes."""
        try:
            self._sock.settimeout(max(timeout, 0.001))
            data: bytes = self._sock.recv(CHUNK)
        except TimeoutError:
            raise SwarmError(Kind.TIMEOUT, f"nothing came for {timeout:.1f} s") from None
        except OSError as error:
            raise _failure(error) from None
        self.parts.append((time.perf_counter(), len(data)))
        if self.ack_at_once:
            self._set_acks(at_once=True)
        return data

    @property
    def pending(self) -> bool:
        """Whether TLS has decrypted something that was not asked for yet."""
        return bool(self._sock.pending()) if hasattr(self._sock, "pending") else False

    def fileno(self) -> int:
        """For `select`."""
        return int(self._sock.fileno())

    @property
    def gap(self) -> float:
        """Seconds from the first part since `send` to the last."""
        return self.parts[-1][0] - self.parts[0][0] if self.parts else 0.0

    def close(self) -> None:
        """Close at once."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.close()


def _failure(error: OSError) -> SwarmError:
    if isinstance(error, TimeoutError):
        return SwarmError(Kind.CONNECT_TIMEOUT)
    if type(error).__module__ == "ssl":
        return failure_of_tls(error)
    return failure_of_os_error(error)
