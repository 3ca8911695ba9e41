"""A blocking TCP stream that notes when each part of an answer came.

A part is what one `recv` returns. If the second write of a server has to wait for something, it is a part of
its own.
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
    """Whether a program can choose when the kernel acknowledges data (only on Linux)."""
    return _TCP_QUICKACK is not None and sys.platform == "linux"


class Link:
    """One connection. With `ack_at_once` the kernel acknowledges each part when it is read.

    Without it the acknowledgement waits for data to send along with it, for 40 ms or more on Linux.
    """

    def __init__(self, target: Target, timeout: float = TIMEOUT) -> None:
        self.ack_at_once = False
        self.parts: list[tuple[float, int]] = []
        """The time (`time.perf_counter`) and the bytes of each part since the last `send`."""
        self._used = False
        self.sent_at = 0.0
        self._sock: Any = None
        started = time.perf_counter()
        try:
            self._sock = _connected(target, timeout)
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
        """Send all of it, and forget the parts so far."""
        if self._used:
            # A connection in use acknowledges with its next data. This makes sure of it from the second
            # exchange on. A new connection acknowledges at once.
            self._set_acks(at_once=False)
        self._used = True
        self.parts = []
        self.sent_at = time.perf_counter()
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise _failure(error) from None

    def receive(self, timeout: float = TIMEOUT) -> bytes:
        """The next part, empty at the end of the stream. Raises SwarmError (TIMEOUT) if none comes."""
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
        """Whether TLS has decrypted data that was not read yet."""
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


def _connected(target: Target, timeout: float) -> Any:
    """A socket that is connected to the first address that takes it. Raises the OSError of the first one."""
    first: OSError | None = None
    for family, address in ((target.family, target.address), *target.others):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            first = first or error
    assert first is not None
    raise first


def _failure(error: OSError) -> SwarmError:
    if isinstance(error, TimeoutError):
        return SwarmError(Kind.CONNECT_TIMEOUT)
    if type(error).__module__ == "ssl":
        return failure_of_tls(error)
    return failure_of_os_error(error)
