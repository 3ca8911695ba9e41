"""A TCP stream driven by readiness callbacks on the hub: bytes in, bytes out, nothing blocks.

The socket is the interpreter's own (`_socket`), never gevent's: no greenlet waits on it.
TLS is in `sioprobe.engine.transports.tls`.
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sioprobe.engine.errors import Kind, SwarmError, failure_of, failure_of_os_error

__all__ = ["MAX_UNSENT", "Stream"]

READ, WRITE = 1, 2
TCP_CLOSE, TCP_CLOSE_WAIT = 7, 8  # <linux/tcp_states.h>
CHUNK = 65536
IP_BIND_ADDRESS_NO_PORT = 24
"""`socket` has no name for this option of Linux: `connect` chooses the port, for this peer alone."""
MAX_UNSENT = 4 * 2**20
"""So many bytes may wait for a peer that does not read; with more, the stream is given up."""


class Stream:
    """One stream. `receive(data)`, `opened()` and `lost(failure or None)` are called on the hub.

    `lost` is called at most once, with None if the peer ended the stream in order. After `close` nothing is
    called any more.
    """

    __slots__ = (
        "_connect_done",
        "_loop",
        "_lost",
        "_opened",
        "_reader",
        "_reading",
        "_receive",
        "_sock",
        "_unsent",
        "_writer",
    )

    def __init__(
        self,
        loop: Any,
        receive: Callable[[bytes], None],
        lost: Callable[[SwarmError | None], None],
        opened: Callable[[], None] | None = None,
    ) -> None:
        self._loop = loop
        self._receive = receive
        self._lost: Callable[[SwarmError | None], None] | None = lost
        self._opened = opened
        self._sock: Any = None
        self._reader: Any = None
        self._reading = True
        self._writer: Any = None
        self._unsent = bytearray()
        self._connect_done = False

    @property
    def is_open(self) -> bool:
        """Whether the stream is connected and not closed."""
        return self._connect_done and self._sock is not None

    @property
    def unsent(self) -> int:
        """Bytes that wait until the peer reads."""
        return len(self._unsent)

    def connect(
        self,
        family: int,
        address: tuple[Any, ...],
        source: str | None = None,
        others: Sequence[tuple[int, tuple[Any, ...]]] = (),
        first_failure: SwarmError | None = None,
    ) -> None:
        """Start to connect, from the local address `source` if one is given.

        Where it fails, each of the `others` is tried. If all fail, `lost` is called with the first failure,
        from the hub and never from inside this call.
        """
        failed = partial(self._try_next, source, others, first_failure)
        try:
            self._sock = sock = _socket.socket(family, _socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            if source is not None:
                # Otherwise `bind` takes a port that no other connection may use, even to another peer.
                with contextlib.suppress(OSError):
                    sock.setsockopt(_socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((source, 0))
            code = sock.connect_ex(address)
        except OSError as error:
            self._loop.run_callback(failed, error)
            return
        if code not in (0, errno.EINPROGRESS):
            self._loop.run_callback(failed, OSError(code, os.strerror(code)))
            return
        self._writer = self._loop.io(sock.fileno(), WRITE)
        self._writer.start(self._connected, failed)

    def _try_next(
        self,
        source: str | None,
        others: Sequence[tuple[int, tuple[Any, ...]]],
        first_failure: SwarmError | None,
        error: OSError,
    ) -> None:
        failure = first_failure or failure_of_os_error(error)
        if self._lost is None or not others:
            self._lose(failure)
            return
        if self._writer is not None:
            self._writer.stop()
            self._writer.close()
            self._writer = None
        if self._sock is not None:
            self._sock.close()
        self.connect(*others[0], source, others[1:], failure)

    def accept(self, sock: Any) -> None:
        """Take over an accepted `_socket.socket`."""
        sock.setblocking(False)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._sock = sock
        self._begin()

    def _begin(self) -> None:
        self._connect_done = True
        self._reader = self._loop.io(self._sock.fileno(), READ)
        if self._reading:
            self._reader.start(self._readable)

    def _connected(self, failed: Callable[[OSError], None]) -> None:
        code = self._sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        self._writer.stop()
        if code:
            failed(OSError(code, os.strerror(code)))
            return
        self._begin()
        self._call(self._opened)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(failure_of_os_error(error))
            return
        if not data:
            self._lose(None)
            return
        try:
            self._receive(data)
        except Exception as error:
            self._fail(error)

    def _call(self, function: Callable[[], None] | None) -> None:
        if function is None:
            return
        try:
            function()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        # An exception must not reach the hub, which would print it and count nothing.
        self._lose(failure_of(error))

    def _lose(self, failure: SwarmError | None) -> None:
        lost = self._lost
        self.close()
        if lost is not None:
            lost(failure)

    def write(self, data: bytes) -> None:
        """Send now as much as the kernel accepts, and the rest later."""
        if self._unsent:
            self._keep(data)
            return
        sock = self._sock
        if sock is None:
            return
        try:
            sent = sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            # Later, because the caller is in the middle of something.
            self._loop.run_callback(self._lose, failure_of_os_error(error))
            return
        if sent < len(data):
            self._keep(data[sent:])

    def _keep(self, data: bytes) -> None:
        if len(self._unsent) + len(data) > MAX_UNSENT:
            self._loop.run_callback(
                self._lose, SwarmError(Kind.SEND_BUFFER_FULL, f"{len(self._unsent)} bytes wait")
            )
            return
        if not self._unsent:
            if self._writer is None:
                self._writer = self._loop.io(self._sock.fileno(), WRITE)
            self._writer.start(self._writable)
        self._unsent += data

    def _writable(self) -> None:
        try:
            sent = self._sock.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(failure_of_os_error(error))
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._writer.stop()

    def has_ended(self) -> bool:
        """Whether the peer has closed this idle stream. Nothing is read."""
        try:
            return not self._sock.recv(1, _socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except (OSError, AttributeError):  # reset, or no socket any more
            return True

    def stop_reading(self) -> None:
        """Leave in the kernel all that arrives. An end of the stream is not noticed either.

        The peer notices only after megabytes, which both kernels buffer. A smaller receive buffer would not
        help: most of it waits in the send buffer of the peer, and a window below one segment would never open
        again.
        """
        self._reading = False
        if self._reader is not None:
            self._reader.stop()

    def start_reading(self) -> None:
        """Read again, from the next turn of the hub on."""
        if not self._reading:
            self._reading = True
            if self._reader is not None:
                self._reader.start(self._readable)

    @property
    def ended_by_peer(self) -> bool | None:
        """Whether the peer has sent FIN or RST, even if it was not read; None if the kernel does not tell.

        The kernel does not know of a FIN that waits behind data for which it has no room.
        """
        if self._sock is None or not hasattr(_socket, "TCP_INFO"):
            return None
        state = self._sock.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, 1)[0]
        return state in (TCP_CLOSE, TCP_CLOSE_WAIT)

    def close(self) -> None:
        """Close the socket. No callback follows."""
        self._lost = None
        # The owner of these callbacks holds this stream. Without them there is no cycle for the garbage
        # collector.
        self._receive, self._opened = _ignore, None
        for watcher in (self._reader, self._writer):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reader = self._writer = None
        self._unsent.clear()
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()


def _ignore(data: bytes) -> None:
    pass
