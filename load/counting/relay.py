"""A relay in front of a server that counts the bytes which the server sends.

The kernel's counters are gone with each connection, and a server over HTTP/1.0 has one for each request.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import gevent
from gevent.server import StreamServer
from gevent.socket import create_connection

__all__ = ["Relay"]

CHUNK = 65536


class Relay:
    """Listens on a free port and hands everything on; `url` is where, `bytes` what came from the server."""

    def __init__(self, host: str, port: int) -> None:
        self.bytes = 0
        self._server_address = (host, port)
        self._listener = StreamServer(("127.0.0.1", 0), self._accept)
        self._listener.start()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"http://127.0.0.1:{self._listener.server_port}"

    def _accept(self, client: Any, _address: Any) -> None:
        with contextlib.suppress(OSError):
            server = create_connection(self._server_address)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            forth = gevent.spawn(self._pump, client, server)
            try:
                self._pump(server, client, count=True)
            finally:
                forth.kill()
                server.close()

    def _pump(self, source: Any, sink: Any, *, count: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if count:
                    self.bytes += len(data)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Accept nothing more."""
        self._listener.stop(timeout=0)
